/** Payloads that a mechanism takes: text, a word of four bytes, or an event without bytes. */
import type { Capabilities } from 'ipc-playground'

const WORD = 4

export function payload({ payload: { max } }: Capabilities, number: number, text: string): Uint8Array {
  if (max === 0) return new Uint8Array(0)
  if (max > WORD) return new TextEncoder().encode(text)
  const word = new Uint8Array(WORD)
  new DataView(word.buffer).setInt32(0, number, true)
  return word
}

export function described({ payload: { max } }: Capabilities, bytes: Uint8Array): string {
  if (max === 0) return 'an event without bytes'
  if (max > WORD) return `'${new TextDecoder().decode(bytes)}'`
  return `the word ${new DataView(bytes.buffer, bytes.byteOffset).getInt32(0, true)}`
}
