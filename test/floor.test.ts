/** The C floors: what they say, and what they leave behind. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { allowedProcessors } from '../src/bench/placement.js'
import { viewOf } from '../src/stage/kernel.js'
import { packageFolder } from './support/run.js'

const FLOORS = join(packageFolder, 'build/floor')
const built = existsSync(FLOORS)
const processors = allowedProcessors().slice(-2)
const [one, other] = [processors.at(-1), processors[0]]

/** What differs from a message of 64 bytes, acknowledged by 8. */
interface Shape {
  readonly payload?: number
  readonly ack?: number
  readonly batch?: number
  readonly lossy?: number
}
const EVENTS = { payload: 0, ack: 0 }
const WORD = { payload: 4, ack: 4 }
const LOSSY = { lossy: 1, batch: 60 }

const VARIANTS: readonly (readonly [mechanism: string, variant: string, shape: Shape])[] = [
  ...['anonymous', 'packet', 'stdio'].map((variant) => ['pipe', variant, {}] as const),
  ...['native', 'mkfifo'].map((variant) => ['fifo', variant, {}] as const),
  ...['posix', 'sysv', 'atomics'].map((variant) => ['semaphore', variant, EVENTS] as const),
  ...['posix', 'sysv', 'posix-mq'].map((variant) => ['message-queue', variant, {}] as const),
  ['signal', 'realtime', WORD],
  ['signal', 'standard', EVENTS],
  ...['ring', 'posix', 'mmap', 'sysv', 'worker'].map((variant) => ['shared-memory', variant, {}] as const),
  ...['unix', 'unix-seqpacket', 'unix-dgram', 'tcp', 'node-ipc'].map((variant) => ['socket', variant, {}] as const),
  ...['udp', 'multicast'].map((variant) => ['socket', variant, LOSSY] as const),
]
const WORKLOADS = ['round-trip', 'throughput'] as const
const WAITS = ['block', 'spin', 'adaptive', 'poll'] as const

interface Floor {
  readonly child: ChildProcess
  say(line: string): void
  /** The next line of its descriptor 3; rejects when it has ended without one. */
  answer(): Promise<Record<string, unknown>>
  readonly ended: Promise<{ status: number | null; stderr: string }>
}

function start(mechanism: string, words: Record<string, string | number>): Floor {
  const args = Object.entries({ warmup: 5, limit: 20_000, ping: one ?? 0, pong: other ?? 0, ...words }).map(
    ([key, value]) => `${key}=${value}`,
  )
  const child = spawn(join(FLOORS, mechanism), args, { detached: true, stdio: ['pipe', 'ignore', 'pipe', 'pipe'] })
  const lines: string[] = []
  let rest = ''
  let stderr = ''
  let over = false
  let wake = () => {}
  child.stdin?.on('error', () => {}) // it ended before it was told to
  child.stdio[3]?.on('data', (chunk: Buffer) => {
    const parts = (rest + chunk).split('\n')
    rest = parts.pop() ?? ''
    lines.push(...parts)
    wake()
  })
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk
  })
  const ended = once(child, 'close').then(([status]) => {
    over = true
    wake()
    return { status: status as number | null, stderr }
  })
  return {
    child,
    say: (line) => void child.stdin?.write(`${line}\n`),
    answer: () =>
      new Promise((resolve, reject) => {
        wake = () => {
          const line = lines.shift()
          if (line !== undefined) resolve(JSON.parse(line) as Record<string, unknown>)
          else if (over) reject(new Error(`ended: ${stderr}`))
        }
        wake()
      }),
    ended,
  }
}

const listed = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : [])
const sysv = (kind: 'msg' | 'sem' | 'shm'): string[] =>
  readFileSync(`/proc/sysvipc/${kind}`, 'utf8')
    .split('\n')
    .slice(1)
    // With a key: an adapter's of a test that runs at the same time. The floors' have none.
    .filter((line) => /^\s*0\s/.test(line))
    .map((line) => line.trim().split(/\s+/)[1] ?? '')

/** What could be a floor's: its objects have no name or key for longer than a moment. */
const standing = (): string[] => [
  ...listed('/dev/shm').filter((name) => /^(sem\.)?ipc-floor-/.test(name)),
  ...listed('/dev/mqueue').filter((name) => name.startsWith('ipc-floor-')),
  ...listed(tmpdir()).filter((name) => name.startsWith('ipc-floor-')),
  ...(['msg', 'sem', 'shm'] as const).flatMap((kind) => sysv(kind).map((id) => `${kind} ${id}`)),
]

/** Processes of the floors that carry this mark in their environment, and have not ended. */
function living(mark: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return (
        /^\d+$/.test(pid) &&
        readFileSync(`/proc/${pid}/environ`, 'latin1').includes(mark) &&
        readFileSync(`/proc/${pid}/comm`, 'latin1').trim() !== 'node' &&
        !/\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
      )
    } catch {
      return false
    }
  })
}

const MARK = `IPC_FLOOR_TEST=${process.pid}`

describe.skipIf(!built)('a floor', () => {
  const folder = mkdtempSync(join(tmpdir(), 'floor-test-'))
  let before: string[] = []
  beforeAll(() => {
    process.env.IPC_FLOOR_TEST = String(process.pid)
    process.env.TMPDIR = folder
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  beforeEach(() => {
    before = standing()
  })

  /** By whatever means it ended, soon nothing of it is left. */
  async function expectNothingLeft(): Promise<void> {
    await expect.poll(() => living(MARK), { timeout: 5000 }).toEqual([])
    await expect.poll(() => standing().filter((name) => !before.includes(name)), { timeout: 5000 }).toEqual([])
  }

  test('is there for every mechanism that has one, and names every variant once', () => {
    const sources = readdirSync(join(packageFolder, 'src/adapters')).filter((name) =>
      existsSync(join(packageFolder, 'src/adapters', name, 'floor.c')),
    )
    expect(readdirSync(FLOORS).sort()).toEqual(sources.sort())
    for (const mechanism of sources) {
      const source = readFileSync(join(packageFolder, 'src/adapters', mechanism, 'floor.c'), 'utf8')
      const named = [...source.matchAll(/\.variant = "([^"]+)"/g)].map(([, name]) => name)
      expect(named.sort()).toEqual(
        VARIANTS.filter(([name]) => name === mechanism)
          .map(([, variant]) => variant)
          .sort(),
      )
    }
  })

  for (const [mechanism, variant, shape] of VARIANTS)
    for (const workload of WORKLOADS) {
      if (workload === 'throughput' && mechanism === 'signal' && variant === 'standard') continue
      test.each(WAITS)(`of ${mechanism}/${variant} runs rounds of ${workload}, %s`, async (wait) => {
        if (wait === 'spin' && one === other) return // the floor says so, see below
        const floor = start(mechanism, { variant, workload, wait, ...shape })
        expect(await floor.answer()).toEqual({ ready: true })
        floor.say('warm')
        expect(await floor.answer()).toEqual({ ready: true })
        let count = 0
        let batch = 1
        for (let round = 0; round < 2; round++) {
          floor.say('run 20')
          const figures = await floor.answer()
          const names = ['batch', 'count', 'cpuUs', 'elapsedMs', 'involuntary', 'lost', 'rssBytes', 'voluntary']
          expect(Object.keys(figures).sort()).toEqual([...names, ...(workload === 'round-trip' ? ['p50'] : [])].sort())
          for (const [name, value] of Object.entries(figures)) expect(value, name).toBeGreaterThanOrEqual(0)
          expect(figures.count).toBeGreaterThan(0)
          count += Number(figures.count)
          batch = Number(figures.batch)
          expect(figures.cpuUs).toBeGreaterThan(0)
          expect(figures.elapsedMs).toBeGreaterThanOrEqual(20)
          expect(figures.rssBytes).toBeGreaterThan(100_000)
          if (shape.lossy === undefined) expect(figures.lost).toBe(0)
        }
        floor.say('end')
        const { histogram } = (await floor.answer()) as { histogram?: number[] }
        if (workload === 'throughput') expect(histogram).toBeUndefined()
        else {
          const values = histogram?.filter((_, i) => i % 2 === 0) ?? []
          expect(values).toEqual(values.toSorted((a, b) => a - b))
          expect(new Set(values).size).toBe(values.length)
          // Each time stands for a batch of round trips.
          expect(batch * (histogram ?? []).filter((_, i) => i % 2 === 1).reduce((sum, times) => sum + times, 0)).toBe(count)
        }
        expect(await floor.ended).toEqual({ status: 0, stderr: '' })
        await expectNothingLeft()
      })
    }

  test.each([
    ['pipe', 'anonymous', 1_000_000, 1],
    ['socket', 'tcp', 65_536, 16],
    ['socket', 'unix-seqpacket', 0, 8],
    ['shared-memory', 'ring', 500_000, 2],
    ['shared-memory', 'ring', 3, 1024],
    ['message-queue', 'sysv', 8192, 16],
  ] as const)('of %s/%s carries messages of %i bytes whole', async (mechanism, variant, payload, batch) => {
    const floor = start(mechanism, { variant, workload: 'throughput', wait: 'block', payload, batch })
    await floor.answer()
    floor.say('run 20')
    expect((await floor.answer()).count).toBeGreaterThan(0)
    floor.say('end')
    expect((await floor.ended).status).toBe(0)
  })

  test.each(['message-queue', 'semaphore', 'shared-memory'])('of %s ends with its driver', async (mechanism) => {
    const floor = start(mechanism, { variant: 'sysv', wait: 'block', ...(mechanism === 'semaphore' ? EVENTS : {}) })
    await floor.answer()
    floor.child.stdin?.end()
    expect((await floor.ended).status).toBe(0)
    await expectNothingLeft()
  })

  test.each([
    ['pipe', 'anonymous', {}],
    ['socket', 'unix-dgram', {}],
    ['message-queue', 'sysv', {}],
    ['message-queue', 'posix', {}],
    ['semaphore', 'sysv', EVENTS],
    ['shared-memory', 'ring', {}],
    ['signal', 'realtime', WORD],
  ] as const)('of %s/%s takes its other side along when it is killed', async (mechanism, variant, shape) => {
    const floor = start(mechanism, { variant, wait: 'block', ...shape })
    await floor.answer()
    floor.say('run 5000')
    expect(living(MARK).length).toBeGreaterThanOrEqual(2)
    floor.child.kill('SIGKILL')
    await floor.ended
    await expectNothingLeft()
  })

  test.each(['message-queue', 'semaphore'])('of %s leaves nothing where its whole group is killed', async (mechanism) => {
    const floor = start(mechanism, { variant: 'sysv', wait: 'block', ...(mechanism === 'semaphore' ? EVENTS : {}) })
    await floor.answer()
    process.kill(-(floor.child.pid ?? 0), 'SIGKILL')
    await floor.ended
    await expectNothingLeft()
  })

  test('whose other side is killed says so', async () => {
    const floor = start('pipe', { variant: 'anonymous', wait: 'block' })
    await floor.answer()
    const pong = living(MARK).find((pid) => Number(pid) !== floor.child.pid)
    process.kill(Number(pong), 'SIGKILL')
    expect(await floor.ended).toEqual({ status: 1, stderr: 'bench: the other side of the floor ended early\n' })
    await expectNothingLeft()
  })

  test.each([
    ['unix', 1, {}],
    ['unix', 4, {}],
    ['tcp', 3, {}],
    ['unix-seqpacket', 2, {}],
    ['udp', 2, LOSSY],
  ] as const)('of socket/%s receives from %i senders, and leaves none', async (variant, senders, shape) => {
    const floor = start('socket', { variant, workload: 'fan-in', wait: 'poll', senders, ...shape })
    expect(await floor.answer()).toEqual({ ready: true })
    floor.say('warm')
    expect(await floor.answer()).toEqual({ ready: true })
    for (let round = 0; round < 2; round++) {
      floor.say('run 20')
      const { count, elapsedMs, p50 } = await floor.answer()
      expect(count).toBeGreaterThan(0)
      expect(elapsedMs).toBeGreaterThanOrEqual(20)
      expect(p50).toBeUndefined()
      expect(living(MARK)).toHaveLength(1 + senders)
    }
    floor.say('end')
    expect(await floor.answer()).toEqual({})
    expect(await floor.ended).toEqual({ status: 0, stderr: '' })
    await expectNothingLeft()
  })

  test('one of whose senders is killed says so, and ends with its driver', async () => {
    const floor = start('socket', { variant: 'unix', workload: 'fan-in', wait: 'poll', senders: 3 })
    await floor.answer()
    const sender = living(MARK).find((pid) => Number(pid) !== floor.child.pid)
    process.kill(Number(sender), 'SIGKILL')
    expect(await floor.ended).toEqual({ status: 1, stderr: 'bench: a sender of the floor ended early\n' })
    await expectNothingLeft()
    const other = start('socket', { variant: 'unix', workload: 'fan-in', wait: 'poll', senders: 3 })
    await other.answer()
    other.child.kill('SIGKILL')
    await other.ended
    await expectNothingLeft()
  })

  test('ends at its limit', async () => {
    const floor = start('pipe', { variant: 'anonymous', wait: 'block', limit: 200 })
    await floor.answer()
    const { status, stderr } = await floor.ended
    expect(status).toBe(1)
    expect(stderr).toMatch(/^(bench: the floor did not end in time.*\n)+/)
    await expectNothingLeft()
  })

  test.skipIf(one === other)('that spins uses no processor time between rounds', async () => {
    const floor = start('shared-memory', { variant: 'ring', wait: 'spin' })
    await floor.answer()
    floor.say('run 20')
    await floor.answer()
    // One is at its orders, the other has spun for a while: both sleep in a call that only the other ends.
    const where = () => living(MARK).map((pid) => viewOf(Number(pid)).wchan)
    await expect.poll(where, { timeout: 5000 }).toEqual([expect.stringMatching(/read/), expect.stringMatching(/futex/)])
    floor.say('end')
    await floor.ended
  })

  test.each([
    ['pipe', { variant: 'hose' }, "the floor has no variant 'hose'"],
    ['pipe', {}, 'variant= is missing'],
    ['pipe', { variant: 'anonymous', workload: 'idle' }, "the floor has no workload 'idle'"],
    ['pipe', { variant: 'anonymous', wait: 'nap' }, "the floor has no wait 'nap'"],
    ['pipe', { variant: 'anonymous', colour: 'red' }, "unknown word 'colour'"],
    ['pipe', { variant: 'anonymous', payload: 'many' }, "payload must be a number from 0 on, not 'many'"],
    ['pipe', { variant: 'anonymous', ping: '' }, "ping must be processors as in '0,1', not ''"],
    ['pipe', { variant: 'packet', payload: 4097 }, 'a message has at most 4096 bytes'],
    ['pipe', { variant: 'packet', payload: 0 }, 'a message has at least 1 bytes'],
    ['semaphore', { variant: 'posix', payload: 64 }, 'events carry no bytes'],
    [
      'signal',
      { variant: 'standard', payload: 0, ack: 0, workload: 'throughput' },
      'equal events coalesce, so that their number means nothing',
    ],
    ['socket', { variant: 'unix', workload: 'fan-in', senders: 65, wait: 'poll' }, 'at most 64 senders'],
    ['socket', { variant: 'unix', workload: 'fan-in', senders: 2, wait: 'block' }, 'one receiver polls all its senders'],
    [
      'message-queue',
      { variant: 'sysv', workload: 'fan-in', senders: 2, wait: 'poll' },
      'has no descriptor that one receiver could poll among others',
    ],
    ['pipe', { variant: 'anonymous', wait: 'spin', pong: one ?? 0 }, 'who spins on the one processor keeps the other side from answering'],
  ] as [string, Record<string, string | number>, string][])('of %s refuses %j', async (mechanism, words, why) => {
    const floor = start(mechanism, words)
    expect(await floor.ended).toEqual({ status: 2, stderr: `bench: ${why}\n` })
    await expectNothingLeft()
  })

  test('refuses a line that it does not know', async () => {
    const floor = start('pipe', { variant: 'anonymous' })
    await floor.answer()
    floor.say('walk 20')
    expect(await floor.ended).toEqual({ status: 2, stderr: "bench: 'walk 20' is none of 'warm', 'run MS' and 'end'\n" })
    await expectNothingLeft()
  })
})
