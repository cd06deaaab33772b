/** One end of a connection that speaks HTTP/1.1 by hand: it sends what it is told to, true or not, and shows what comes. */
import type { Lab } from '../../../src/lab/lab.js'
import { otherSide, type Side } from '../../../src/lab/packet.js'
import { inetAddress, timeval } from '../../../src/matrix/subjects/sockets.js'
import type { Actor } from '../../../src/stage/actor.js'
import { call } from '../../../src/stage/call.js'
import { K } from '../../../src/stage/constants.js'

const PATIENCE_MS = 10_000
const ROOM = 1 << 16

export class RawHttp {
  readonly #lab: Lab
  readonly #side: Side
  readonly #actor: Actor
  readonly #fd: number
  #heard = ''

  private constructor(lab: Lab, side: Side, actor: Actor, fd: number) {
    this.#lab = lab
    this.#side = side
    this.#actor = actor
    this.#fd = fd
  }

  /** A new connection from A. */
  static async connect(lab: Lab, actor: Actor, address: string, port: number): Promise<RawHttp> {
    const fd = await lab.stage.story.hush(async () => {
      const { result } = await actor.must(call('socket', K.AF_INET, K.SOCK_STREAM, 0))
      await actor.must(call('setsockopt', result, K.SOL_SOCKET, K.SO_RCVTIMEO, timeval(PATIENCE_MS)))
      await actor.must(call('connect', result, inetAddress(address, port)))
      return result
    })
    return new RawHttp(lab, 'A', actor, fd)
  }

  /** The next connection that comes to a listener of B. */
  static async accept(lab: Lab, actor: Actor, listening: number): Promise<RawHttp> {
    const { result: fd } = await lab.stage.story.hush(async () => {
      await actor.must(call('setsockopt', listening, K.SOL_SOCKET, K.SO_RCVTIMEO, timeval(PATIENCE_MS)))
      return actor.must(call('accept', listening, 0))
    })
    return new RawHttp(lab, 'B', actor, fd)
  }

  async send(...lines: readonly string[]): Promise<void> {
    const text = lines.join('\r\n')
    this.#show('action', `sends ${shown(text)}`)
    this.#trace(this.#side, text)
    await this.#lab.stage.story.hush(() => this.#actor.must(call('send', this.#fd, text, K.MSG_NOSIGNAL)))
  }

  /** Receives until all of `wanted` has come, or the end; answers what came. */
  async receive(wanted?: string): Promise<string> {
    while (wanted === undefined || !this.#heard.includes(wanted)) {
      const { result, text } = await this.#lab.stage.story.hush(() => this.#actor.must(call('recv', this.#fd, ROOM, 0)))
      if (result === 0) break
      this.#heard += text
    }
    const heard = this.#heard
    this.#heard = ''
    this.#show('observation', shown(heard) || 'the end')
    this.#trace(otherSide(this.#side), heard)
    return heard
  }

  /** Nothing more will be sent. */
  async finish(): Promise<void> {
    await this.#actor.must(call('shutdown', this.#fd, K.SHUT_WR))
  }

  async close(): Promise<void> {
    await this.#lab.stage.story.hush(() => this.#actor.must(call('close', this.#fd)))
  }

  #show(kind: 'action' | 'observation', text: string): void {
    this.#lab.stage.story.tell({ kind, text, role: this.#actor.role, pid: this.#actor.pid })
  }

  #trace(side: Side, text: string): void {
    for (const [line] of text.matchAll(/^(?:[A-Z]+ \/.* HTTP\/1\.1|HTTP\/1\.1 \d.*)(?=\r)/gm))
      this.#lab.recorder.write({ side, message: { protocol: 'http/1.1', text: line } })
  }
}

/** As it is, with its line ends to be seen. */
const shown = (text: string): string => text.replaceAll('\r\n', ' ⏎ ').replaceAll('\n', '\\n').trim()
