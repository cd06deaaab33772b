/**
 * What rdt 2.1, 2.2 and 3.0 have in common: one packet at a time, numbered 0 and 1 by turns. Kurose and Ross, figures
 * 3.11 to 3.15
 */
import type { Channel, Protocol, Receiver, Sender } from './machine.js'
import type { Segment } from './segment.js'

type Bit = 0 | 1
const other = (bit: Bit): Bit => (bit === 0 ? 1 : 0)

/** The sender's four states. The protocols differ in what they do about an answer. */
export class AlternatingSender implements Sender {
  #state: `wait for ${'call' | 'answer'} ${Bit}` = 'wait for call 0'
  #sequence: Bit = 0
  #packet: Segment = { kind: 'data' }
  readonly #channel: Pick<Channel, 'send'>
  readonly #answered: (answer: Segment | undefined, sender: AlternatingSender) => void

  /** `answered` is called where an answer is waited for. */
  constructor(channel: Pick<Channel, 'send'>, answered: (answer: Segment | undefined, sender: AlternatingSender) => void) {
    this.#channel = channel
    this.#answered = answered
  }

  get ready(): boolean {
    return this.#state.startsWith('wait for call')
  }

  get idle(): boolean {
    return this.ready
  }

  /** Of the packet that is under way. */
  get sequence(): Bit {
    return this.#sequence
  }

  send(data: string): void {
    this.#packet = { kind: 'data', sequence: this.#sequence, data }
    this.#channel.send(this.#packet)
    this.#state = `wait for answer ${this.#sequence}`
  }

  receive(answer: Segment | undefined): void {
    if (!this.ready) this.#answered(answer, this)
  }

  sendAgain(): void {
    this.#channel.send(this.#packet)
  }

  /** The packet was acknowledged. */
  advance(): void {
    this.#sequence = other(this.#sequence)
    this.#state = `wait for call ${this.#sequence}`
  }
}

/** The receiver's two states, each a number that it expects; `answer` is called with what came and the number that it got last. */
export function alternatingReceiver(
  deliver: Parameters<Protocol['receiver']>[1],
  answer: (packet: Segment | undefined, last: Bit) => void,
): Receiver {
  let expected: Bit = 0
  return {
    receive(packet) {
      if (packet?.sequence === expected) {
        deliver(packet.data ?? '')
        expected = other(expected)
      }
      answer(packet, other(expected))
    },
  }
}
