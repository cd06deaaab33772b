/** One direction of a pair in memory: what was sent and not yet received, as a kernel would hold it. */
import { type Bytes, Result } from '../core/channel.js'

export class Wire {
  readonly #queue: Bytes[] = []
  /** How many at the end of the queue have not arrived yet. */
  #delayed = 0
  readonly capacity: number
  readonly stream: boolean
  used = 0
  /** Bytes that it still carries before it is cut. */
  left = Number.POSITIVE_INFINITY
  delaying = false
  /** Nothing more will come. */
  ended = false
  /** Its sender died with unread input: the end is told as a reset. unix(7), tcp(7) */
  reset = false
  /** Nobody will receive any more. */
  abandoned = false

  constructor(capacity: number, stream: boolean) {
    this.capacity = capacity
    this.stream = stream
  }

  /** The bytes taken: of a message all, of a stream at most `most`; or WOULD_BLOCK. */
  put(data: Uint8Array, most: number): number {
    const room = this.capacity - this.used
    const length = this.stream ? Math.min(data.length, room, most) : data.length
    if (this.stream ? length === 0 && data.length > 0 : this.#cost(length) > room) return Result.WOULD_BLOCK
    this.#queue.push(new Uint8Array(data.subarray(0, length)))
    this.used += this.#cost(length)
    if (this.delaying) this.#delayed++
    return length
  }

  #cost(length: number): number {
    return this.stream ? length : Math.max(1, length)
  }

  /** The length of what has arrived first, or undefined. */
  next(): number | undefined {
    return this.#queue.length > this.#delayed ? this.#queue[0]?.length : undefined
  }

  get empty(): boolean {
    return this.#queue.length === 0
  }

  get delayed(): number {
    return this.#delayed
  }

  arrive(count: number): void {
    this.#delayed = Math.max(0, this.#delayed - count)
  }

  /** `order` is a permutation of what is delayed, the oldest being 0. */
  permute(order: readonly number[]): void {
    const first = this.#queue.length - this.#delayed
    const delayed = this.#queue.slice(first)
    const permuted = order.map((at) => delayed[at]).filter((data) => data !== undefined)
    if (permuted.length !== delayed.length || new Set(order).size !== delayed.length)
      throw new RangeError(`[${order}] is no order of ${delayed.length} delayed messages, which are numbered from 0`)
    this.#queue.splice(first, delayed.length, ...permuted)
  }

  take(target: Uint8Array, most: number): number {
    const head = this.next() === undefined ? undefined : this.#queue[0]
    if (head === undefined) return Result.WOULD_BLOCK
    if (!this.stream) {
      if (head.length > target.length) return Result.TARGET_SIZE
      target.set(head)
      this.#queue.shift()
      this.used -= this.#cost(head.length)
      return head.length
    }
    const length = Math.min(head.length, target.length, most)
    target.set(head.subarray(0, length))
    if (length === head.length) this.#queue.shift()
    else this.#queue[0] = head.subarray(length)
    this.used -= length
    return length
  }
}
