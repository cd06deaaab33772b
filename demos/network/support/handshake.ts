/** A handshake as the wire saw it: who spoke in turn, and how long it took until the user could. */
import type { Trace, TraceEvent } from '../../../src/lab/trace.js'

/** What one side sends before it hears the other again. */
export interface Flight {
  readonly side: string
  readonly t: number
  readonly texts: readonly string[]
}

export interface Handshake {
  /** From the SYN to the flight with the client's first word. */
  readonly flights: readonly Flight[]
  /** How often the client had to wait for the server: how many flights of the server there are. */
  readonly roundTrips: number
  /** From the SYN to the word, on the wire. */
  readonly ms: number
}

/** Of each connection that A opened, in their order. A SYN that was sent again before B answered opens no other. */
export function handshakesOf({ events }: Trace): readonly Handshake[] {
  const syns = events.flatMap(({ side, packet }, at) => (side === 'A' && packet?.text === 'SYN' ? [at] : []))
  const openings = syns.filter(
    (at, index) => index === 0 || events.slice(syns[index - 1], at).some(({ side, packet }) => side === 'B' && packet),
  )
  return openings.map((at, index) => handshakeIn(events.slice(at, openings[index + 1])))
}

function handshakeIn(events: readonly TraceEvent[]): Handshake {
  const flights: { side: string; t: number; texts: string[] }[] = []
  let word: { readonly t: number; readonly flight: number } | undefined
  for (const { t, side, packet, message } of events) {
    const text = message?.text ?? (packet?.flags?.includes('SYN') ? packet.text : undefined)
    if (side === undefined || text === undefined) continue
    if (flights.at(-1)?.side !== side) {
      if (word !== undefined) break
      flights.push({ side, t, texts: [] })
    }
    flights.at(-1)?.texts.push(text)
    if (side === 'A' && isWord(text)) word = { t, flight: flights.length }
  }
  const [first] = flights
  if (first === undefined || word === undefined) throw new Error('the client sent no word')
  return { flights, roundTrips: flights.filter(({ side }) => side === 'B').length, ms: word.t - first.t }
}

/** In TLS 1.3 the client's Finished looks like it, and goes with it. */
const isWord = (text: string): boolean => text.startsWith('ApplicationData')

/** How many bytes of a flight nobody could read. */
export const sealedBytes = ({ texts }: Flight): number =>
  texts.reduce((sum, text) => sum + (isWord(text) ? Number(text.split(' ')[1]) : 0), 0)
