/** What the messages of a trial hold, so that a wrong, lost, repeated or reordered one is told from the right one. */

import { equalLongs, LongViews } from '../core/long-views.js'

const SLOTS = 4
/** A sequence number. */
export const HEADER_BYTES = 4
/** Above this, one memcmp beats a loop. */
const LOOP_BYTES = 128

/** A receiver saw something else than what was sent. */
export class WrongMessage extends Error {}

/** One message, and what is written and compared of it by the word. */
class Slot {
  readonly data: Uint8Array
  readonly longs: BigInt64Array
  readonly #view: DataView
  readonly #header: number

  constructor(bytes: number, slot: number) {
    const memory = new ArrayBuffer(bytes)
    this.data = new Uint8Array(memory)
    this.longs = new BigInt64Array(memory, 0, bytes >> 3)
    this.#view = new DataView(memory)
    this.#header = Math.min(HEADER_BYTES, bytes)
    for (let i = 0; i < bytes; i++) this.data[i] = (i * 31 + (i >> 8) * 17 + slot * 64 + 7) & 0xff
  }

  number(sequence: number): void {
    if (this.#header === HEADER_BYTES) this.#view.setUint32(0, sequence, true)
    else for (let i = 0; i < this.#header; i++) this.data[i] = sequence >>> (8 * i)
  }
}

/**
 * Messages of one size: a little-endian sequence number of up to four bytes, then bytes in which
 * neighbouring messages differ everywhere. With less than four bytes the number wraps, and with none
 * messages can only be counted.
 */
export class Pattern {
  readonly bytes: number
  readonly #slots: readonly Slot[]
  readonly #views = new LongViews()
  /** Where what comes in memory of its own is compared by the word. */
  readonly #copy: Uint8Array
  readonly #copied: BigInt64Array

  constructor(bytes: number) {
    this.bytes = bytes
    this.#slots = Array.from({ length: SLOTS }, (_, slot) => new Slot(bytes, slot))
    const memory = new ArrayBuffer(bytes)
    this.#copy = new Uint8Array(memory)
    this.#copied = new BigInt64Array(memory, 0, bytes >> 3)
  }

  /** The message with this number. Its memory serves again for the fourth message after it. */
  message(sequence: number): Uint8Array {
    return this.#numbered(sequence).data
  }

  /** Throws `WrongMessage` unless `data` is, byte for byte, the message with this number. */
  check(data: Uint8Array, sequence: number): void {
    if (!this.#equal(data, this.#numbered(sequence))) throw new WrongMessage(this.#diagnose(data, sequence))
  }

  #numbered(sequence: number): Slot {
    const slot = this.#slots[sequence & (SLOTS - 1)] as Slot
    slot.number(sequence)
    return slot
  }

  #equal(data: Uint8Array, right: Slot): boolean {
    const length = this.bytes
    if (data.length !== length) return false
    if (length > LOOP_BYTES) return Buffer.compare(data, right.data) === 0
    if ((length & 7) !== 0) {
      for (let i = 0; i < length; i++) if (data[i] !== right.data[i]) return false
      return true
    }
    const longs = this.#views.of(data)
    if (longs.length > 0) return equalLongs(longs, right.longs)
    this.#copy.set(data)
    return equalLongs(this.#copied, right.longs)
  }

  /** The number that a message claims; whether it is that message, `check` says. */
  sequenceOf(data: Uint8Array): number {
    let sequence = 0
    for (let i = 0; i < Math.min(HEADER_BYTES, this.bytes, data.length); i++) sequence |= (data[i] as number) << (8 * i)
    return sequence >>> 0
  }

  #diagnose(data: Uint8Array, sequence: number): string {
    if (data.length !== this.bytes) return `message ${sequence} arrived with ${data.length} bytes instead of ${this.bytes}`
    const claimed = this.sequenceOf(data)
    const expected = this.sequenceOf(this.message(sequence))
    if (claimed !== expected && this.#equal(data, this.#numbered(claimed)))
      return `message ${claimed} arrived instead of ${expected}: ${claimed > expected ? 'lost or overtaken' : 'repeated or late'}`
    const right = this.message(sequence)
    return `message ${sequence} arrived with a wrong byte at ${data.findIndex((byte, i) => byte !== right[i])} of ${this.bytes}`
  }
}
