import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { runBench, runTrials, subjectOf, subjects } from '../src/bench/driver.js'
import { affordableRounds, durationsFor, expectedMs, launchesOf, scheduleFor, scheduleOf } from '../src/bench/durations.js'
import { environment } from '../src/bench/environment.js'
import { answer, pinger } from '../src/bench/exchanges.js'
import { TimeHistogram } from '../src/bench/histogram.js'
import { Pattern, WrongMessage } from '../src/bench/payload.js'
import { allowedProcessors, processorsFor } from '../src/bench/placement.js'
import { MOST_TRIALS, planBench, planComparison, planFull } from '../src/bench/plan.js'
import type { Port } from '../src/bench/port.js'
import { ratioOf, spreadOf } from '../src/bench/ratio.js'
import type { BenchRecord } from '../src/bench/record.js'
import { runTrial } from '../src/bench/run-trial.js'
import { SharedReceiver, SharedSender } from '../src/bench/shared.js'
import { runnable, type Subject, trialOf, type Wanted } from '../src/bench/trial.js'
import type { Sender } from '../src/core/channel.js'
import { adapterById } from '../src/core/registry.js'
import { compareReports } from '../src/report/compare.js'
import { floorOf } from '../src/report/figures.js'
import { makeReport, type Report } from '../src/report/model.js'
import { medianOf } from '../src/statistics/sample.js'

afterEach(() => {
  vi.unstubAllEnvs()
})

const subject = (over: Partial<Subject['capabilities']> = {}): Subject => ({
  id: 'toy/one',
  thread: false,
  spins: false,
  leads: true,
  capabilities: {
    framing: 'message',
    payload: { min: 0, max: 1 << 20 },
    sync: true,
    whenFull: 'block',
    end: 'kernel',
    connects: true,
    opens: false,
    peers: 'many',
    rendezvous: 'name',
    asyncWait: 'poll',
    ...over,
  },
})

const ROUND_TRIP: Wanted = { workload: 'round-trip', payloadBytes: 64, placement: 'free', wait: 'poll' }

describe('the plan', () => {
  test('of the main job measures each adapter once a group, in the order of the groups; its round trips have a floor', () => {
    const trials = planComparison([subject(), { ...subject(), id: 'toy/two' }])
    expect(
      trials.map(({ adapter, workload, payloadBytes, placement, wait }) => [adapter, workload, payloadBytes, placement, wait].join(' ')),
    ).toEqual(
      ['same-core block', 'free poll'].flatMap((group) =>
        ['toy/one', 'toy/two'].flatMap((id) => [
          `${id} round-trip 64 ${group}`,
          `${id} throughput 64 ${group}`,
          ...(group === 'free poll' ? [`${id} throughput 65536 ${group}`] : []),
        ]),
      ),
    )
    expect(trials.every(({ impossible }) => impossible === undefined)).toBe(true)
    expect(trials.every(({ workload, floor }) => floor === (workload === 'round-trip'))).toBe(true)
  })

  test('uses the word of a mechanism that has no 64 bytes, and says what it cannot measure', () => {
    const word = planComparison([subject({ payload: { min: 4, max: 4 }, sync: false })])
    expect(word.map(({ payloadBytes }) => payloadBytes)).toEqual([4, 4, 4, 4, 65536])
    expect(word.map(({ impossible }) => impossible)).toEqual([
      ...Array(2).fill('has no blocking calls, only the event loop'),
      undefined,
      undefined,
      'a message has at most 4 bytes',
    ])
    expect(word[0]?.ackBytes).toBe(4)
    const events = planComparison([subject({ payload: { min: 0, max: 0 }, whenFull: 'coalesce' })])
    expect(events.map(({ impossible }) => impossible?.split(',')[0])).toEqual([
      undefined,
      'equal events coalesce',
      undefined,
      'equal events coalesce',
      'events carry no bytes',
    ])
  })

  test('of make bench has at most 120 trials of what there is, and of what there may ever be', async () => {
    const real = await subjects()
    const count = (some: readonly Subject[]) => {
      const tiers = planBench(some, [subject(), subject(), subject()])
      return {
        ready: tiers.flatMap(({ trials }) => trials).filter(runnable).length,
        leftOut: tiers.reduce((n, tier) => n + tier.leftOut, 0),
      }
    }
    expect(count(real)).toEqual({ ready: expect.toSatisfy((n: number) => n <= MOST_TRIALS), leftOut: 0 })
    expect(count(Array(60).fill(subject()))).toMatchObject({ ready: MOST_TRIALS, leftOut: expect.any(Number) })
    expect(count(Array(60).fill(subject())).leftOut).toBeGreaterThan(0)
  })

  test('in full is the cross-product, with the reason of all that is impossible', () => {
    const trials = planFull([subject({ payload: { min: 1, max: 4096 } })])
    const sizes = trials.filter(({ workload, placement, wait }) => workload === 'throughput' && placement === 'free' && wait === 'block')
    expect(sizes.map(({ payloadBytes, impossible }) => [payloadBytes, impossible])).toEqual([
      [1, undefined],
      [64, undefined],
      [1024, undefined],
      [4096, undefined],
      ...[65_536, 1 << 20, 1 << 24].map((bytes) => [bytes, 'a message has at most 4096 bytes']),
    ])
    expect(new Set(trials.map(({ wait }) => wait)).size).toBe(4)
    expect(planFull([subject()], { sizes: [64], waits: ['poll'], placements: ['free'], workloads: ['round-trip'] })).toHaveLength(1)
  })

  test('says which wait modes make no sense', () => {
    const why = (over: Partial<Subject>, wanted: Partial<Wanted>) =>
      trialOf({ ...subject(), ...over }, { ...ROUND_TRIP, placement: 'cross-core', ...wanted }).impossible
    expect(why({}, { wait: 'adaptive' })).toMatch('do not spin')
    expect(why({ spins: true }, { wait: 'adaptive' })).toBeUndefined()
    expect(why({ spins: true }, { wait: 'block' })).toMatch('see the wait mode adaptive')
    expect(why({ spins: true }, { wait: 'block', placement: 'same-core' })).toBeUndefined()
    expect(why({}, { wait: 'spin' })).toBeUndefined()
    expect(why({}, { wait: 'spin', placement: 'same-core' })).toMatch('one processor')
    expect(why({ capabilities: subject({ sync: false }).capabilities }, { wait: 'spin' })).toMatch('event loop')
  })

  test('keeps few messages on their way where the mechanism drops', () => {
    const trial = trialOf(subject({ whenFull: 'drop' }), { ...ROUND_TRIP, workload: 'throughput' })
    expect(trial.lossy).toBe(true)
    expect(trial.batchMessages * (trial.payloadBytes + 768)).toBeLessThan(212_992)
  })

  test('has as many launches as there is time for, and then as many rounds; never fewer than make sense', () => {
    const trials = (['round-trip', 'throughput', 'gathered', 'rendezvous'] as const).map((workload) => ({
      workload,
      floor: workload === 'round-trip' || workload === 'throughput',
      costs: false,
    }))
    const floors = trials.map((trial) => launchesOf(trial, 4))
    // What is not compared with other runs has fewer; each rendezvous is a launch.
    expect(floors).toEqual([4, 4, 2, 1])
    for (const budgetMs of [5_000, 8_000, 12_000, 20_000]) {
      const schedule = scheduleFor(trials, budgetMs)
      expect(expectedMs(trials, schedule)).toBeLessThanOrEqual(budgetMs)
      expect(expectedMs(trials, { ...schedule, rounds: schedule.rounds + 1 })).toBeGreaterThan(budgetMs)
      expect(schedule.rounds).toBeGreaterThanOrEqual(6)
    }
    expect(scheduleFor(trials, 20_000).launches).toBe(4)
    expect(scheduleFor(trials, -5000)).toEqual({ launches: 1, rounds: 6 })
    expect(durationsFor({ workload: 'round-trip' }, { rounds: 8 })).toEqual({ warmupMs: 100, roundMs: 25, rounds: 8 })
    expect(durationsFor({ workload: 'one-way' }, { rounds: 8 })).toEqual({ warmupMs: 100, roundMs: 100, rounds: 4 })
    expect(scheduleOf(3000)).toEqual({ launches: 4, rounds: 30 })
    expect(scheduleOf(300)).toEqual({ launches: 2, rounds: 6 })
    expect(scheduleOf(10)).toEqual({ launches: 1, rounds: 1 })
  })

  test('has shorter launches where the time runs out', () => {
    const trial = { workload: 'throughput', floor: true, costs: false } as const
    const left = Array(10).fill(trial)
    const plenty = 10 * expectedMs([trial], { launches: 1, rounds: 12 })
    const rounds = (leftMs: number) => affordableRounds(left, 12, leftMs)
    expect([plenty + 1, plenty / 1.2, 0, -1].map(rounds)).toEqual([12, expect.toSatisfy((n: number) => n < 12 && n > 6), 6, 6])
  })
})

describe('ratios', () => {
  test('of one launch have the median of the rounds and an interval of order statistics', () => {
    expect(medianOf([3, 1, 2])).toBe(2)
    expect(medianOf([4, 1, 2, 3])).toBe(2.5)
    const ours = Array.from({ length: 21 }, (_, i) => 2 * (i + 1))
    // Of 21 values the sixth from each end: binomial tables.
    const { value, low, high, launches } = ratioOf([ours], [Array(21).fill(2)])
    expect([value, low, high].map((ratio) => Math.round(1e9 * ratio) / 1e9)).toEqual([11, 6, 16])
    expect(launches).toBe(1)
  })

  test('of several launches have their mean and the interval of Student’s t: rounds of one launch are no samples', () => {
    const launch = (median: number) => [median - 1, median, median + 1]
    const { value, low, high, launches } = spreadOf([10, 12, 11, 13].map(launch))
    expect([value, launches]).toEqual([11.5, 4])
    // 3.182 is in every table, for three degrees of freedom.
    expect(high - value).toBeCloseTo((3.18245 * 1.290994) / 2, 4)
    expect(value - low).toBeCloseTo(high - value, 9)
    const twiceAndHalf = ratioOf(
      [
        [2, 2],
        [1, 1],
      ],
      [
        [1, 1],
        [2, 2],
      ],
    )
    expect(twiceAndHalf.value).toBeCloseTo(1, 12)
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
  expect(times.times().curve?.find(([percentile]) => percentile === 50)?.[1]).toBe(p50)
  expect(p50).toBeCloseTo(501, -1)
  expect(p99 / 991).toBeCloseTo(1, 2)
  expect(p999 / 1000).toBeCloseTo(1, 2)
  expect(max / 2e6).toBeCloseTo(1, 2)
})

test('histograms of several launches are one', () => {
  const all = new TimeHistogram()
  for (const first of [0, 500]) {
    const times = new TimeHistogram()
    for (let us = first + 1; us <= first + 500; us++) times.record(us / 1000)
    all.addEntries(times.entries())
  }
  const { p50, max, mean } = all.times()
  expect(all.count).toBe(1000)
  expect(p50 / 500).toBeCloseTo(1, 2)
  expect(mean / 500.5).toBeCloseTo(1, 2)
  expect(max).toBe(1000)
})

describe('placement', () => {
  test('takes what is allowed, and says what the host cannot give', () => {
    const given = (wanted: Partial<Wanted>, allowed: number[]) => processorsFor({ ...ROUND_TRIP, ...wanted }, allowed)
    expect(given({ placement: 'same-core' }, [2, 5, 7])).toEqual({ ping: [7], pong: [7] })
    expect(given({ placement: 'cross-core' }, [2, 5, 7])).toEqual({ ping: [7], pong: [5] })
    expect(given({}, [2, 5])).toEqual({ ping: [2, 5], pong: [2, 5] })
    expect(given({ placement: 'cross-core' }, [3])).toMatch('needs two processors')
    expect(given({ wait: 'spin' }, [3])).toMatch('needs two processors')
    expect(given({ wait: 'adaptive' }, [3])).toMatch('needs two processors')
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
    const exchange = { workload, payloadBytes: 64, wait: 'poll', lossy: true, batchMessages: 8, ackBytes: 8 } as const
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

  test('one way counts what was lost, and tells a message by its number and its time', async () => {
    const exchange = {
      workload: 'one-way',
      payloadBytes: 64,
      wait: 'poll',
      lossy: true,
      batchMessages: 8,
      ackBytes: 8,
      ratePerSecond: 1000,
    } as const
    const [ping, pong, end] = ports((n) => n === 7)
    const answering = answer(pong, exchange)
    const side = pinger(ping, exchange)
    const run = await side.run(20)
    end()
    await answering
    expect(run).toMatchObject({ count: 19, lost: 1 })
    expect(run.elapsedMs).toBeGreaterThanOrEqual(19)
    expect(side.times()?.at(50)).toBeGreaterThan(0)
  })

  test('times what is too short for the clock in batches', () => {
    const exchange = { workload: 'round-trip', payloadBytes: 0, wait: 'poll', lossy: false, batchMessages: 1, ackBytes: 0 } as const
    const [ping] = ports(() => false)
    const side = pinger(ping, exchange)
    side.warmedUp({ count: 1, lost: 0, elapsedMs: 1, p50: 4 })
    expect(side.batch).toBe(1)
    side.warmedUp({ count: 1, lost: 0, elapsedMs: 1, p50: 0.25 })
    expect(side.batch).toBe(80)
  })
})

describe('an object that several senders share', () => {
  /** What two senders sent, each three messages of 8 bytes, in one stream. */
  async function sent(): Promise<Uint8Array[]> {
    const all: Uint8Array[][] = [[], []]
    for (const [i, own] of all.entries()) {
      const sender = new SharedSender({ send: async (data: Uint8Array) => void own.push(data.slice()) } as Sender, { payloadBytes: 8 }, i)
      await sender.run(0)
    }
    return [0, 1, 2].flatMap((n) => all.map((own) => own[n] as Uint8Array))
  }
  const receive = (chunks: readonly Uint8Array[]) =>
    new SharedReceiver(
      (async function* () {
        yield* chunks
      })(),
      { payloadBytes: 8, senders: 2 },
    )

  test('gives every message of each, however the stream is cut', async () => {
    const stream = Buffer.concat(await sent())
    const receiver = receive([stream.subarray(0, 13), stream.subarray(13, 14), stream.subarray(14)])
    await receiver.arrived(6)
    await receiver.failed
  })

  test.each<[string, (messages: Uint8Array[]) => Uint8Array[], string]>([
    ['lost', (messages) => messages.toSpliced(2, 1), 'message 2 arrived instead of 1: lost or overtaken'],
    ['corrupted', (messages) => messages.with(3, (messages[3] as Uint8Array).with(7, 0)), 'arrived with a wrong byte at 7 of 8'],
    ['of nobody', (messages) => messages.with(0, (messages[0] as Uint8Array).with(3, 9)), 'a message of sender 9 arrived'],
  ])('tells a message that is %s', async (_, change, why) => {
    await expect(receive(change(await sent())).failed).rejects.toThrow(why)
  })
})

const SHORT = { warmupMs: 20, roundMs: 30, rounds: 2 }
const ECHO = new URL('./fixtures/faulty-echo.js', import.meta.url)
const trialWith = async (wanted: Partial<Wanted> = {}, id = 'socket/unix') =>
  trialOf(subjectOf(await adapterById(id)), { ...ROUND_TRIP, ...wanted })

describe('a trial between processes', () => {
  test('gives figures of both workloads, placements and wait modes over two adapters', async () => {
    const seen: number[] = []
    const records = await runBench({
      adapters: ['pipe/anonymous', 'socket/unix'],
      plan: (some) => planComparison(some).map((trial) => ({ ...trial, floor: false })),
      budgetMs: 1000,
      onProgress: ({ done, total }) => seen.push(done / total),
    })
    expect(records).toHaveLength(10)
    for (const record of records) {
      expect(record).toMatchObject({ status: 'measured', lost: 0, batch: 1 })
      if (record.status !== 'measured') continue
      expect(record.samples).toBeGreaterThan(0)
      expect(record.cpuUsPerMessage).toBeGreaterThan(0)
      expect(record.peakRssBytes).toBeGreaterThan(1e6)
      expect(record.launches).toHaveLength(1)
      for (const { rounds, probesNs } of record.launches) expect(probesNs).toHaveLength(rounds.length + 1)
      if (record.workload === 'throughput') {
        expect(record.timesUs).toBeUndefined()
        expect(record.gigabytesPerSecond).toBeCloseTo(((record.messagesPerSecond ?? 0) * record.payloadBytes) / 1e9, 6)
      } else {
        const { p50, p99, p999, max } = record.timesUs ?? { p50: 0, p99: 0, p999: 0, max: 0 }
        expect([0, p50, p99, p999, max]).toEqual([0, p50, p99, p999, max].sort((a, b) => a - b))
        expect(p50).toBeGreaterThan(0.5)
      }
      if (record.placement === 'same-core') {
        expect(record.processors.ping).toHaveLength(1)
        expect(record.processors.pong).toEqual(record.processors.ping)
      }
    }
    expect(seen).toEqual([...Array(10).keys(), 10].map((done) => done / 10))
  }, 60_000)

  test.each<[Partial<Wanted>, string]>([
    [{ placement: 'cross-core', wait: 'spin' }, 'pipe/anonymous'],
    [{ placement: 'cross-core', wait: 'spin', workload: 'throughput' }, 'socket/unix'],
    [{ placement: 'cross-core', wait: 'adaptive' }, 'shared-memory/ring'],
    [{ workload: 'fan-in', senders: 2 }, 'socket/unix'],
    [{ workload: 'fan-in', senders: 3 }, 'fifo/native'],
    [{ workload: 'fan-in', senders: 2 }, 'message-queue/posix'],
    [{ workload: 'rendezvous' }, 'pipe/anonymous'],
    [{ workload: 'wrapper', placement: 'same-core', wait: 'spin' }, 'fifo/native'],
    [{ workload: 'wrapper', placement: 'same-core', wait: 'spin' }, 'shared-memory/ring'],
  ])(
    'gives figures of %o',
    async (wanted, id) => {
      const outcome = await runTrial(await trialWith(wanted, id), SHORT)
      if (outcome.status !== 'impossible')
        expect(outcome).toMatchObject({ status: 'measured', lost: 0, launches: [{ rounds: [expect.any(Number), expect.any(Number)] }] })
    },
    30_000,
  )

  test('tells what the channel adds to a call of the endpoint, and what a message leaves', async () => {
    const trial = await trialWith({ workload: 'wrapper', placement: 'same-core', wait: 'spin', costs: true }, 'shared-memory/ring')
    const outcome = await runTrial(trial, { ...SHORT, rounds: 6 })
    expect(outcome).toMatchObject({ status: 'measured', wrapper: { addedNs: { launches: 1 } } })
    // One object a message would be 16 bytes; what a launch leaves once is spread over few messages here.
    expect(outcome).toHaveProperty(
      'garbageBytesPerMessage',
      expect.toSatisfy((bytes: number) => bytes < 1),
    )
    if (outcome.status !== 'measured' || outcome.wrapper === undefined) return
    const { endpointNs, addedNs } = outcome.wrapper
    expect(addedNs.low).toBeLessThanOrEqual(addedNs.value)
    expect(endpointNs).toBeGreaterThan(0)
    expect(outcome.syscallsPerMessage).toBeUndefined()
  }, 30_000)

  test('of many senders takes turns with as many in C', async () => {
    const trial = await trialWith({ workload: 'fan-in', senders: 2, floor: true })
    const outcome = await runTrial(trial, { ...SHORT, rounds: 6 })
    expect(outcome).toMatchObject({ status: 'measured', lost: 0 })
    if (outcome.status === 'measured' && outcome.floor?.status !== 'unavailable')
      expect(outcome.floor).toMatchObject({ status: 'measured', ratio: { launches: 1 } })
  }, 30_000)

  test.each(['socket/unix', 'shared-memory/ring'])('of %s, awaited by the batch, loses and mixes up nothing', async (adapter) => {
    const outcome = await runTrial(await trialWith({ workload: 'gathered' }, adapter), SHORT)
    expect(outcome).toMatchObject({ status: 'measured', lost: 0 })
    if (outcome.status === 'measured') expect(outcome.messagesPerSecond).toBeGreaterThan(0)
    expect(await runTrial(await trialWith({ workload: 'gathered', wait: 'block' }, adapter), SHORT)).toMatchObject({ status: 'impossible' })
  }, 30_000)

  test('of idle channels tells how many there were, or what did not let them be', async () => {
    const trial = { ...(await trialWith({ workload: 'idle' })), channels: 30 }
    expect(await runTrial(trial, SHORT)).toMatchObject({ status: 'measured', idle: { channels: 30 } })
    const one = { ...(await trialWith({ workload: 'idle' }, 'pipe/anonymous')), channels: 30 }
    expect(await runTrial(one, SHORT)).toMatchObject({ status: 'impossible', reason: expect.stringContaining('inherited') })
  }, 30_000)

  test('at a fixed rate that cannot be kept is reported as failed', async () => {
    const trial = { ...(await trialWith({ workload: 'one-way' })), ratePerSecond: 2e6 }
    const outcome = await runTrial(trial, { ...SHORT, warmupMs: 1, roundMs: 2 })
    if (outcome.status !== 'impossible') expect(outcome).toMatchObject({ status: 'failed', reason: expect.stringContaining('was missed') })
  }, 30_000)

  test.each<[string, Partial<Wanted>, string]>([
    ['corrupt', {}, 'message 3 arrived with a wrong byte at 63 of 64'],
    ['shorten', {}, 'message 3 arrived with 63 bytes instead of 64'],
    ['repeat', {}, 'message 3 arrived instead of 4: repeated or late'],
    ['reorder', { workload: 'throughput' }, 'message 4 arrived instead of 3: lost or overtaken'],
    ['lose', {}, 'no result within'],
    ['die', {}, 'the channel ended'],
  ])(
    'whose other side does %s is reported as failed, with the reason',
    async (fault, wanted, reason) => {
      vi.stubEnv('FAULTY_ECHO', fault)
      const outcome = await runTrial(await trialWith(wanted), { ...SHORT, echo: ECHO, graceMs: fault === 'lose' ? 1500 : 5000 })
      expect(outcome).toMatchObject({ status: 'failed', reason: expect.stringContaining(reason) })
    },
    30_000,
  )

  test('whose other side loses a message counts it where the mechanism drops', async () => {
    vi.stubEnv('FAULTY_ECHO', 'lose')
    const outcome = await runTrial(await trialWith({}, 'socket/udp'), { ...SHORT, warmupMs: 0, rounds: 1, roundMs: 120, echo: ECHO })
    expect(outcome).toMatchObject({ status: 'measured', lost: 1 })
  }, 30_000)

  test('whose other side waits before each reply shows the delay in every percentile', async () => {
    vi.stubEnv('FAULTY_ECHO', 'delay')
    const outcome = await runTrial(await trialWith(), { ...SHORT, echo: ECHO })
    expect(outcome.status).toBe('measured')
    if (outcome.status !== 'measured') return
    // A timer of 5 ms may be a fraction of one early.
    for (const time of [outcome.timesUs?.p50, outcome.timesUs?.p99, ...outcome.launches.flatMap(({ rounds }) => rounds)])
      expect(time).toBeGreaterThan(4500)
  }, 30_000)

  test('whose other side got slower is what a comparison of two runs finds', async (context) => {
    const ids = ['pipe/anonymous', 'socket/unix']
    const trials = await Promise.all(ids.map((id) => trialWith({ floor: true, placement: 'same-core', wait: 'poll' }, id)))
    const run = async (slow?: string): Promise<Report> => {
      const records: BenchRecord[] = []
      for (const trial of trials) {
        vi.stubEnv('FAULTY_ECHO', trial.adapter === slow ? 'delay' : '')
        const { floor: _, ...conditions } = trial
        records.push({ ...conditions, ...(await runTrial(trial, { warmupMs: 60, roundMs: 20, rounds: 4, launches: 3, echo: ECHO })) })
      }
      return makeReport({ environment: environment(), records })
    }
    const before = await run()
    if (before.records.some((record) => floorOf(record) === undefined)) return context.skip('no floors here: `make floor`')
    const { compared, regressions } = compareReports(before, await run('socket/unix'))
    expect(compared).toBe(2)
    expect(regressions.map(({ conditions }) => conditions.adapter)).toContain('socket/unix')
  }, 120_000)

  test('whose other side allocates for each message shows that as garbage', async () => {
    const garbage = async (fault: string) => {
      vi.stubEnv('FAULTY_ECHO', fault)
      const outcome = await runTrial(await trialWith({ costs: true }), { ...SHORT, echo: ECHO })
      return outcome.status === 'measured' ? outcome.garbageBytesPerMessage : undefined
    }
    const [honest, faulty] = [await garbage(''), await garbage('allocate')]
    // An array of 1000 words, and the promises of who makes it.
    const own = (faulty ?? 0) - (honest ?? 0)
    expect(own).toBeGreaterThan(8000)
    expect(own).toBeLessThan(10_000)
  }, 60_000)

  test('of several launches starts all processes anew, and puts them together', async () => {
    const outcome = await runTrial(await trialWith({ floor: true }), { ...SHORT, launches: 3 })
    expect(outcome).toMatchObject({ status: 'measured', launches: Array(3).fill({ rounds: [expect.any(Number), expect.any(Number)] }) })
    if (outcome.status !== 'measured') return
    expect(outcome.durationMs).toBeGreaterThanOrEqual(6 * SHORT.roundMs)
    if (outcome.floor?.status !== 'measured') return
    const { value, low, high, launches } = outcome.floor.ratio
    expect([low, value, high]).toEqual([low, value, high].sort((a, b) => a - b))
    expect(launches).toBe(3)
  }, 30_000)

  test('may have a thread as its other side', async () => {
    const trial = { ...(await trialWith()), thread: true }
    expect(await runTrial(trial, SHORT)).toMatchObject({ status: 'measured', lost: 0 })
    vi.stubEnv('FAULTY_ECHO', 'corrupt')
    expect(await runTrial(trial, { ...SHORT, echo: ECHO })).toMatchObject({
      status: 'failed',
      reason: expect.stringContaining('wrong byte'),
    })
  }, 30_000)

  test('that cannot be is told apart from one that failed', async () => {
    const trial = await trialWith()
    expect(await runTrial({ ...trial, unavailable: 'no such mechanism here' }, SHORT)).toEqual({
      status: 'unavailable',
      reason: 'no such mechanism here',
    })
    expect(await runTrial({ ...trial, impossible: 'too large' }, SHORT)).toEqual({ status: 'impossible', reason: 'too large' })
  })

  test('is ended by a signal with all its processes; the records before it stay', async () => {
    const runtime = mkdtempSync(join(tmpdir(), 'ipc-bench-'))
    vi.stubEnv('XDG_RUNTIME_DIR', runtime)
    const trial = await trialWith()
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

describe('the floor of a trial', () => {
  const withFloor = async (mood: string) => {
    const floors = mkdtempSync(join(tmpdir(), 'ipc-floor-'))
    try {
      if (mood !== 'missing') {
        copyFileSync(new URL('./fixtures/toy-floor.js', import.meta.url), join(floors, 'socket'))
        chmodSync(join(floors, 'socket'), 0o755)
      }
      vi.stubEnv('TOY_FLOOR', mood)
      // The copy is a module by what it holds; the flag says so to Nodes that do not look.
      vi.stubEnv('NODE_OPTIONS', '--experimental-default-type=module')
      return await runTrial(await trialWith({ floor: true }), { ...SHORT, rounds: 6, floors })
    } finally {
      rmSync(floors, { recursive: true })
    }
  }

  test('takes turns with it, and the ratio is of rounds beside each other', async () => {
    const outcome = await withFloor('honest')
    expect(outcome.status).toBe('measured')
    if (outcome.status !== 'measured') return
    const [launch] = outcome.launches
    expect(outcome.launches).toHaveLength(1)
    expect(launch?.probesNs).toHaveLength(13)
    expect(launch?.floorRounds).toEqual(Array(6).fill(0.5))
    const doubled = (launch?.rounds ?? []).map((p50) => 2 * p50).sort((a, b) => a - b)
    expect(outcome.floor).toMatchObject({
      status: 'measured',
      samples: 60,
      cpuUsPerMessage: 2,
      switchesPerMessage: { voluntary: 1, involuntary: 0 },
      timesUs: { p50: 0.5 },
      ratio: { low: expect.closeTo(doubled[0] ?? 0, 6), high: expect.closeTo(doubled[5] ?? 0, 6), launches: 1 },
    })
  }, 30_000)

  test.each([
    ['broken', { status: 'failed', reason: 'a wrong byte' }],
    ['unable', { status: 'impossible', reason: 'no such wait here' }],
    ['missing', { status: 'unavailable', reason: expect.stringContaining('make floor') }],
  ])(
    'that is %s leaves ours measured',
    async (mood, floor) => {
      expect(await withFloor(mood)).toMatchObject({ status: 'measured', floor })
    },
    30_000,
  )
})

describe('the command', () => {
  const CLI = fileURLToPath(new URL('../src/cli.js', import.meta.url))
  const run = promisify(execFile)
  const folder = () => mkdtempSync(join(tmpdir(), 'ipc-report-'))

  test.each([
    ['message-queue/posix --size 16MiB --wait poll', 2, 'a message has at most 8192 bytes'],
    ['pipe/stdio --size 64 --wait block', 1, 'has no blocking calls, only the event loop'],
  ])('shows what is impossible with the reason in every form, and exits with 2: %s', async (what, placements, why) => {
    const target = folder()
    const args = [
      CLI,
      'bench',
      ...what.split(' '),
      '--workload',
      'round-trip',
      '--placement',
      ['free', 'same-core'].slice(0, placements).join(),
    ]
    const failure = await run(process.execPath, [...args, '--folder', target]).then(
      () => undefined,
      (error: { code: number; stdout: string; stderr: string }) => error,
    )
    expect(failure).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`ipc-playground: nothing of this can be measured here: ${why}\n`),
    })
    expect(failure?.stdout).toContain(why)
    for (const form of ['report.md', 'index.html']) expect(readFileSync(join(target, form), 'utf8')).toContain(why)
    const { records } = JSON.parse(readFileSync(join(target, 'report.json'), 'utf8')) as Report
    expect(records.map(({ status }) => status)).toEqual(Array(placements).fill('impossible'))
    rmSync(target, { recursive: true })
  })

  test('says which placement the host cannot give, and measures the rest', async () => {
    const target = folder()
    const args =
      'bench pipe/anonymous --workload round-trip --size 64 --wait block --placement cross-core,same-core --duration 0.1 --folder'
    const { stdout } = await run('taskset', ['-c', String(allowedProcessors().at(-1)), process.execPath, CLI, ...args.split(' '), target])
    expect(stdout).toContain('not here: cross-core needs two processors, and this process may use one')
    const { records } = JSON.parse(readFileSync(join(target, 'report.json'), 'utf8')) as Report
    expect(records.map(({ status }) => status)).toEqual(['impossible', 'measured'])
    rmSync(target, { recursive: true })
  }, 30_000)

  test.each([
    ['--size', '1XB'],
    ['--placement', 'nowhere'],
    ['--wait', 'never'],
    ['--workload', 'play'],
    ['--duration', '-1'],
    ['--adapter', 'socket/none'],
    ['--folder', '/dev/null/here'],
  ])('refuses %s %s before it measures', async (option, value) => {
    await expect(run(process.execPath, [CLI, 'bench', 'socket/tcp', option, value])).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^ipc-playground: /),
    })
  })

  test('keeps what was measured until it is interrupted, marked as partial', async () => {
    const target = folder()
    const args = [
      'bench',
      'pipe/anonymous',
      'socket/unix',
      '--placement',
      'free',
      '--wait',
      'poll',
      '--size',
      '64',
      '--duration',
      '0.3',
      '--folder',
      target,
    ]
    const child = spawn(process.execPath, [CLI, ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
    let shown = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      shown += text
      if (shown.split('\n').length >= 3) child.kill('SIGINT') // the second trial has begun
    })
    const [status] = await once(child, 'exit')
    expect(status).toBe(130)
    const { partial, records } = JSON.parse(readFileSync(join(target, 'report.json'), 'utf8')) as Report
    expect(partial).toBe(true)
    expect(records.map(({ status }) => status)).toEqual(['measured', 'not-run', 'not-run', 'not-run'])
    rmSync(target, { recursive: true })
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
