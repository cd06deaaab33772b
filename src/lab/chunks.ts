/** Bytes that come in pieces of any size, taken in pieces that a protocol says. */
export class Chunks {
  #bytes = new Uint8Array()

  push(bytes: Uint8Array): void {
    const all = new Uint8Array(this.#bytes.length + bytes.length)
    all.set(this.#bytes)
    all.set(bytes, this.#bytes.length)
    this.#bytes = all
  }

  /** The next `length` bytes, left where they are; undefined: they have not all come. */
  peek(length: number): Uint8Array | undefined {
    return this.#bytes.length < length ? undefined : this.#bytes.subarray(0, length)
  }

  /** The same, taken away. */
  take(length: number): Uint8Array | undefined {
    const taken = this.peek(length)
    if (taken !== undefined) this.#bytes = this.#bytes.slice(length)
    return taken
  }
}
