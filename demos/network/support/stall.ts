/** What a lost packet did to the streams above it, seen in the trace. */
import type { Trace, TracedPacket } from '../../../src/lab/trace.js'

export interface Stall {
  /** Bytes that the server sent before the lost packet. */
  readonly sentBefore: number
  /** Bytes behind it that arrived before it was there again, and how many streams they were of. */
  readonly arrivedBehind: number
  readonly streamsBehind: number
  /** Bytes of answers that the client had read by then. */
  readonly read: number
  /** From the loss until it was there again. */
  readonly ms: number
}

interface Sent extends TracedPacket {
  readonly t: number
}

/** Of the one packet of B that was lost, where B began to answer at `since`. @throws Error where none was */
export function stallOf({ events }: Trace, since: number): Stall {
  const scene = events.filter(({ t }) => t >= since)
  const sent = scene.flatMap(({ t, side, packet }): Sent[] =>
    side === 'B' && packet !== undefined && packet.length > 0 ? [{ t, ...packet }] : [],
  )
  const at = sent.findIndex(({ fate }) => fate === 'lost')
  const lost = sent[at]
  const again = sent.find((packet, index) => index > at && packet.sequence === lost?.sequence)
  if (lost === undefined || again?.arrived === undefined) throw new Error('no packet was lost and sent again')
  const filled = again.arrived
  const behind = sent.filter(({ arrived }, index) => index > at && arrived !== undefined && arrived < filled)
  const lastBehind = behind.at(-1)?.t ?? lost.t
  const streams = scene.flatMap(({ t, side, message }) =>
    side === 'B' && message?.text.startsWith('DATA') && t >= lost.t && t <= lastBehind ? [message.stream] : [],
  )
  return {
    sentBefore: bytesOf(sent.slice(0, at)),
    arrivedBehind: bytesOf(behind),
    streamsBehind: new Set(streams).size,
    read: scene.reduce((sum, { t, sample }) => sum + (t < filled && sample?.name.startsWith('read ') ? sample.value : 0), 0),
    ms: filled - lost.t,
  }
}

const bytesOf = (packets: readonly Sent[]): number => packets.reduce((sum, { length }) => sum + length, 0)
