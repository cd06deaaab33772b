/** Follows the TCP sockets of a network by looking again and again, and writes down how their states change. */
import type { Recorder } from './recorder.js'
import { type TcpRow, type TcpState, tcpRows } from './tcp-state.js'

const LOOK_MS = 1
const PATIENCE_MS = 10_000

/** What is known of a socket by its two addresses. */
const nameOf = ({ local, remote }: TcpRow): string => `${local} ${remote}`

interface Followed {
  readonly name: string
  readonly value: (row: TcpRow) => number | undefined
  last: number | undefined
}

const describe = ({ local, remote, state }: TcpRow): string => `${local} ${remote} ${state}`

export class TcpWatch {
  readonly #known = new Map<string, TcpState>()
  readonly #pid: number
  readonly #address: string
  readonly #side: string
  readonly #recorder: Recorder
  readonly #timer: NodeJS.Timeout
  readonly #followed: Followed[] = []
  #rows: readonly TcpRow[] = []
  #wake: (() => void)[] = []
  #failure: unknown

  /** `pid`: any process that lives in the network; `address`: whose sockets are meant. */
  constructor(pid: number, side: string, address: string, recorder: Recorder) {
    this.#pid = pid
    this.#address = address
    this.#side = side
    this.#recorder = recorder
    this.#timer = setInterval(() => this.look(), LOOK_MS)
    this.#timer.unref()
  }

  /** From now on writes a sample whenever the number changes that `value` finds in a row. */
  follow(name: string, value: (row: TcpRow) => number | undefined): void {
    this.#followed.push({ name, value, last: undefined })
  }

  /** As they were at the last look. */
  get rows(): readonly TcpRow[] {
    return this.#rows
  }

  look(): void {
    try {
      this.#rows = tcpRows(this.#pid).filter(({ local }) => local.startsWith(`${this.#address}:`) || local.startsWith('0.0.0.0:'))
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
    for (const followed of this.#followed) this.#sample(followed)
    for (const wake of this.#wake.splice(0)) wake()
  }

  /** Settles with the first row that `wanted` accepts. @throws Error after `patienceMs` */
  async until(what: string, wanted: (row: TcpRow) => boolean, patienceMs = PATIENCE_MS): Promise<TcpRow> {
    return this.#awaited(`${what} was not seen`, () => this.#rows.find(wanted), patienceMs)
  }

  /** Settles when no row is accepted by `unwanted` any more. @throws Error after `patienceMs` */
  async gone(what: string, unwanted: (row: TcpRow) => boolean, patienceMs = PATIENCE_MS): Promise<void> {
    await this.#awaited(`${what} did not go`, () => (this.#rows.some(unwanted) ? undefined : true), patienceMs)
  }

  async #awaited<T>(failure: string, see: () => T | undefined, patienceMs: number): Promise<T> {
    const end = performance.now() + patienceMs
    for (;;) {
      const seen = see()
      if (seen !== undefined) return seen
      if (this.#failure !== undefined) throw this.#failure
      if (performance.now() > end)
        throw new Error(`${failure} at ${this.#side}; there: ${this.#rows.map(describe).join(', ') || 'no socket'}`)
      await new Promise<void>((resolve) => this.#wake.push(resolve))
    }
  }

  close(): void {
    clearInterval(this.#timer)
    for (const wake of this.#wake.splice(0)) wake()
  }

  #sample(followed: Followed): void {
    const value = this.#rows.map(followed.value).find((found) => found !== undefined)
    if (value === undefined || value === followed.last) return
    followed.last = value
    this.#recorder.write({ side: this.#side, sample: { name: followed.name, value } })
  }

  #note(socket: string, to: TcpState): void {
    const from = this.#known.get(socket)
    if (from === to) return
    if (to === 'CLOSE') this.#known.delete(socket)
    else this.#known.set(socket, to)
    this.#recorder.write({ side: this.#side, state: { socket, ...(from === undefined ? {} : { from }), to } })
  }
}
