/** Callers' buffers as 64-bit words: what is copied or compared by the word takes a fraction of what it takes by the byte. */

const NONE = new BigInt64Array(0)
/** Who sends from, or receives into, a few buffers by turns has a view of each. */
const REMEMBERED = 4

class View {
  data: Uint8Array | undefined
  longs: BigInt64Array = NONE
  /** Seen once: it may never come again. */
  fresh = false
  next: View = this
}

/**
 * Remembers views by the identity of their buffer, because making one costs more than it saves on a short message,
 * and keeps those buffers from being collected as long as no others come.
 *
 * Of 64-bit words, because V8 moves and compares them without making a BigInt, and keeps every bit; a double might not
 * keep the bits of a NaN.
 */
export class LongViews {
  #last: View

  constructor() {
    const first = new View()
    let last = first
    for (let i = 1; i < REMEMBERED; i++) {
      const view = new View()
      view.next = first
      last.next = view
      last = view
    }
    this.#last = last
  }

  /** All whole words of `data`; none, with length 0, where it came for the first time, or is not aligned. */
  of(data: Uint8Array): BigInt64Array {
    let view = this.#last
    if (view.data !== data) {
      view = view.next.data === data ? view.next : this.#find(data)
      this.#last = view
    }
    const { longs } = view
    // A buffer may have been detached or resized since.
    return longs.length === data.length >> 3 ? longs : this.#renew(view, data)
  }

  #find(data: Uint8Array): View {
    const oldest = this.#last.next
    let view = oldest.next
    while (view !== oldest) {
      if (view.data === data) return view
      view = view.next
    }
    oldest.data = data
    oldest.longs = NONE
    oldest.fresh = true
    return oldest
  }

  #renew(view: View, data: Uint8Array): BigInt64Array {
    if (view.fresh || (data.byteOffset & 7) !== 0) {
      view.fresh = false
      return NONE
    }
    view.longs = new BigInt64Array(data.buffer, data.byteOffset, data.length >> 3)
    return view.longs
  }
}

/** Eight words in a row take half of what a loop over them does, and most messages are short. */
const STRAIGHT = 8

/** Copies the first `count` words of `from` to `to`, from `start` on. */
export function storeLongs(from: BigInt64Array, to: BigInt64Array, start: number, count: number): void {
  let i = 0
  if (count >= STRAIGHT) {
    to[start] = from[0] as bigint
    to[start + 1] = from[1] as bigint
    to[start + 2] = from[2] as bigint
    to[start + 3] = from[3] as bigint
    to[start + 4] = from[4] as bigint
    to[start + 5] = from[5] as bigint
    to[start + 6] = from[6] as bigint
    to[start + 7] = from[7] as bigint
    i = STRAIGHT
  }
  for (; i < count; i++) to[start + i] = from[i] as bigint
}

/** Copies `count` words of `from`, from `start` on, to the beginning of `to`. */
export function loadLongs(from: BigInt64Array, start: number, to: BigInt64Array, count: number): void {
  let i = 0
  if (count >= STRAIGHT) {
    to[0] = from[start] as bigint
    to[1] = from[start + 1] as bigint
    to[2] = from[start + 2] as bigint
    to[3] = from[start + 3] as bigint
    to[4] = from[start + 4] as bigint
    to[5] = from[start + 5] as bigint
    to[6] = from[start + 6] as bigint
    to[7] = from[start + 7] as bigint
    i = STRAIGHT
  }
  for (; i < count; i++) to[i] = from[start + i] as bigint
}

/** Whether both have the same words. */
export function equalLongs(a: BigInt64Array, b: BigInt64Array): boolean {
  const count = a.length
  if (count !== b.length) return false
  let i = 0
  if (count >= STRAIGHT) {
    if (a[0] !== b[0] || a[1] !== b[1] || a[2] !== b[2] || a[3] !== b[3]) return false
    if (a[4] !== b[4] || a[5] !== b[5] || a[6] !== b[6] || a[7] !== b[7]) return false
    i = STRAIGHT
  }
  for (; i < count; i++) if (a[i] !== b[i]) return false
  return true
}
