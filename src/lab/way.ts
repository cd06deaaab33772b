/** One way of a wire: what goes in comes out in the same order, each a while later. */

/** Timers keep whole milliseconds: what is due within half of one is not waited for. */
const NEAR_MS = 0.5

export class Way {
  readonly #queue: { readonly due: number; readonly put: () => void }[] = []
  /** When the sender has put what it sent so far onto the wire, and when the last of it comes out. */
  #free = 0
  #due = 0
  #timer: NodeJS.Timeout | undefined

  /** `put` is called after `serialMs` behind whatever is being sent, and `delayMs` on the way; at once where there is nothing to wait for. */
  pass(put: () => void, delayMs: number, serialMs: number): void {
    const now = performance.now()
    this.#free = Math.max(now, this.#free) + serialMs
    this.#due = Math.max(this.#free + delayMs, this.#due)
    if (this.#queue.length === 0 && this.#due <= now) put()
    else {
      this.#queue.push({ due: this.#due, put })
      this.#arm()
    }
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#queue.length = 0
  }

  #arm(): void {
    const [next] = this.#queue
    if (next === undefined || this.#timer !== undefined) return
    this.#timer = setTimeout(() => this.#empty(), next.due - performance.now())
  }

  #empty(): void {
    this.#timer = undefined
    const now = performance.now() + NEAR_MS
    for (let next = this.#queue[0]; next !== undefined && next.due <= now; next = this.#queue[0]) {
      this.#queue.shift()
      next.put()
    }
    this.#arm()
  }
}
