/** The ways that the connections of a trace went through TCP's states. Pure. */
import type { TcpState } from '../lab/tcp-state.js'
import type { Trace } from '../lab/trace.js'

export interface Transition {
  readonly t: number
  readonly from: TcpState
  readonly to: TcpState
}

/** One end of a connection. */
export interface End {
  readonly side: string
  /** Own address, then the other's. */
  readonly socket: string
  /** Those of its listener first. */
  readonly transitions: readonly Transition[]
}

/** A connection whose ends went as those of so many others, which came later. */
export interface Connection {
  readonly ends: readonly End[]
  readonly alike: number
}

const NOBODY = '0.0.0.0:0'

/** One connection for each way that there was; those of which next to nothing was seen are left out. */
export function connectionsOf({ events }: Trace): readonly Connection[] {
  const ends = new Map<string, { side: string; socket: string; transitions: Transition[] }>()
  for (const { t, side = '', state } of events) {
    if (state === undefined) continue
    const key = `${side} ${state.socket}`
    const end = ends.get(key) ?? { side, socket: state.socket, transitions: [] }
    end.transitions.push({ t, from: state.from ?? 'CLOSE', to: state.to })
    ends.set(key, end)
  }
  const listeners = [...ends.values()].filter(({ socket }) => remoteOf(socket) === NOBODY)
  const pairs = new Map<string, End[]>()
  for (const end of ends.values()) {
    if (remoteOf(end.socket) === NOBODY) continue
    const key = end.socket.split(' ').sort().join(' ')
    pairs.set(key, [...(pairs.get(key) ?? []), withListener(end, listeners)])
  }
  const ways = new Map<string, Connection>()
  for (const pair of pairs.values()) {
    if (pair.reduce((count, { transitions }) => count + transitions.length, 0) < LEAST) continue
    pair.sort((a, b) => a.side.localeCompare(b.side))
    const way = pair.map(wayOf).join('; ')
    const known = ways.get(way)
    ways.set(way, known === undefined ? { ends: pair, alike: 0 } : { ...known, alike: known.alike + 1 })
  }
  return [...ways.values()]
}

/** Fewer transitions show nothing of the diagram. */
const LEAST = 3

const localOf = (socket: string): string => socket.split(' ')[0] ?? ''
const remoteOf = (socket: string): string => socket.split(' ')[1] ?? ''
const wayOf = ({ side, transitions }: End): string => `${side} ${transitions.map(({ from, to }) => `${from} ${to}`).join(', ')}`

/** A socket that a listener made came from LISTEN, and so did its state. */
function withListener(end: End, listeners: readonly End[]): End {
  const [first, ...rest] = end.transitions
  if (first === undefined || first.from !== 'CLOSE' || first.to === 'SYN_SENT') return end
  const port = localOf(end.socket).split(':')[1]
  const opened = listeners
    .filter(({ side, socket }) => side === end.side && [localOf(end.socket), `0.0.0.0:${port}`].includes(localOf(socket)))
    .flatMap(({ transitions }) => transitions.filter(({ t, to }) => to === 'LISTEN' && t <= first.t))
    .at(-1)
  return opened === undefined ? end : { ...end, transitions: [opened, { ...first, from: 'LISTEN' }, ...rest] }
}
