/** Short messages are copied word by word: a call that copies them costs more, and so does a view. */

/**
 * A caller's buffer as 32-bit words, remembered as long as the same view comes again: making a view costs
 * more than copying a small message.
 */
export class WordView {
  #of: Uint8Array | undefined
  #length = -1
  #words: Int32Array | undefined

  /** undefined for a view seen for the first time, or not aligned. */
  over(data: Uint8Array): Int32Array | undefined {
    if (data === this.#of && data.length === this.#length) {
      if (this.#words === undefined && (data.byteOffset & 3) === 0)
        this.#words = new Int32Array(data.buffer, data.byteOffset, data.length >> 2)
      return this.#words
    }
    this.#of = data
    this.#length = data.length
    this.#words = undefined
    return undefined
  }
}

/** Four at a time: a third faster than one. */
export function copyWords(from: Int32Array, at: number, to: Int32Array, start: number, count: number): void {
  const end = at + count
  for (; at + 4 <= end; at += 4, start += 4) {
    to[start] = from[at] as number
    to[start + 1] = from[at + 1] as number
    to[start + 2] = from[at + 2] as number
    to[start + 3] = from[at + 3] as number
  }
  for (; at < end; at++, start++) to[start] = from[at] as number
}
