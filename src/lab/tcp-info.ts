/** What the kernel tells of a connection by TCP_INFO: asked again and again, by a process that has its descriptor, too. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Actor } from '../stage/actor.js'
import { call } from '../stage/call.js'
import { K } from '../stage/constants.js'
import type { Side } from './packet.js'
import type { Recorder } from './recorder.js'

/** How its congestion control takes what happens, by number. linux/tcp.h, enum tcp_ca_state */
export const CONGESTION_STATES = ['Open', 'Disorder', 'CWR', 'Recovery', 'Loss'] as const
export type CongestionState = (typeof CONGESTION_STATES)[number]

export interface TcpInfo {
  readonly congestionState: CongestionState
  /** In segments. */
  readonly congestionWindow: number
  /** undefined: not known yet. */
  readonly slowStartThreshold: number | undefined
  /** Smoothed, in ms. RFC 6298 */
  readonly roundTripMs: number
  /** What the other end offered last, in bytes. */
  readonly sendWindow: number
}

/** As far as it is looked at. linux/tcp.h, struct tcp_info */
const INFO_BYTES = 232
const NO_THRESHOLD = 0x7fff_ffff

export function tcpInfoOf(bytes: Uint8Array): TcpInfo {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const threshold = view.getUint32(76, true)
  return {
    congestionState: CONGESTION_STATES[view.getUint8(1)] ?? 'Open',
    congestionWindow: view.getUint32(80, true),
    slowStartThreshold: threshold >= NO_THRESHOLD ? undefined : threshold,
    roundTripMs: Math.round(view.getUint32(68, true) / 1000),
    sendWindow: view.getUint32(228, true),
  }
}

const LOOK_MS = 1

/** What is written down of it: numbers by the names of their samples. */
export type Chosen = (info: TcpInfo) => Readonly<Record<string, number | undefined>>

/** Writes a sample of each chosen number whenever it changes; those of one look stand in the trace in their order. */
export class TcpInfoWatch {
  readonly #last = new Map<string, number>()
  readonly #side: Side
  readonly #chosen: Chosen
  readonly #recorder: Recorder
  readonly #over = new AbortController()
  readonly #watching: Promise<void>

  /** `observer` is asked for nothing else meanwhile. */
  constructor(observer: Actor, fd: number, side: Side, recorder: Recorder, chosen: Chosen) {
    this.#side = side
    this.#chosen = chosen
    this.#recorder = recorder
    this.#watching = this.#watch(observer, fd)
    this.#watching.catch(() => {}) // `close` says it
  }

  /** Looks for the last time. @throws ActorEnded where the observer did */
  async close(): Promise<void> {
    this.#over.abort()
    await this.#watching
  }

  async #watch(observer: Actor, fd: number): Promise<void> {
    let isLast = false
    do {
      isLast = this.#over.signal.aborted
      // Asked of the process itself: a look a millisecond is no step of the story.
      const { outcome } = observer.process.request(call('getsockopt', fd, K.IPPROTO_TCP, K.TCP_INFO, INFO_BYTES))
      for (const [name, value] of Object.entries(this.#chosen(tcpInfoOf((await outcome).bytes('value'))))) this.#sample(name, value)
      await pause(LOOK_MS)
    } while (!isLast)
  }

  #sample(name: string, value: number | undefined): void {
    if (value === undefined || value === this.#last.get(name)) return
    this.#last.set(name, value)
    this.#recorder.write({ side: this.#side, sample: { name, value } })
  }
}
