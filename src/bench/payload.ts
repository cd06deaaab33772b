/** What the messages of a trial hold, so that a wrong, lost, repeated or reordered one is told from the right one. */

const SLOTS = 4
/** A sequence number. */
export const HEADER_BYTES = 4
/** Above this, one memcmp beats a loop. */
const LOOP_BYTES = 128

/** A receiver saw something else than what was sent. */
export class WrongMessage extends Error {}

/**
 * Messages of one size: a little-endian sequence number of up to four bytes, then bytes in which
 * neighbouring messages differ everywhere. With less than four bytes the number wraps, and with none
 * messages can only be counted.
 */
export class Pattern {
  readonly bytes: number
  readonly #header: number
  readonly #slots: readonly Uint8Array[]

  constructor(bytes: number) {
    this.bytes = bytes
    this.#header = Math.min(HEADER_BYTES, bytes)
    this.#slots = Array.from({ length: SLOTS }, (_, slot) => {
      const data = new Uint8Array(bytes)
      for (let i = 0; i < bytes; i++) data[i] = (i * 31 + (i >> 8) * 17 + slot * 64 + 7) & 0xff
      return data
    })
  }

  /** The message with this number. Its memory serves again for the fourth message after it. */
  message(sequence: number): Uint8Array {
    const data = this.#slots[sequence % SLOTS] as Uint8Array
    for (let i = 0; i < this.#header; i++) data[i] = sequence >>> (8 * i)
    return data
  }

  /** Throws `WrongMessage` unless `data` is, byte for byte, the message with this number. */
  check(data: Uint8Array, sequence: number): void {
    if (!equal(data, this.message(sequence))) throw new WrongMessage(this.#diagnose(data, sequence))
  }

  /** The number that a message claims; whether it is that message, `check` says. */
  sequenceOf(data: Uint8Array): number {
    let sequence = 0
    for (let i = 0; i < Math.min(this.#header, data.length); i++) sequence |= (data[i] as number) << (8 * i)
    return sequence >>> 0
  }

  #diagnose(data: Uint8Array, sequence: number): string {
    if (data.length !== this.bytes) return `message ${sequence} arrived with ${data.length} bytes instead of ${this.bytes}`
    const claimed = this.sequenceOf(data)
    const expected = this.sequenceOf(this.message(sequence))
    if (claimed !== expected && equal(data, this.message(claimed)))
      return `message ${claimed} arrived instead of ${expected}: ${claimed > expected ? 'lost or overtaken' : 'repeated or late'}`
    const right = this.message(sequence)
    return `message ${sequence} arrived with a wrong byte at ${data.findIndex((byte, i) => byte !== right[i])} of ${this.bytes}`
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  if (a.length > LOOP_BYTES) return Buffer.compare(a, b) === 0
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
