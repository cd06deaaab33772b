/** From the rounds of all launches to the figures of a record. Pure. */
import type { Cost } from './cost.js'
import { TimeHistogram } from './histogram.js'
import type { Told } from './launch.js'
import type { Round } from './protocol.js'
import type { Conditions, Figures, Times, Workload } from './record.js'

/** Messages one way in each sample; a meeting or a wake-up counts as itself. */
const messagesIn = (workload: Workload): number => (workload === 'round-trip' ? 2 : 1)

const sumOf = (rounds: readonly Round[], figure: 'count' | 'lost' | 'elapsedMs' | keyof Cost): number =>
  rounds.reduce((sum, round) => sum + (round[figure] ?? 0), 0)

/** What a round is compared by: its median time, or messages a second. */
export const roundValue = ({ p50, count, elapsedMs }: Round): number => p50 ?? count / (elapsedMs / 1000)

/** Of one pair over all its launches. */
export function figuresOf(told: readonly Told[], { workload, payloadBytes }: Pick<Conditions, 'workload' | 'payloadBytes'>): Figures {
  const rounds = told.flatMap((side) => side.rounds)
  const samples = sumOf(rounds, 'count')
  const durationMs = sumOf(rounds, 'elapsedMs')
  const messages = samples * messagesIn(workload)
  const messagesPerSecond = samples / (durationMs / 1000)
  const times = timesOf(told)
  return {
    durationMs,
    samples,
    batch: Math.max(...rounds.map(({ batch }) => batch)),
    ...(times === undefined ? { messagesPerSecond, gigabytesPerSecond: (messagesPerSecond * payloadBytes) / 1e9 } : { timesUs: times }),
    ...(rounds[0]?.cpuUs === undefined ? {} : costsOf(rounds, messages)),
    lost: sumOf(rounds, 'lost'),
  }
}

function timesOf(told: readonly Told[]): Times | undefined {
  const histograms = told.flatMap(({ farewell }) => (farewell.histogram === undefined ? [] : [farewell.histogram]))
  if (histograms.length === 0) return undefined
  const all = new TimeHistogram()
  for (const entries of histograms) all.addEntries(entries)
  return all.times()
}

const costsOf = (rounds: readonly Round[], messages: number): Pick<Figures, 'cpuUsPerMessage' | 'switchesPerMessage' | 'peakRssBytes'> => ({
  cpuUsPerMessage: sumOf(rounds, 'cpuUs') / messages,
  switchesPerMessage: { voluntary: sumOf(rounds, 'voluntary') / messages, involuntary: sumOf(rounds, 'involuntary') / messages },
  peakRssBytes: Math.max(...rounds.map(({ rssBytes = 0 }) => rssBytes)),
})
