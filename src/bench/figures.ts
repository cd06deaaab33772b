/** From rounds to the figures of a record. Pure. */
import type { Cost } from './cost.js'
import type { Farewell, Round } from './protocol.js'
import type { Conditions, Figures, Times, Workload } from './record.js'

/** Messages one way in each sample; a meeting or a wake-up counts as itself. */
const messagesIn = (workload: Workload): number => (workload === 'round-trip' ? 2 : 1)

const sumOf = (rounds: readonly Round[], figure: 'count' | 'lost' | 'elapsedMs' | keyof Cost): number =>
  rounds.reduce((sum, round) => sum + (round[figure] ?? 0), 0)

/** What a round is compared by: its median time, or messages a second. */
export const roundValue = ({ p50, count, elapsedMs }: Round): number => p50 ?? count / (elapsedMs / 1000)

export function figuresOf(
  rounds: readonly Round[],
  { times }: Farewell,
  { workload, payloadBytes }: Pick<Conditions, 'workload' | 'payloadBytes'>,
): Figures {
  const samples = sumOf(rounds, 'count')
  const durationMs = sumOf(rounds, 'elapsedMs')
  const messages = samples * messagesIn(workload)
  const messagesPerSecond = samples / (durationMs / 1000)
  return {
    durationMs,
    samples,
    batch: rounds[0]?.batch ?? 1,
    ...('p50' in times ? { timesUs: times as Times } : { messagesPerSecond, gigabytesPerSecond: (messagesPerSecond * payloadBytes) / 1e9 }),
    ...(rounds[0]?.cpuUs === undefined ? {} : costsOf(rounds, messages)),
    lost: sumOf(rounds, 'lost'),
  }
}

const costsOf = (rounds: readonly Round[], messages: number): Pick<Figures, 'cpuUsPerMessage' | 'switchesPerMessage' | 'peakRssBytes'> => ({
  cpuUsPerMessage: sumOf(rounds, 'cpuUs') / messages,
  switchesPerMessage: { voluntary: sumOf(rounds, 'voluntary') / messages, involuntary: sumOf(rounds, 'involuntary') / messages },
  peakRssBytes: Math.max(...rounds.map(({ rssBytes = 0 }) => rssBytes)),
})
