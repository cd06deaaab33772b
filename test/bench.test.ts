import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { runBench, runTrial, runTrials, subjectOf } from '../src/bench/driver.js'
import { environment } from '../src/bench/environment.js'
import { answer, pinger } from '../src/bench/exchange.js'
import { TimeHistogram } from '../src/bench/histogram.js'
import { Pattern, WrongMessage } from '../src/bench/payload.js'
import { processorsFor } from '../src/bench/placement.js'
import { durationsFor, planComparison, type Subject, type Trial, trialOf, unitFor } from '../src/bench/plan.js'
import type { Port } from '../src/bench/port.js'
import { adapterById } from '../src/core/registry.js'

afterEach(() => {
  vi.unstubAllEnvs()
})

const subject = (over: Partial<Subject['capabilities']> = {}): Subject => ({
  id: 'toy/one',
  thread: false,
  capabilities: {
    framing: 'message',
    payload: { min: 0, max: 1 << 20 },
    sync: true,
    whenFull: 'block',
    end: 'kernel',
    connects: true,
    ...over,
  },
})

describe('the plan', () => {
  test('measures each adapter once a group, in the order of the groups', () => {
    const trials = planComparison([subject(), { ...subject(), id: 'toy/two' }])
    expect(
      trials.map(({ adapter, workload, payloadBytes, placement, wait }) => [adapter, workload, payloadBytes, placement, wait].join(' ')),
    ).toEqual(
      ['same-core block', 'free poll'].flatMap((group) =>
        ['toy/one', 'toy/two'].flatMap((id) => [
          `${id} round-trip 64 ${group}`,
          `${id} throughput 64 ${group}`,
          `${id} throughput 65536 ${group}`,
        ]),
      ),
    )
    expect(trials.every(({ impossible }) => impossible === undefined)).toBe(true)
  })

  test('uses the word of a mechanism that has no 64 bytes, and says what it cannot measure', () => {
    const word = planComparison([subject({ payload: { min: 4, max: 4 }, sync: false })])
    expect(word.map(({ payloadBytes }) => payloadBytes)).toEqual([4, 4, 65536, 4, 4, 65536])
    expect(word.map(({ impossible }) => impossible)).toEqual([
      ...Array(3).fill('has no blocking calls, only the event loop'),
      undefined,
      undefined,
      'a message has at most 4 bytes',
    ])
    expect(word[0]?.ackBytes).toBe(4)
    const events = planComparison([subject({ payload: { min: 0, max: 0 }, whenFull: 'coalesce' })])
    expect(events.map(({ impossible }) => impossible?.split(',')[0])).toEqual([
      undefined,
      'equal events coalesce',
      'equal events coalesce',
      undefined,
      'equal events coalesce',
      'equal events coalesce',
    ])
  })

  test('keeps few messages on their way where the mechanism drops', () => {
    const trial = trialOf(subject({ whenFull: 'drop' }), 'throughput', 64, 'free', 'poll')
    expect(trial.lossy).toBe(true)
    expect(trial.batchMessages * (trial.payloadBytes + 768)).toBeLessThan(212_992)
  })

  test('shares the time that is left, and never starves a trial', () => {
    const trials = (['round-trip', 'throughput', 'throughput'] as const).map((workload): Pick<Trial, 'workload'> => ({ workload }))
    const unitMs = unitFor(trials, 5200)
    expect(trials.map((trial) => durationsFor(trial, unitMs))).toEqual([
      { warmupMs: 1000, durationMs: 1000 },
      { warmupMs: 500, durationMs: 500 },
      { warmupMs: 500, durationMs: 500 },
    ])
    expect(unitFor(trials, -5000)).toBe(40)
    expect(unitFor([], 5000)).toBe(2000)
  })
})

describe('the pattern', () => {
  test.each([0, 1, 3, 4, 8, 64, 65_536])('of %i bytes tells its message from its neighbours', (bytes) => {
    const pattern = new Pattern(bytes)
    const other = new Pattern(bytes)
    for (const sequence of [0, 1, 255, 256, 70_000]) {
      const data = pattern.message(sequence).slice()
      other.check(data, sequence)
      if (bytes === 0) continue
      expect(() => other.check(data, sequence + 1)).toThrow(WrongMessage)
      for (const at of [0, bytes >> 1, bytes - 1])
        expect(() => other.check(data.with(at, (data[at] ?? 0) ^ 1), sequence)).toThrow(WrongMessage)
    }
  })

  test('says what is wrong', () => {
    const pattern = new Pattern(64)
    const message = (n: number) => new Pattern(64).message(n)
    expect(() => pattern.check(message(9), 7)).toThrow('message 9 arrived instead of 7: lost or overtaken')
    expect(() => pattern.check(message(6), 7)).toThrow('message 6 arrived instead of 7: repeated or late')
    expect(() => pattern.check(message(7).with(40, 0xff), 7)).toThrow('message 7 arrived with a wrong byte at 40 of 64')
    expect(() => pattern.check(message(7).subarray(0, 60), 7)).toThrow('message 7 arrived with 60 bytes instead of 64')
  })
})

test('the histogram keeps three digits from nanoseconds to seconds', () => {
  const times = new TimeHistogram()
  for (let us = 1; us <= 1000; us++) times.record(us / 1000)
  times.record(2000)
  const { p50, p99, p999, max } = times.times()
  expect(p50).toBeCloseTo(501, -1)
  expect(p99 / 991).toBeCloseTo(1, 2)
  expect(p999 / 1000).toBeCloseTo(1, 2)
  expect(max / 2e6).toBeCloseTo(1, 2)
})

describe('placement', () => {
  test('takes what is allowed, and says what the host cannot give', () => {
    expect(processorsFor('same-core', [2, 5, 7])).toEqual({ ping: [7], pong: [7] })
    expect(processorsFor('cross-core', [2, 5, 7])).toEqual({ ping: [7], pong: [5] })
    expect(processorsFor('free', [2, 5])).toEqual({ ping: [2, 5], pong: [2, 5] })
    expect(processorsFor('cross-core', [3])).toMatch('needs two processors')
  })
})

describe('the exchange', () => {
  /** Two ports in one process; `drop` says which messages, counted over both directions, never arrive. */
  function ports(drop: (n: number) => boolean): [Port, Port, () => void] {
    let n = 0
    const waiting: ((data: Uint8Array | null) => void)[][] = [[], []]
    const queues: (Uint8Array | null)[][] = [[], []]
    const give = (to: number, data: Uint8Array | null) => {
      const first = waiting[to]?.shift()
      if (first === undefined) queues[to]?.push(data)
      else first(data)
    }
    const take = (from: number, timeoutMs?: number) =>
      new Promise<Uint8Array | null | undefined>((settle) => {
        const queued = queues[from]?.shift()
        if (queued !== undefined) return settle(queued)
        waiting[from]?.push(settle)
        if (timeoutMs !== undefined)
          setTimeout(() => {
            const at = waiting[from]?.indexOf(settle) ?? -1
            if (at >= 0) waiting[from]?.splice(at, 1)
            settle(undefined)
          }, timeoutMs)
      })
    const port = (own: number, other: number): Port => ({
      send: async (data) => {
        if (!drop(n++)) give(other, data.slice())
      },
      receive: () => take(own) as Promise<Uint8Array | null>,
      receiveWithin: (timeoutMs) => take(own, timeoutMs),
    })
    return [port(0, 1), port(1, 0), () => give(1, null)]
  }

  test.each(['round-trip', 'throughput'] as const)('a lossy %s counts what was lost and goes on', async (workload) => {
    const exchange = { workload, payloadBytes: 64, lossy: true, batchMessages: 8, ackBytes: 8 }
    let lost = 0
    const [ping, pong, end] = ports((n) => {
      const drops = n % 40 === 17 && lost < 3
      if (drops) lost++
      return drops
    })
    const answering = answer(pong, exchange)
    const run = await pinger(ping, exchange).run(300)
    end()
    await answering
    expect(lost).toBe(3)
    expect(run.count).toBeGreaterThan(0)
    // An acknowledgement that is lost loses no message.
    expect(run.lost).toBeGreaterThanOrEqual(workload === 'round-trip' ? 3 : 1)
    expect(run.lost).toBeLessThanOrEqual(3)
  })

  test('times what is too short for the clock in batches', () => {
    const exchange = { workload: 'round-trip', payloadBytes: 0, lossy: false, batchMessages: 1, ackBytes: 0 } as const
    const [ping] = ports(() => false)
    const side = pinger(ping, exchange)
    side.adjust({ count: 1, lost: 0, elapsedMs: 1, times: { p50: 4, p99: 4, p999: 4, max: 4, mean: 4 } })
    expect(side.batch).toBe(1)
    side.adjust({ count: 1, lost: 0, elapsedMs: 1, times: { p50: 0.25, p99: 4, p999: 4, max: 4, mean: 4 } })
    expect(side.batch).toBe(80)
  })
})

const SHORT = { warmupMs: 20, durationMs: 60 }
const roundTrip = async (id = 'socket/unix') => trialOf(subjectOf(await adapterById(id)), 'round-trip', 64, 'free', 'poll')

describe('a trial between two processes', () => {
  test('gives figures of both workloads, placements and wait modes over two adapters', async () => {
    const seen: number[] = []
    const records = await runBench({
      adapters: ['pipe/anonymous', 'socket/unix'],
      budgetMs: 1000,
      onProgress: ({ done, total }) => seen.push(done / total),
    })
    expect(records).toHaveLength(12)
    for (const record of records) {
      expect(record).toMatchObject({ status: 'measured', lost: 0, batch: 1 })
      if (record.status !== 'measured') continue
      expect(record.samples).toBeGreaterThan(0)
      expect(record.cpuUsPerMessage).toBeGreaterThan(0)
      if (record.workload === 'throughput') {
        expect(record.rttUs).toBeUndefined()
        expect(record.gigabytesPerSecond).toBeCloseTo(((record.messagesPerSecond ?? 0) * record.payloadBytes) / 1e9, 6)
      } else {
        const { p50, p99, p999, max } = record.rttUs ?? { p50: 0, p99: 0, p999: 0, max: 0 }
        expect([0, p50, p99, p999, max]).toEqual([0, p50, p99, p999, max].sort((a, b) => a - b))
        expect(p50).toBeGreaterThan(0.5)
      }
      if (record.placement === 'same-core') {
        expect(record.processors.ping).toHaveLength(1)
        expect(record.processors.pong).toEqual(record.processors.ping)
      }
    }
    expect(seen).toEqual([...Array(12).keys(), 12].map((done) => done / 12))
  }, 30_000)

  test.each([
    ['corrupt', 'message 100 arrived with a wrong byte at 63 of 64'],
    ['shorten', 'message 100 arrived with 63 bytes instead of 64'],
    ['repeat', 'message 100 arrived instead of 101: repeated or late'],
    ['lose', 'no result within'],
    ['die', 'the channel ended'],
  ])(
    'whose other side does %s is reported as failed, with the reason',
    async (fault, reason) => {
      const echo = new URL('./fixtures/faulty-echo.js', import.meta.url)
      vi.stubEnv('FAULTY_ECHO', fault)
      const outcome = await runTrial(await roundTrip(), { ...SHORT, echo, graceMs: fault === 'lose' ? 1500 : 5000 })
      expect(outcome).toMatchObject({ status: 'failed', reason: expect.stringContaining(reason) })
    },
    30_000,
  )

  test('may have a thread as its other side', async () => {
    const trial = { ...(await roundTrip()), thread: true }
    expect(await runTrial(trial, SHORT)).toMatchObject({ status: 'measured', lost: 0 })
    vi.stubEnv('FAULTY_ECHO', 'corrupt')
    const echo = new URL('./fixtures/faulty-echo.js', import.meta.url)
    expect(await runTrial(trial, { ...SHORT, echo })).toMatchObject({ status: 'failed', reason: expect.stringContaining('wrong byte') })
  }, 30_000)

  test('that cannot be is told apart from one that failed', async () => {
    const trial = await roundTrip()
    expect(await runTrial({ ...trial, unavailable: 'no such mechanism here' }, SHORT)).toEqual({
      status: 'unavailable',
      reason: 'no such mechanism here',
    })
    expect(await runTrial({ ...trial, impossible: 'too large' }, SHORT)).toEqual({ status: 'impossible', reason: 'too large' })
  })

  test('is ended by a signal with all its processes; the records before it stay', async () => {
    const runtime = mkdtempSync(join(tmpdir(), 'ipc-bench-'))
    vi.stubEnv('XDG_RUNTIME_DIR', runtime)
    const trial = await roundTrip()
    const controller = new AbortController()
    let last = -1
    const records = await runTrials([trial, trial, trial], {
      budgetMs: 4_000,
      signal: controller.signal,
      onProgress: ({ done, next }) => {
        last = done
        if (done === 1 && next !== undefined) setTimeout(() => controller.abort(), 300)
      },
    })
    expect(records.map(({ status }) => status)).toEqual(['measured', 'not-run', 'not-run'])
    expect(last).toBe(1)
    await expect.poll(() => processesWith(JSON.stringify(trial))).toEqual([])
    expect(readdirSync(join(runtime, 'ipc-playground'))).toEqual([])
    rmSync(runtime, { recursive: true })
  }, 30_000)
})

/** Of every process whose command line has this text. */
const processesWith = (text: string): string[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text)
      } catch {
        return false
      }
    })

test('the environment is named', () => {
  const { cpu, processors, kernel, node, clock } = environment()
  expect(cpu).not.toBe('')
  expect(processors.length).toBeGreaterThan(0)
  expect(kernel).toMatch(/^\w+ \S+ \w+$/)
  expect(node).toBe(process.version)
  expect(clock.resolutionNs).toBeGreaterThan(0)
  expect(clock.readingNs).toBeGreaterThan(0)
})
