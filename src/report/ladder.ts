/** A trace as a ladder diagram: hosts side by side, time downwards. What stands on which row; how it looks, its users say. Pure. */
import type { Trace, TracedMessage, TracedPacket, TraceEvent } from '../lab/trace.js'

/** A packet's way from row to row. */
export interface Arrow {
  readonly packet: TracedPacket
  readonly from: string
  readonly to: string
  readonly leaves: number
  /** Absent: it never came out. */
  readonly arrives?: number
  /** Its bytes were on the link before. */
  readonly again: boolean
  /** The packet has another arrow, to another host. */
  readonly copy: boolean
}

/** What stands beside a host's line: what its socket became, or what it said above TCP. */
export interface Beside {
  readonly side: string
  readonly kind: 'state' | 'message'
  readonly text: string
  /** `:7000`, `stream 3` */
  readonly detail: string
  /** All that there is to say. */
  readonly about: string
}

export type Row =
  | { readonly kind: 'moment'; readonly t: number; readonly beside: readonly Beside[] }
  /** What the story does from here on. */
  | { readonly kind: 'heading'; readonly t: number; readonly text: string }
  /** What is left out here. */
  | { readonly kind: 'gap'; readonly t: number; readonly packets: number; readonly others: number }

export interface Ladder {
  readonly hosts: readonly string[]
  readonly rows: readonly Row[]
  readonly arrows: readonly Arrow[]
}

/** Of longer traces: so many events from the beginning and the end, and those around what is remarkable. */
const MOST = 220
const FIRST = 60
const LAST = 16
const AROUND = 3

/** What happens within so many ms stands on one row, where it does not cover anything. */
const TOGETHER_MS = 1

/** undefined: nothing was sent. */
export function ladderOf({ events }: Trace): Ladder | undefined {
  if (!events.some(({ packet }) => packet !== undefined)) return undefined
  const drawn = events.filter(({ packet, state, message, kind }) => (packet ?? state ?? message) !== undefined || kind === 'intent')
  const hosts = hostsOf(drawn)
  const again = sentAgain(drawn)
  const board = new Board()
  for (const item of inTime(thinned(drawn, again), hosts, again)) board.place(item)
  return { hosts, rows: board.rows, arrows: board.arrows }
}

/** The two ends of a wire; or those on Ethernets, one after the other, and who joins two of them in between. */
function hostsOf(events: readonly TraceEvent[]): readonly string[] {
  const frames = events.flatMap(({ side, packet }) => (side === undefined || packet?.frame === undefined ? [] : { side, ...packet.frame }))
  if (frames.length === 0) return ['A', 'B']
  const links = [...new Set(frames.map(({ link }) => link))]
  const linksOf = (host: string) =>
    links.filter((link) => frames.some((frame) => frame.link === link && [frame.side, ...frame.to].includes(host)))
  const placed = [...new Set(frames.flatMap(({ side, to }) => [side, ...to]))].map((name) => {
    const [first = '', ...others] = linksOf(name)
    return { name, at: links.indexOf(first) + (others.length > 0 ? 0.5 : 0) }
  })
  return placed.sort((a, b) => a.at - b.at || a.name.localeCompare(b.name)).map(({ name }) => name)
}

type Way = Pick<Arrow, 'packet' | 'from' | 'to' | 'again' | 'copy'>

type Item = { readonly t: number } & (
  | { readonly kind: 'leaves' | 'arrives'; readonly way: Way }
  | { readonly kind: 'beside'; readonly beside: Beside }
  | { readonly kind: 'row'; readonly row: Exclude<Row, { kind: 'moment' }> }
)

type Gap = Extract<Row, { kind: 'gap' }>

function inTime(entries: readonly (TraceEvent | Gap)[], hosts: readonly string[], again: ReadonlySet<TracedPacket>): readonly Item[] {
  const items = entries.flatMap((entry): readonly Item[] => {
    const { t } = entry
    if ('packets' in entry) return [{ t, kind: 'row', row: entry }]
    const { side = '', packet, state, message, note } = entry
    if (packet !== undefined) return waysOf(packet, side, hosts, again).flatMap((way) => passing(way, t))
    if (state !== undefined) return [{ t, kind: 'beside', beside: becomes(side, state) }]
    if (message !== undefined) return [{ t, kind: 'beside', beside: says(side, message) }]
    return [{ t, kind: 'row', row: { kind: 'heading', t, text: note ?? '' } }]
  })
  return items.sort((a, b) => a.t - b.t)
}

function becomes(side: string, { socket, to }: TraceEvent['state'] & {}): Beside {
  const text = to === 'CLOSE' ? 'CLOSED' : to // as RFC 9293 has it
  return { side, kind: 'state', text, detail: `:${portOf(socket)}`, about: `${socket}: ${text}` }
}

const portOf = (socket: string): string => socket.split(' ')[0]?.split(':')[1] ?? ''

const says = (side: string, { protocol, text, stream }: TracedMessage): Beside => {
  const detail = stream === undefined ? '' : `stream ${stream}`
  return { side, kind: 'message', text, detail, about: `${protocol}: ${text} ${detail}`.trim() }
}

function waysOf(packet: TracedPacket, from: string, hosts: readonly string[], again: ReadonlySet<TracedPacket>): readonly Way[] {
  const other = hosts.find((host) => host !== from) ?? from
  const to = packet.frame === undefined || packet.frame.to.length === 0 ? [other] : packet.frame.to
  return to.map((host, at) => ({ packet, from, to: host, again: again.has(packet), copy: at > 0 }))
}

const passing = (way: Way, t: number): readonly Item[] => [
  { t, kind: 'leaves', way },
  ...(way.packet.arrived === undefined ? [] : [{ t: Math.max(t, way.packet.arrived), kind: 'arrives', way } as const]),
]

/** Gives each thing the row of its moment. */
class Board {
  readonly rows: Row[] = []
  readonly arrows: Arrow[] = []
  readonly #leaving = new Map<TracedPacket, number>()
  /** What already stands on the last row. */
  #taken = new Set<string>()

  place(item: Item): void {
    if (item.kind === 'row') {
      this.rows.push(item.row)
      this.#taken = new Set(['everything'])
      return
    }
    if (item.kind === 'beside') {
      const at = this.#rowFor(`beside ${item.beside.side}`, item.t)
      const row = this.rows[at]
      if (row?.kind === 'moment') this.rows[at] = { ...row, beside: [...row.beside, item.beside] }
      return
    }
    const { way } = item
    if (item.kind === 'leaves') {
      const at = this.#leaving.get(way.packet) ?? this.#rowFor(`end at ${way.from}`, item.t)
      this.#leaving.set(way.packet, at)
      if (way.packet.arrived === undefined) this.arrows.push({ ...way, leaves: at })
      return
    }
    const leaves = this.#leaving.get(way.packet) ?? 0
    if (leaves === this.rows.length - 1) this.#taken.add('everything') // an arrow leads downwards
    this.arrows.push({ ...way, leaves, arrives: this.#rowFor(`end at ${way.to}`, item.t) })
  }

  #rowFor(slot: string, t: number): number {
    const last = this.rows.at(-1)
    const isFree = last !== undefined && t - last.t <= TOGETHER_MS && !this.#taken.has(slot) && !this.#taken.has('everything')
    if (!isFree) {
      this.rows.push({ kind: 'moment', t, beside: [] })
      this.#taken = new Set()
    }
    this.#taken.add(slot)
    return this.rows.length - 1
  }
}

/** Packets whose first byte was sent before, by the same end of the same connection. */
function sentAgain(events: readonly TraceEvent[]): ReadonlySet<TracedPacket> {
  const seen = new Set<string>()
  const again = new Set<TracedPacket>()
  for (const { side, packet } of events) {
    if (packet?.sequence === undefined || !takesRoom(packet)) continue
    const key = `${side} ${packet.ports?.join(' ')} ${packet.sequence}`
    if (seen.has(key)) again.add(packet)
    seen.add(key)
  }
  return again
}

/** In the space of sequence numbers. RFC 9293, 3.4 */
const takesRoom = ({ length, flags = [] }: TracedPacket): boolean => length > 0 || flags.includes('SYN') || flags.includes('FIN')

function thinned(events: readonly TraceEvent[], again: ReadonlySet<TracedPacket>): (TraceEvent | Gap)[] {
  if (events.length <= MOST) return [...events]
  const kept = events.map(({ kind }, at) => kind === 'intent' || at < FIRST || at >= events.length - LAST)
  let room = MOST - kept.filter(Boolean).length
  for (const [at, { packet }] of events.entries()) {
    if (packet === undefined || !isRemarkable(packet, again)) continue
    for (let near = at - AROUND; near <= at + AROUND && room > 0; near++) {
      if (kept[near] !== false) continue
      kept[near] = true
      room--
    }
  }
  const entries: (TraceEvent | Gap)[] = []
  let left: TraceEvent[] = []
  const close = () => {
    const [first] = left
    if (first !== undefined)
      entries.push({
        kind: 'gap',
        t: first.t,
        packets: left.filter(({ packet }) => packet !== undefined).length,
        others: left.filter(({ packet }) => packet === undefined).length,
      })
    left = []
  }
  for (const [at, event] of events.entries()) {
    if (kept[at] !== true) {
      left.push(event)
      continue
    }
    close()
    entries.push(event)
  }
  close()
  return entries
}

const isRemarkable = (packet: TracedPacket, again: ReadonlySet<TracedPacket>): boolean =>
  packet.fate !== 'delivered' ||
  packet.kept === true ||
  again.has(packet) ||
  (packet.flags ?? []).some((flag) => flag === 'SYN' || flag === 'FIN' || flag === 'RST')
