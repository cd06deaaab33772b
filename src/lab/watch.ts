/** Follows the TCP sockets of a network by looking again and again, and writes down how their states change. */
import type { Side } from './packet.js'
import type { Recorder } from './recorder.js'
import { type TcpRow, type TcpState, tcpRows } from './tcp-state.js'

const LOOK_MS = 1

/** What is known of a socket by its two addresses. */
const nameOf = ({ local, remote }: TcpRow): string => `${local} ${remote}`

export class TcpWatch {
  readonly #known = new Map<string, TcpState>()
  readonly #pid: number
  readonly #side: Side
  readonly #recorder: Recorder
  readonly #timer: NodeJS.Timeout
  #rows: readonly TcpRow[] = []
  #wake: (() => void)[] = []
  #failure: unknown

  /** `pid`: any process that lives in the network. */
  constructor(pid: number, side: Side, recorder: Recorder) {
    this.#pid = pid
    this.#side = side
    this.#recorder = recorder
    this.#timer = setInterval(() => this.look(), LOOK_MS)
    this.#timer.unref()
  }

  /** As they were at the last look. */
  get rows(): readonly TcpRow[] {
    return this.#rows
  }

  look(): void {
    try {
      this.#rows = tcpRows(this.#pid)
    } catch (error) {
      this.#failure = error
    }
    const seen = new Set<string>()
    for (const row of this.#rows) {
      const socket = nameOf(row)
      seen.add(socket)
      this.#note(socket, row.state)
    }
    for (const socket of [...this.#known.keys()]) if (!seen.has(socket)) this.#note(socket, 'CLOSE')
    for (const wake of this.#wake.splice(0)) wake()
  }

  /** Settles with the first row that `wanted` accepts. @throws Error after `patienceMs` */
  async until(what: string, wanted: (row: TcpRow) => boolean, patienceMs = 10_000): Promise<TcpRow> {
    const end = performance.now() + patienceMs
    for (;;) {
      const found = this.#rows.find(wanted)
      if (found !== undefined) return found
      if (this.#failure !== undefined) throw this.#failure
      if (performance.now() > end)
        throw new Error(
          `${what} was not seen at ${this.#side}; there: ${this.#rows.map(({ local, remote, state }) => `${local} ${remote} ${state}`).join(', ') || 'no socket'}`,
        )
      await new Promise<void>((resolve) => this.#wake.push(resolve))
    }
  }

  close(): void {
    clearInterval(this.#timer)
    for (const wake of this.#wake.splice(0)) wake()
  }

  #note(socket: string, to: TcpState): void {
    const from = this.#known.get(socket)
    if (from === to) return
    if (to === 'CLOSE') this.#known.delete(socket)
    else this.#known.set(socket, to)
    this.#recorder.write({ side: this.#side, state: { socket, ...(from === undefined ? {} : { from }), to } })
  }
}
