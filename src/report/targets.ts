/** What the library shall reach, as data: which records of a report tell, and what they must say. */
import type { Conditions, Times } from '../bench/record.js'
import type { Capabilities } from '../core/channel.js'
import { floorOf, type Measured } from './figures.js'
import { BULK_BYTES, isPeer, type Report } from './model.js'

/** What one record says of one criterion. */
export interface Evidence {
  readonly record: Measured
  readonly value: number
  /** Of 95 %, where the value is a ratio that was taken by turns. */
  readonly interval?: { readonly low: number; readonly high: number }
  /** What it is a multiple of, where that is not the record's own floor. */
  readonly against?: string
}

export interface Criterion {
  /** As the target says it. */
  readonly reach: string
  readonly limit: number
  readonly better: 'less' | 'more'
  readonly unit: 'ns a message' | '× C' | '× C spinning' | 'µs' | '× process.send' | '× the fastest peer' | 'B a message'
  evidence(report: Report): readonly Evidence[]
  /** Records that would tell, had C been measured beside them. */
  without?(report: Report): readonly Measured[]
}

export interface Target {
  readonly exchange: string
  readonly criteria: readonly Criterion[]
  /** What it takes, for who finds none of it in a report. */
  readonly needs: string
}

export const isReached = ({ limit, better }: Criterion, { value }: Evidence): boolean =>
  better === 'less' ? value <= limit : value >= limit

const WORD = 64
const isWord = ({ payloadBytes }: Conditions): boolean => payloadBytes <= WORD
/** It needs no system call for a message. */
const inMemory = ({ mechanism, adapter }: Conditions): boolean => mechanism === 'shared-memory' || adapter === 'semaphore/atomics'
const isRing = ({ mechanism }: Conditions): boolean => mechanism === 'shared-memory'
const STREAMS = ['pipe/anonymous', 'fifo/native', 'socket/unix', 'socket/unix-seqpacket', 'socket/tcp']
const isStream = ({ adapter }: Conditions): boolean => STREAMS.includes(adapter)
const WORDS = ['message-queue/posix', 'message-queue/sysv', 'semaphore/atomics', 'semaphore/posix', 'semaphore/sysv', 'signal/realtime']

type Fits = (record: Measured, capabilities: Capabilities | undefined) => boolean

/** Of our own adapters; those over packages of others are there to be compared with. */
function ours({ records, capabilities }: Report, fits: Fits): Measured[] {
  return records.filter(
    (record): record is Measured =>
      record.status === 'measured' &&
      !isPeer(record) &&
      capabilities[record.adapter]?.exempt === undefined &&
      fits(record, capabilities[record.adapter]),
  )
}

const toFloor = (records: readonly Measured[]): Evidence[] =>
  records.flatMap((record) => {
    const ratio = floorOf(record)?.ratio
    return ratio === undefined ? [] : [{ record, value: ratio.value, interval: ratio }]
  })

/** A multiple of each record's own floor. */
const ofFloor = (better: Criterion['better'], limit: number, fits: Fits): Criterion => ({
  reach: `${better === 'less' ? '≤' : '≥'} ${limit} × C`,
  limit,
  better,
  unit: '× C',
  evidence: (report) => toFloor(ours(report, fits)),
  without: (report) => ours(report, fits).filter((record) => floorOf(record) === undefined),
})
const atMost = (limit: number, fits: Fits): Criterion => ofFloor('less', limit, fits)
const atLeast = (limit: number, fits: Fits): Criterion => ofFloor('more', limit, fits)

/** Against those of the peers, in the same placement where that was measured, else where the scheduler placed them. */
function againstPeers(
  report: Report,
  records: readonly Measured[],
  isWanted: (adapter: string) => boolean,
  rateOf: (record: Measured) => number,
): Evidence[] {
  const peers = report.records.filter(
    (record): record is Measured => record.status === 'measured' && isPeer(record) && isWanted(record.adapter),
  )
  return records.flatMap((record) => {
    const workload = isGathered(record) ? 'throughput' : record.workload // of peers they are the same
    const alike = peers.filter((peer) => peer.workload === workload && peer.payloadBytes === record.payloadBytes)
    const near = alike.filter(({ placement }) => placement === record.placement)
    const [best] = (near.length > 0 ? near : alike.filter(({ placement }) => placement === 'free')).sort((a, b) => rateOf(b) - rateOf(a))
    return best === undefined ? [] : [{ record, value: rateOf(record) / rateOf(best), against: `${best.adapter}, ${best.placement}` }]
  })
}

const isProcessSend = (adapter: string): boolean => adapter.startsWith('peer/process-send')
const perSecond = ({ messagesPerSecond, timesUs }: Measured): number =>
  messagesPerSecond ?? 1e6 / (timesUs?.p50 ?? Number.POSITIVE_INFINITY)

const isRoundTrip = ({ workload }: Conditions): boolean => workload === 'round-trip'
const isThroughput = ({ workload }: Conditions): boolean => workload === 'throughput'
const isGathered = ({ workload }: Conditions): boolean => workload === 'gathered'
const isWrapper = ({ workload }: Conditions): boolean => workload === 'wrapper'
const isAwaited = ({ wait }: Conditions): boolean => wait === 'poll'

/** Spinning in C is the floor of whatever waits otherwise. */
function adaptiveTail(report: Report): Evidence[] {
  const p99 = (times: Times | undefined) => times?.p99
  const spinning = ours(
    report,
    (record) => isRing(record) && isRoundTrip(record) && record.placement === 'cross-core' && record.wait === 'spin',
  )
  return ours(
    report,
    (record) => isRing(record) && isRoundTrip(record) && record.placement === 'cross-core' && record.wait === 'adaptive',
  ).flatMap((record) => {
    const floor = spinning.find(({ adapter, payloadBytes }) => adapter === record.adapter && payloadBytes === record.payloadBytes)
    const [own, least] = [p99(record.timesUs), floor && p99(floorOf(floor)?.timesUs)]
    return own === undefined || least === undefined ? [] : [{ record, value: own / least, against: 'the p99 of C spinning' }]
  })
}

const isHot = (record: Measured): boolean =>
  isRing(record) && isRoundTrip(record) && isWord(record) && isAwaited(record) && record.placement === 'cross-core'
const isRingWord = (record: Measured): boolean =>
  isRing(record) && isThroughput(record) && record.payloadBytes === WORD && !isAwaited(record) && record.placement !== 'same-core'
const isStreamFlow = (record: Measured): boolean =>
  isStream(record) && isThroughput(record) && [WORD, BULK_BYTES].includes(record.payloadBytes)

export const TARGETS: readonly Target[] = [
  {
    exchange: '`sync` round trip of every mechanism with a system call per message, same core',
    criteria: [
      atMost(
        1.15,
        (record) =>
          isRoundTrip(record) && isWord(record) && record.placement === 'same-core' && record.wait === 'block' && !inMemory(record),
      ),
    ],
    needs: 'round trips of a word, same core, blocking, with their floors',
  },
  {
    exchange: 'ring, spinning round trip, cross-core',
    criteria: [
      atMost(
        1.25,
        (record) => isRing(record) && isRoundTrip(record) && isWord(record) && record.placement === 'cross-core' && record.wait === 'spin',
      ),
    ],
    needs: 'round trips of a word over shared memory, cross-core, spinning, with their floors',
  },
  {
    exchange: 'ring, adaptive round trip, cross-core, p99',
    criteria: [{ reach: '≤ 2 × C spinning', limit: 2, better: 'less', unit: '× C spinning', evidence: adaptiveTail }],
    needs: 'round trips of a word over shared memory, cross-core, adaptive, and spinning with the floor',
  },
  {
    exchange: 'event-loop `receive()` round trip while hot (ring)',
    criteria: [
      {
        reach: '≤ 0.5 µs',
        limit: 0.5,
        better: 'less',
        unit: 'µs',
        evidence: (report) =>
          ours(report, isHot).flatMap((record) => (record.timesUs === undefined ? [] : [{ record, value: record.timesUs.p50 }])),
      },
      {
        reach: '≥ 20 × `process.send`',
        limit: 20,
        better: 'more',
        unit: '× process.send',
        evidence: (report) => againstPeers(report, ours(report, isHot), isProcessSend, perSecond),
      },
    ],
    needs: 'round trips of a word in the event loop, cross-core, over shared memory and of `process.send`',
  },
  {
    exchange: 'event-loop `receive()` round trip from idle, every pollable mechanism',
    criteria: [
      {
        ...atMost(
          1.5,
          (record, capabilities) =>
            isRoundTrip(record) &&
            isWord(record) &&
            isAwaited(record) &&
            record.placement === 'same-core' &&
            !inMemory(record) &&
            capabilities?.asyncWait === 'poll',
        ),
        reach: '≤ 1.5 × a C epoll loop',
      },
    ],
    needs: 'round trips of a word in the event loop, same core, with their floors',
  },
  {
    exchange: 'ring throughput 64 B, verified payload, `tryReceiveInto` / borrow',
    criteria: [
      { ...atLeast(0.9, isRingWord), reach: '≥ 0.9 × C publishing every 32' },
      {
        reach: '≥ 40 × `process.send`',
        limit: 40,
        better: 'more',
        unit: '× process.send',
        evidence: (report) => againstPeers(report, ours(report, isRingWord), isProcessSend, perSecond),
      },
    ],
    needs: 'throughput of 64 B over shared memory, not in the event loop, with its floor, and of `process.send`',
  },
  {
    exchange: 'ring throughput 64 KiB, copied in and out',
    criteria: [
      atLeast(0.95, (record) => isRing(record) && isThroughput(record) && record.payloadBytes === BULK_BYTES && !isAwaited(record)),
    ],
    needs: 'throughput of 64 KiB over shared memory, not in the event loop, with its floor',
  },
  {
    exchange: 'pipe, FIFO, unix, seqpacket, TCP throughput 64 B and 64 KiB through `sync` or `try*`',
    criteria: [atLeast(0.95, (record) => isStreamFlow(record) && !isAwaited(record))],
    needs: 'throughput of 64 B and of 64 KiB, not in the event loop, with their floors',
  },
  {
    exchange: 'the same through `await send` / `for await`',
    criteria: [
      atLeast(0.6, (record) => isStreamFlow(record) && isAwaited(record)),
      {
        reach: 'ahead of every Node peer',
        limit: 1,
        better: 'more',
        unit: '× the fastest peer',
        evidence: (report) =>
          againstPeers(
            report,
            ours(report, (record) => isStreamFlow(record) && isAwaited(record)),
            () => true,
            perSecond,
          ),
      },
    ],
    needs: 'throughput of 64 B and of 64 KiB in the event loop, with their floors, and of the peers',
  },
  {
    exchange: 'the same where a batch is awaited and not each message, as peers are used',
    criteria: [
      {
        reach: 'ahead of every Node peer',
        limit: 1,
        better: 'more',
        unit: '× the fastest peer',
        evidence: (report) =>
          againstPeers(
            report,
            ours(report, (record) => isStream(record) && isGathered(record)),
            () => true,
            perSecond,
          ),
      },
    ],
    needs: 'the workload gathered, and throughput of the peers',
  },
  {
    exchange: 'POSIX and System V queues, semaphores, real-time signals, 64 B or their word',
    criteria: [atLeast(0.9, (record) => WORDS.includes(record.adapter) && isThroughput(record) && isWord(record) && !isAwaited(record))],
    needs: 'throughput of a word, not in the event loop, with their floors',
  },
  {
    exchange: 'cost of the `Channel` wrapper over the raw native call',
    criteria: [
      {
        reach: '≤ 50 ns a message',
        limit: 50,
        better: 'less',
        unit: 'ns a message',
        evidence: (report) =>
          ours(report, isWrapper).flatMap((record) =>
            record.wrapper === undefined ? [] : [{ record, value: record.wrapper.addedNs.value, interval: record.wrapper.addedNs }],
          ),
      },
    ],
    needs: 'the workload wrapper',
  },
  {
    exchange: 'garbage on `tryReceiveInto`, `receiveInto` from hot, `claim`/`borrow`',
    criteria: [
      {
        reach: '0 bytes a message',
        limit: 0.5,
        better: 'less',
        unit: 'B a message',
        evidence: (report) =>
          ours(report, isWrapper).flatMap((record) =>
            record.garbageBytesPerMessage === undefined ? [] : [{ record, value: record.garbageBytesPerMessage }],
          ),
      },
    ],
    needs: 'the workload wrapper with its costs',
  },
]
