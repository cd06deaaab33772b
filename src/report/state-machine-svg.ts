/** TCP's states as RFC 9293 draws them in figure 5, with what was seen of them lit. Its colours are the page's. */
import type { TcpState } from '../lab/tcp-state.js'
import { escapeHtml } from './escape.js'
import type { Connection, End } from './state-paths.js'
import { arrow, element, formatTime, type Point, text } from './svg.js'

/** CLOSED stands at the top, where a connection comes from, and at the bottom, where it goes. */
type Place = TcpState | 'CLOSED_AGAIN'

const [LEFT, MIDDLE, RIGHT] = [72, 290, 508]
const PLACES: Readonly<Record<Place, Point>> = {
  CLOSE: { x: MIDDLE, y: 30 },
  LISTEN: { x: MIDDLE, y: 120 },
  SYN_RECV: { x: LEFT, y: 210 },
  SYN_SENT: { x: RIGHT, y: 210 },
  ESTABLISHED: { x: MIDDLE, y: 300 },
  FIN_WAIT1: { x: LEFT, y: 390 },
  CLOSE_WAIT: { x: RIGHT, y: 390 },
  FIN_WAIT2: { x: LEFT, y: 490 },
  CLOSING: { x: MIDDLE, y: 490 },
  LAST_ACK: { x: RIGHT, y: 490 },
  TIME_WAIT: { x: MIDDLE, y: 580 },
  CLOSED_AGAIN: { x: RIGHT, y: 580 },
}
const [WIDTH, HEIGHT] = [580, 612]
const BOX = { width: 112, height: 32 }

interface Edge {
  readonly from: Place
  readonly to: Place
  /** The event that causes it / what is sent. */
  readonly cause: string
  /** Beside its middle. */
  readonly label: Point
  readonly anchor?: 'middle' | 'end'
  /** Not in the figure itself but in its notes: drawn where it was seen. */
  readonly rare?: true
}

/** RFC 9293, figure 5; those that a passive open takes stand before those of an active one. */
const EDGES: readonly Edge[] = [
  { from: 'CLOSE', to: 'LISTEN', cause: 'passive open', label: { x: -14, y: 0 }, anchor: 'end' },
  { from: 'LISTEN', to: 'CLOSE', cause: 'close', label: { x: 14, y: 18 } },
  { from: 'CLOSE', to: 'SYN_SENT', cause: 'active open / SYN', label: { x: 16, y: -18 } },
  { from: 'SYN_SENT', to: 'CLOSE', cause: 'close', label: { x: 78, y: 42 } },
  { from: 'LISTEN', to: 'SYN_RECV', cause: 'SYN / SYN ACK', label: { x: -18, y: -8 }, anchor: 'end' },
  { from: 'LISTEN', to: 'SYN_SENT', cause: 'send / SYN', label: { x: -26, y: 16 }, anchor: 'end' },
  { from: 'SYN_SENT', to: 'SYN_RECV', cause: 'SYN / SYN ACK (both opened)', label: { x: 0, y: 15 }, anchor: 'middle' },
  { from: 'SYN_RECV', to: 'ESTABLISHED', cause: 'ACK of SYN', label: { x: -18, y: 14 }, anchor: 'end' },
  { from: 'SYN_SENT', to: 'ESTABLISHED', cause: 'SYN ACK / ACK', label: { x: 18, y: 14 } },
  { from: 'SYN_RECV', to: 'FIN_WAIT1', cause: 'close / FIN', label: { x: 10, y: 24 } },
  { from: 'ESTABLISHED', to: 'FIN_WAIT1', cause: 'close / FIN', label: { x: 0, y: 24 } },
  { from: 'ESTABLISHED', to: 'CLOSE_WAIT', cause: 'FIN / ACK', label: { x: 18, y: -8 } },
  { from: 'FIN_WAIT1', to: 'FIN_WAIT2', cause: 'ACK of FIN', label: { x: 10, y: 4 } },
  { from: 'FIN_WAIT1', to: 'CLOSING', cause: 'FIN / ACK', label: { x: 16, y: -4 } },
  { from: 'FIN_WAIT2', to: 'TIME_WAIT', cause: 'FIN / ACK', label: { x: -14, y: 18 }, anchor: 'end' },
  { from: 'CLOSING', to: 'TIME_WAIT', cause: 'ACK of FIN', label: { x: 10, y: 4 } },
  { from: 'FIN_WAIT1', to: 'TIME_WAIT', cause: 'FIN ACK', label: { x: 9, y: 15 }, anchor: 'end', rare: true },
  { from: 'SYN_RECV', to: 'LISTEN', cause: 'RST', label: { x: 18, y: 16 }, rare: true },
  { from: 'CLOSE_WAIT', to: 'LAST_ACK', cause: 'close / FIN', label: { x: -10, y: 4 }, anchor: 'end' },
  { from: 'LAST_ACK', to: 'CLOSED_AGAIN', cause: 'ACK of FIN', label: { x: -10, y: 4 }, anchor: 'end' },
  { from: 'TIME_WAIT', to: 'CLOSED_AGAIN', cause: 'after 2 MSL', label: { x: 0, y: -7 }, anchor: 'middle' },
]

/** What one end did on an edge. */
interface Passed {
  readonly end: number
  readonly t: number
  /** It was between two looks: nobody saw it, but there is no other way. */
  readonly unseen: boolean
}

export function renderStateMachine({ ends }: Connection, title: string): string {
  const passed = new Map<Edge, Passed[]>()
  const resets: { readonly from: TcpState; readonly end: number; readonly t: number }[] = []
  const visits = new Map<Place, Set<number>>()
  for (const [end, { transitions }] of ends.entries()) {
    for (const { t, from, to } of transitions) {
      const way = wayBetween(from, to)
      for (const edge of way ?? []) {
        passed.set(edge, [...(passed.get(edge) ?? []), { end, t, unseen: way?.length !== 1 }])
        for (const place of [edge.from, edge.to]) visits.set(place, (visits.get(place) ?? new Set()).add(end))
      }
      if (way === undefined) resets.push({ from, end, t })
    }
  }
  const edges = EDGES.filter((edge) => edge.rare !== true || passed.has(edge))
  return element(
    'svg',
    { class: 'machine', width: WIDTH, height: HEIGHT, viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': title },
    ...edges.map((edge) => renderWay(edge, passed.get(edge) ?? [])),
    ...resets.map(renderReset),
    ...edges.map((edge) => renderLabel(edge, passed.get(edge) ?? [])),
    ...(Object.keys(PLACES) as Place[]).map((place) => renderPlace(place, [...(visits.get(place) ?? [])].sort())),
  )
}

/** The edges from one state to another, the fewest there are; undefined: none, so it was closed at once, by a reset or for good. */
function wayBetween(from: TcpState, to: TcpState): readonly Edge[] | undefined {
  const goal = (place: Place) => place === to || (to === 'CLOSE' && place === 'CLOSED_AGAIN')
  const direct = EDGES.find((edge) => edge.from === from && goal(edge.to))
  if (direct !== undefined) return [direct]
  if (to === 'CLOSE') return undefined
  const seen = new Set<Place>([from])
  let ways: (readonly Edge[])[] = [[]]
  while (ways.length > 0) {
    const longer = ways.flatMap((way) =>
      EDGES.filter((edge) => edge.from === (way.at(-1)?.to ?? from) && !seen.has(edge.to)).map((edge) => [...way, edge]),
    )
    const found = longer.find((way) => goal(way.at(-1)?.to ?? from))
    if (found !== undefined) return found
    for (const way of longer) seen.add(way.at(-1)?.to ?? from)
    ways = longer
  }
  return undefined
}

const PARALLEL = 7
const BESIDE = 2.5

function renderWay(edge: Edge, passed: readonly Passed[]): string {
  const [a, b] = [PLACES[edge.from], PLACES[edge.to]]
  const isTwoWay = edge.rare === true || EDGES.some((other) => other.from === edge.to && other.to === edge.from && other.rare !== true)
  const shift = isTwoWay ? PARALLEL : 0
  const each = onceEach(passed)
  const lines = each.map(({ end, unseen }, index) =>
    between(a, b, shift + (each.length > 1 ? BESIDE * (index === 0 ? -1 : 1) : 0), `way side-${end}${unseen ? ' unseen' : ''}`),
  )
  return element('g', { class: classOf(passed) }, ...(lines.length > 0 ? lines : [between(a, b, shift, 'way')]))
}

/** Its cause, and when it was passed. */
function renderLabel({ from, to, cause, label, anchor }: Edge, passed: readonly Passed[]): string {
  const [a, b] = [PLACES[from], PLACES[to]]
  const at = { x: (a.x + b.x) / 2 + label.x, y: (a.y + b.y) / 2 + label.y }
  const times = onceEach(passed).map(({ end, t }) => element('tspan', { class: `side-${end}` }, formatTime(t)))
  return element(
    'g',
    { class: classOf(passed) },
    text(at, cause, 'cause', anchor),
    times.length === 0
      ? ''
      : element('text', { x: at.x, y: at.y + (label.y < -5 ? -13 : 13), class: 'times', 'text-anchor': anchor }, times.join(' · '), ' ms'),
  )
}

const classOf = (passed: readonly Passed[]): string => `edge${passed.length > 0 ? ' lit' : ''}`

/** Of each end the last time. */
const onceEach = (passed: readonly Passed[]): readonly Passed[] => [...new Map(passed.map((one) => [one.end, one])).values()]

/** From the border of one box to that of the other, `shift` to the right of the line between their middles. */
function between(a: Point, b: Point, shift: number, name: string): string {
  const length = Math.hypot(b.x - a.x, b.y - a.y)
  const [dx, dy] = [(b.x - a.x) / length, (b.y - a.y) / length]
  const aside = { x: -dy * shift, y: dx * shift }
  const reach = Math.min(
    dx === 0 ? Number.POSITIVE_INFINITY : BOX.width / 2 / Math.abs(dx),
    dy === 0 ? Number.POSITIVE_INFINITY : BOX.height / 2 / Math.abs(dy),
  )
  return arrow(
    { x: a.x + dx * reach + aside.x, y: a.y + dy * reach + aside.y },
    { x: b.x - dx * (reach + 2) + aside.x, y: b.y - dy * (reach + 2) + aside.y },
    name,
  )
}

function renderReset({ from, end, t }: { readonly from: TcpState; readonly end: number; readonly t: number }): string {
  const { x, y } = PLACES[from]
  const aside = end === 0 ? -1 : 1
  const start = { x: x + aside * 10, y: y + BOX.height / 2 }
  const told = element('tspan', { class: `side-${end}` }, `closed ${formatTime(t)}`)
  const anchor = end === 0 ? 'end' : undefined
  return element(
    'g',
    { class: 'edge lit' },
    arrow(start, { x: start.x, y: start.y + 22 }, `way side-${end}`),
    element('text', { x: start.x + aside * 6, y: start.y + 28, class: 'times', 'text-anchor': anchor }, told, ' ms'),
  )
}

const NAMES: Readonly<Partial<Record<Place, string>>> = { CLOSE: 'CLOSED', CLOSED_AGAIN: 'CLOSED' }

function renderPlace(place: Place, ends: readonly number[]): string {
  const { x, y } = PLACES[place]
  return element(
    'g',
    { class: `place${ends.length > 0 ? ' lit' : ''}`, 'data-state': place },
    element('rect', { x: x - BOX.width / 2, y: y - BOX.height / 2, width: BOX.width, height: BOX.height, rx: 8 }),
    text({ x, y: y + 4.5 }, NAMES[place] ?? place, 'name', 'middle'),
    ...ends.map((end) =>
      element('circle', {
        cx: x + BOX.width / 2 - 10 - 11 * (ends.length - 1 - ends.indexOf(end)),
        cy: y - BOX.height / 2,
        r: 4.5,
        class: `side-${end}`,
      }),
    ),
  )
}

/** Which colour is whose. */
export const renderEnds = (ends: readonly End[]): string =>
  ends
    .map(({ side, socket }, end) => `<span class="end side-${end}">${escapeHtml(`${side} ${socket.split(' ')[0] ?? ''}`)}</span>`)
    .join(' ')
