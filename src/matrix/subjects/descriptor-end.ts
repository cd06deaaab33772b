/** An end that is a descriptor: of a pipe, a socket, a queue of POSIX. */
import type { Actor } from '../../stage/actor.js'
import { type Call, call, type Payload } from '../../stage/call.js'
import { K } from '../../stage/constants.js'
import { type End, ROOM } from './subject.js'

type Send = (fd: number, payload: Payload) => Call
type Receive = (fd: number, room: number) => Call

const write: Send = (fd, payload) => call('write', fd, payload)
const read: Receive = (fd, room) => call('read', fd, room)

/** A send that fails, rather than to end the process with SIGPIPE. */
export const sendQuietly: Send = (fd, payload) => call('send', fd, payload, K.MSG_NOSIGNAL)

export class DescriptorEnd implements End {
  readonly actor: Actor
  readonly fd: number
  readonly #send: Send
  readonly #receive: Receive

  constructor(actor: Actor, fd: number, send: Send = write, receive: Receive = read) {
    this.actor = actor
    this.fd = fd
    this.#send = send
    this.#receive = receive
  }

  send(payload: Payload): Call {
    return this.#send(this.fd, payload)
  }

  receive(room = ROOM): Call {
    return this.#receive(this.fd, room)
  }

  /** Of a pipe and a socket the flag belongs to the open file description. */
  async waits(on: boolean): Promise<void> {
    await this.actor.must(call('fcntl', this.fd, K.F_SETFL, on ? { text: '0', value: 0 } : K.O_NONBLOCK))
  }

  async close(): Promise<void> {
    await this.actor.must(call('close', this.fd))
  }
}
