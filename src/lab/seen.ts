/** A TCP connection as one of its ends sees it: what it sent, when it left, and what came, when it arrived. */
import type { Flag, Side } from './packet.js'
import type { TraceEvent } from './trace.js'

export interface Seen {
  readonly t: number
  /** By this end; otherwise it came from the other. */
  readonly sent: boolean
  readonly flags: readonly Flag[]
  readonly sequence: number
  /** The sequence number behind its last byte. */
  readonly end: number
  readonly acknowledgment: number
  readonly window: number
  readonly length: number
  readonly lost: boolean
  /** The sequence number behind the urgent byte. */
  readonly urgent?: number
}

/** `port`: of either end. What never arrived is not seen by the end to which it was sent. */
export function seenBy(events: readonly TraceEvent[], side: Side, port: number): readonly Seen[] {
  const seen = events.flatMap(({ t, side: from, packet }): readonly Seen[] => {
    if (packet?.ports?.includes(port) !== true) return []
    const at = from === side ? t : packet.arrived
    if (at === undefined) return []
    const { flags = [], sequence = 0, acknowledgment = 0, window = 0, length, fate, urgent } = packet
    const ofPacket = { flags, sequence, end: sequence + length, acknowledgment, window, length, lost: fate === 'lost' }
    return [{ t: at, sent: from === side, ...ofPacket, ...(urgent === undefined ? {} : { urgent }) }]
  })
  // What an end sends because of what came, it sends behind it.
  return seen.sort((one, other) => one.t - other.t || Number(one.sent) - Number(other.sent))
}

export interface Round {
  readonly t: number
  /** How many packets of new data were sent in it. */
  readonly packets: number
}

/** Round trips: each begins with the acknowledgement of something that was sent in the one before. */
export function roundsOf(seen: readonly Seen[]): readonly Round[] {
  const rounds: { t: number; packets: number }[] = []
  // The SYN is number 0, so data begins at 1.
  let [sentUpTo, nextRoundAt] = [1, 0]
  for (const { t, sent, end, length, acknowledgment } of seen) {
    if (!sent && acknowledgment > nextRoundAt) {
      nextRoundAt = sentUpTo
      rounds.push({ t, packets: 0 })
    }
    const round = rounds.at(-1)
    if (!sent || length === 0 || end <= sentUpTo || round === undefined) continue
    sentUpTo = end
    round.packets++
  }
  return rounds
}

/** Bytes sent and not acknowledged, after what is the last in `seen`. RFC 5681, 2: FlightSize */
export function flightOf(seen: readonly Seen[]): number {
  const acknowledged = Math.max(1, ...seen.flatMap(({ sent, acknowledgment }) => (sent ? [] : acknowledgment)))
  return Math.max(acknowledged, ...seen.flatMap(({ sent, end }) => (sent ? end : []))) - acknowledged
}
