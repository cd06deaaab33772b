import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { nodeCommand } from '../src/bench/commands.js'
import { runTrials } from '../src/bench/driver.js'
import type { Order } from '../src/bench/order.js'
import { Pair } from '../src/bench/pair.js'
import { HEADER_BYTES } from '../src/bench/payload.js'
import { peerById, peerIds } from '../src/bench/peers/index.js'
import { lasting } from '../src/bench/peers/lasting.js'
import { peerSubject, peerSubjects } from '../src/bench/peers/subjects.js'
import { allowedProcessors, processorsFor } from '../src/bench/placement.js'
import type { Workload } from '../src/bench/record.js'
import { runTrial } from '../src/bench/run-trial.js'
import { type Trial, trialOf } from '../src/bench/trial.js'
import { sweep } from '../src/core/janitor.js'
import { programAt } from '../src/core/program-at.js'
import { PrivateRunFolder } from './support/census.js'
import { cli, run } from './support/run.js'

const WORD_BYTES = 64
/** In several pieces wherever there are pieces, and more than is cloned. */
const LONG_BYTES = 200_000
const SHORT = { warmupMs: 20, roundMs: 30, rounds: 2 }
/** In which a fixed rate is kept on the whole. */
const LONGER = { warmupMs: 20, roundMs: 200, rounds: 2 }
const LIMIT_MS = 30_000
/** On a machine that does something else besides. */
const RATE_MISSED = /^the rate of .* was missed/

const trialOver = (id: string, workload: Workload, payloadBytes = WORD_BYTES): Trial =>
  trialOf(peerSubject(peerById(id)), { workload, payloadBytes, placement: 'free', wait: 'poll' })

let folder: PrivateRunFolder
beforeEach(() => {
  folder = new PrivateRunFolder()
  for (const [name, value] of Object.entries(folder.env)) vi.stubEnv(name, value)
})
afterEach(() => {
  vi.unstubAllEnvs()
  folder.remove()
})

test('peers are found by their ids', () => {
  expect(new Set(peerIds()).size).toBe(peerIds().length)
  for (const id of peerIds())
    expect(peerById(id)).toMatchObject({ id: expect.stringMatching(/^peer\/[a-z-]+$/), summary: expect.any(String) })
  expect(() => peerById('peer/telepathy')).toThrow(/no peer 'peer\/telepathy'; there are .*peer\/zeromq-ipc/)
  expect(peerSubjects().map(({ id }) => id)).toEqual(peerIds())
})

describe.each(peerIds())('%s', (id) => {
  const { payload, lossy, unavailable } = peerById(id)
  const reason = unavailable()
  if (reason !== undefined) {
    test.skip(`unavailable: ${reason}`, () => {})
    return
  }

  test.each([
    ['round-trip', lossy ? Math.max(payload.min, HEADER_BYTES) : payload.min],
    ['round-trip', WORD_BYTES],
    ['throughput', WORD_BYTES],
    ['throughput', Math.min(LONG_BYTES, payload.max)],
    ['one-way', WORD_BYTES],
    ['rendezvous', WORD_BYTES],
  ] as const)('carries the %s of %i bytes, verified, and leaves nothing', { timeout: LIMIT_MS }, async (workload, bytes) => {
    const outcome = await runTrial(trialOver(id, workload, bytes), workload === 'one-way' ? LONGER : SHORT)
    expect(folder.processes()).toEqual([])
    expect(folder.entries()).toEqual([])
    // Every message came and was verified all the same.
    if (outcome.status === 'failed' && RATE_MISSED.test(outcome.reason)) return
    expect(outcome).toMatchObject({ status: 'measured', ...(lossy ? {} : { lost: 0 }) })
    if (outcome.status !== 'measured') return
    expect(outcome.samples).toBeGreaterThan(0)
    if (workload === 'throughput') expect(outcome.gigabytesPerSecond).toBeGreaterThan(0)
    else expect(outcome.timesUs?.p50).toBeGreaterThan(0)
  })

  test('says what it cannot carry', () => {
    const tooLong = trialOver(id, 'throughput', payload.max + 1)
    expect(tooLong.impossible).toBe(`a message has at most ${payload.max} bytes`)
    expect(trialOf(peerSubject(peerById(id)), { ...tooLong, payloadBytes: WORD_BYTES, wait: 'block' }).impossible).toMatch(
      'no blocking calls',
    )
  })

  test('leaves no process when the measuring one is killed, and nothing that is not swept', { timeout: LIMIT_MS }, async () => {
    const trial = trialOver(id, 'round-trip')
    const processors = processorsFor(trial, allowedProcessors())
    if (typeof processors === 'string') throw new Error(processors)
    const order: Order = { trial, processors, warmupMs: 0, echo: '', limitMs: LIMIT_MS }
    const pair = new Pair(nodeCommand(order))
    try {
      await pair.ready(LIMIT_MS)
      const before = folder.processes()
      expect(before).toContain(pair.pid)
      process.kill(pair.pid, 'SIGKILL')
      await expect.poll(() => folder.processes(), { timeout: LIMIT_MS }).toEqual([])
    } finally {
      await pair.destroy()
    }
    sweep()
    expect(folder.entries()).toEqual([])
  })
})

test('a peer is a subject of the driver, as an adapter is', { timeout: LIMIT_MS }, async () => {
  const [subject] = peerSubjects(['peer/net-unix'])
  if (subject === undefined) throw new Error('no subject')
  const wanted = { workload: 'round-trip', payloadBytes: WORD_BYTES, placement: 'free', wait: 'poll', floor: true } as const
  const records = await runTrials([trialOf(subject, wanted)], { durationMs: 40 })
  expect(records).toMatchObject([{ adapter: 'peer/net-unix', mechanism: 'peer', status: 'measured' }])
  expect(records[0]).not.toHaveProperty('floor')
})

test('what a message costs is counted over a peer, too', { timeout: 2 * LIMIT_MS }, async (context) => {
  const outcome = await runTrial({ ...trialOver('peer/net-unix', 'round-trip'), costs: true }, SHORT)
  expect(outcome).toMatchObject({ status: 'measured', cpuUsPerMessage: expect.any(Number) })
  if (outcome.status !== 'measured') return
  const { garbageBytesPerMessage, syscallsPerMessage, notes } = outcome
  if (garbageBytesPerMessage === undefined || syscallsPerMessage === undefined) return context.skip(notes?.join())
  expect(garbageBytesPerMessage).toBeGreaterThan(0)
  expect(syscallsPerMessage).toBeGreaterThan(1)
})

test('a package that is missing is a reason, and how to get it', async () => {
  const preload = fileURLToPath(new URL('./fixtures/without-packages.js', import.meta.url))
  const index = new URL('../src/bench/peers/index.js', import.meta.url)
  const script = `
    const { peerById, peerIds } = await import('${index}')
    console.log(JSON.stringify(Object.fromEntries(peerIds().map((id) => [id, peerById(id).unavailable() ?? 'runs'])))) `
  const { status, stdout, stderr } = await run(process.execPath, ['--import', preload, '--input-type=module', '--eval', script])
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  const reasons = JSON.parse(stdout) as Record<string, string>
  const install = (name: string) => expect.stringMatching(`the package ${name} is not installed; run \`npm install --save-\\S+ ${name}@\\d`)
  expect(reasons).toMatchObject({
    'peer/zeromq-ipc': install('zeromq'),
    'peer/zeromq-tcp': install('zeromq'),
    'peer/node-ipc': install('node-ipc'),
    'peer/nats': install('@nats-io/transport-node'),
    'peer/net-unix': 'runs',
    'peer/message-port': 'runs',
  })
})

test('a program is found in the PATH and beside it, or not', () => {
  vi.stubEnv('PATH', '')
  expect(programAt('no-such-program-anywhere')).toBeUndefined()
  vi.stubEnv('PATH', `:${process.execPath.slice(0, process.execPath.lastIndexOf('/'))}`)
  expect(programAt(process.execPath.slice(process.execPath.lastIndexOf('/') + 1))).toBe(process.execPath)
})

test('what a library keeps lasts as long as messages are on their way', () => {
  const last = lasting(3)
  const message = Uint8Array.of(1, 2, 3)
  const kept = [last(message), last(message), last(message)]
  message.fill(9)
  expect(kept.map((copy) => [...copy])).toEqual([1, 2, 3].map(() => [1, 2, 3]))
  expect(new Set(kept).size).toBe(3)
  expect(last(message.subarray(1))).toHaveLength(2)
})

test('bench takes peers by name, and says which there are', { timeout: 4 * LIMIT_MS }, async () => {
  const planned = async (...args: string[]) => {
    const { status, stdout, stderr } = await cli([
      'bench',
      '--plan',
      '--json',
      '--workload',
      'round-trip',
      '--size',
      '64',
      '--wait',
      'poll',
      '--placement',
      'free',
      ...args,
    ])
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    return (JSON.parse(stdout) as { trials: Trial[] }[]).flatMap(({ trials }) => trials.map(({ adapter }) => adapter))
  }
  expect(await planned('peer/net-unix')).toEqual(['peer/net-unix'])
  expect(await planned('peer/nats', 'socket/unix')).toEqual(['socket/unix', 'peer/nats'])
  expect(await planned('peer')).toEqual(peerIds())
  const { status, stderr } = await cli(['bench', 'peer/zeromq'])
  expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringMatching("there is no peer 'peer/zeromq'.*peer/zeromq-ipc") })
})
