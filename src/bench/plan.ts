/** What is measured, as data. */
import type { Placement, WaitMode, Workload } from './record.js'
import { runnable, STAMPED_BYTES, type Subject, type Trial, trialOf, type Wanted } from './trial.js'

const KIB = 1024
const WORD_BYTES = 64
const BULK_BYTES = 64 * KIB
/** So that the slope in ns a byte is seen. Each mechanism's minimum comes before. */
const SIZES = [WORD_BYTES, KIB, 4 * KIB, BULK_BYTES, KIB * KIB, 16 * KIB * KIB]
const SENDERS = [1, 2, 4, 8]
/** Of `make bench`. */
export const MOST_TRIALS = 120

type Group = Readonly<Pick<Wanted, 'placement' | 'wait'>>

/** Conditions whose rows are compared with each other; measured one after the other. */
const SAME_CORE_BLOCK: Group = { placement: 'same-core', wait: 'block' }
const SAME_CORE_POLL: Group = { placement: 'same-core', wait: 'poll' }
const FREE_POLL: Group = { placement: 'free', wait: 'poll' }
const CROSS_POLL: Group = { placement: 'cross-core', wait: 'poll' }

/** The mechanism's payload next to a word. */
const wordOf = ({ capabilities: { payload } }: Subject): number => Math.min(Math.max(WORD_BYTES, payload.min), payload.max)

/**
 * The trials of the main job: round trips of one word, by turns with their C floor, and its throughput; in the
 * event loop also throughput of 64 KiB. For more, and for more floors, there is no time.
 */
export function planComparison(subjects: readonly Subject[]): Trial[] {
  return [SAME_CORE_BLOCK, FREE_POLL].flatMap((group) =>
    subjects.flatMap((subject) => {
      const word = { ...group, payloadBytes: wordOf(subject) }
      return [
        trialOf(subject, { ...word, workload: 'round-trip', floor: true }),
        trialOf(subject, { ...word, workload: 'throughput' }),
        ...(group === FREE_POLL ? [trialOf(subject, { ...group, payloadBytes: BULK_BYTES, workload: 'throughput' })] : []),
      ]
    }),
  )
}

/** A part of the plan of `make bench`. */
export interface Tier {
  /** What it is for. */
  readonly why: string
  readonly trials: readonly Trial[]
  /** Trials that did not fit into the most that there may be. */
  readonly leftOut: number
}

/**
 * `make bench`: at most 120 trials in about 8 minutes, out of a full cross-product of over 10,000. Chosen,
 * the most telling first:
 *
 *  1. round trips of a word on one processor, blocking, with their costs: the shortest way, which
 *     the scheduler disturbs least, so that what the library adds shows best;
 *  2. the same in the event loop, placed freely, of all and of what users pick instead: what users get; on one
 *     processor again, of each mechanism's leading adapter that is polled: placed freely the scheduler parts two
 *     Nodes and keeps two programs of C together, so that their ratio is as much the scheduler's as ours;
 *  3. throughput of a word in the event loop across processors, `await send` and `receive`, of each mechanism's
 *     leading adapter and of what users pick instead: the row that people quote; of streams also where the sender
 *     awaits a batch and not each message, as those who use what users pick instead do;
 *  4. throughput of a word and of 64 KiB across processors through the blocking calls, against C that
 *     makes the same system calls; not of what drops, whose rate is that of its acknowledgements;
 *  5. across processors where memory is shared: spinning, adaptive, and the event loop while it is hot,
 *     beside the first of what users pick instead;
 *  6. what the channel adds to the endpoint below it;
 *  7. one way at a fixed rate: latency without coordinated omission;
 *  8. many senders, rendezvous and idle channels, of the mechanisms that users choose between for them;
 *  9. another size of the leading streams and rings, for the slope.
 *
 * Floors take turns with all that they can do. What does not fit is dropped from the end.
 */
export function planBench(subjects: readonly Subject[], peers: readonly Subject[] = []): Tier[] {
  const leaders = subjects.filter(({ leads }) => leads)
  // Rings differ in how two processes meet, and then are one and the same.
  const telling = subjects.filter(({ leads, spins }) => leads || !spins)
  const each = (some: readonly Subject[], wanted: (subject: Subject) => Wanted | readonly Wanted[]): Trial[] =>
    some.flatMap((subject) => [wanted(subject)].flat().map((one) => trialOf(subject, { floor: true, ...one })))
  const cross = (subject: Subject): Group => ({ placement: 'cross-core', wait: subject.spins ? 'adaptive' : 'block' })
  const word = (subject: Subject, workload: Workload, group: Group): Wanted => ({ ...group, workload, payloadBytes: wordOf(subject) })
  const fanIn = (subject: Subject, senders: readonly number[]): Wanted[] =>
    senders.map((count) => ({ ...word(subject, 'fan-in', FREE_POLL), senders: count }))
  const carrying = leaders.filter(({ capabilities }) => capabilities.payload.max >= BULK_BYTES)
  const lasting = (some: readonly Subject[]) => some.filter(({ capabilities }) => capabilities.whenFull !== 'drop')
  const first = peers.slice(0, 1)
  return capped([
    {
      why: 'round trips of a word on one processor, blocking, with their costs',
      trials: each(telling, (subject) => ({ ...word(subject, 'round-trip', SAME_CORE_BLOCK), costs: true })),
    },
    {
      why: 'round trips of a word in the event loop, placed freely, beside what users pick instead',
      trials: each([...telling, ...peers], (subject) => word(subject, 'round-trip', FREE_POLL)),
    },
    {
      why: 'the same on one processor: what a turn of the event loop costs beside one of C',
      trials: each(
        leaders.filter(({ spins, capabilities }) => !spins && capabilities.asyncWait === 'poll'),
        (subject) => word(subject, 'round-trip', SAME_CORE_POLL),
      ),
    },
    {
      why: 'throughput of a word in the event loop across processors, beside what users pick instead',
      trials: each(lasting([...leaders, ...peers]), (subject) => word(subject, 'throughput', CROSS_POLL)),
    },
    {
      why: 'the same where the sender awaits a batch and not each message',
      trials: each(
        leaders.filter(({ capabilities }) => capabilities.framing === 'stream'),
        (subject) => word(subject, 'gathered', CROSS_POLL),
      ),
    },
    {
      why: 'throughput of a word and of 64 KiB across processors, through blocking calls',
      trials: each(lasting(telling), (subject) => [
        word(subject, 'throughput', cross(subject)),
        { ...word(subject, 'throughput', cross(subject)), payloadBytes: BULK_BYTES },
      ]),
    },
    {
      why: 'round trips across processors where memory is shared: spinning, adaptive, and in the event loop while it is hot',
      trials: [
        ...each(
          carrying.filter(({ spins }) => spins),
          (subject) =>
            (['spin', 'adaptive', 'poll'] as const).map((wait) => word(subject, 'round-trip', { placement: 'cross-core', wait })),
        ),
        ...each(first, (subject) => word(subject, 'round-trip', CROSS_POLL)),
      ],
    },
    {
      why: 'what a channel adds to the calls of the endpoint below it, and what a message leaves to the collector',
      trials: each(
        leaders.filter(({ capabilities }) => capabilities.payload.max >= WORD_BYTES && capabilities.rendezvous !== 'inherit'),
        (subject) => ({ ...word(subject, 'wrapper', { placement: 'same-core', wait: 'spin' }), costs: true }),
      ),
    },
    {
      why: 'one way at a fixed rate, timed from when each message was due',
      trials: each([...leaders.filter(({ capabilities }) => capabilities.payload.max >= STAMPED_BYTES), ...first], (subject) =>
        word(subject, 'one-way', FREE_POLL),
      ),
    },
    {
      why: 'several senders, from the offer to the first message, and idle channels',
      trials: [
        ...each(leaders.filter(sharesStream).slice(0, 1), (subject) => fanIn(subject, SENDERS.slice(-1))),
        ...each(leaders.filter(({ capabilities }) => capabilities.peers === 'many').slice(-1), (subject) => fanIn(subject, SENDERS)),
        ...each([...leaders.slice(-1), ...first], (subject) => word(subject, 'rendezvous', FREE_POLL)),
        ...each(leaders, (subject) => word(subject, 'idle', FREE_POLL)),
      ],
    },
    {
      why: 'another size across processors, for the slope in ns a byte',
      // A FIFO is a pipe once it is open.
      trials: each(carrying.filter((subject) => !sharesStream(subject)).reverse(), (subject) => ({
        ...word(subject, 'throughput', cross(subject)),
        payloadBytes: KIB * KIB,
      })),
    },
  ])
}

/** Many may write to its name. */
const sharesStream = ({ capabilities: { framing, opens, peers } }: Subject): boolean => framing === 'stream' && opens && peers === 'one'

/** What cannot run takes no time and no place. */
function capped(tiers: readonly Omit<Tier, 'leftOut'>[]): Tier[] {
  let left = MOST_TRIALS
  return tiers.map(({ why, trials }) => {
    const kept = trials.filter((trial) => !runnable(trial) || left-- > 0)
    return { why, trials: kept, leftOut: trials.length - kept.length }
  })
}

/** Conditions that the user names; every one that is left out has all its values. */
export interface Selection {
  readonly workloads?: readonly Workload[] | undefined
  readonly sizes?: readonly number[] | undefined
  readonly placements?: readonly Placement[] | undefined
  readonly waits?: readonly WaitMode[] | undefined
}

export const WORKLOADS: readonly Workload[] = ['round-trip', 'throughput', 'gathered', 'one-way', 'fan-in', 'rendezvous', 'idle', 'wrapper']
export const PLACEMENTS: readonly Placement[] = ['same-core', 'cross-core', 'free']
export const WAITS: readonly WaitMode[] = ['block', 'poll', 'spin', 'adaptive']

/**
 * `make bench FULL=1`, and what the user selects: the cross-product. Also what is impossible, so that the
 * report says why. Sizes go with round trips, one way and throughput; the other workloads carry a word
 * unless a size is named.
 */
export function planFull(
  subjects: readonly Subject[],
  { workloads = WORKLOADS, sizes, placements = PLACEMENTS, waits = WAITS }: Selection = {},
): Trial[] {
  return workloads.flatMap((workload) =>
    placements.flatMap((placement) =>
      waits.flatMap((wait) =>
        subjects.flatMap((subject) =>
          (sizes ?? sizesFor(subject, workload)).flatMap((payloadBytes) =>
            (workload === 'fan-in' ? SENDERS : [undefined]).map((senders) =>
              trialOf(subject, { workload, placement, wait, payloadBytes, floor: true, ...(senders === undefined ? {} : { senders }) }),
            ),
          ),
        ),
      ),
    ),
  )
}

/** Whose figures grow with the payload. */
const SIZED: readonly Workload[] = ['round-trip', 'throughput', 'one-way']

function sizesFor(subject: Subject, workload: Workload): readonly number[] {
  if (!SIZED.includes(workload)) return [wordOf(subject)]
  const { min } = subject.capabilities.payload
  return [...new Set([min, ...SIZES])]
}
