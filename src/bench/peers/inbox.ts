/** From events to `receive`: what came waits here until it is asked for. */
import type { Port } from '../port.js'

type Receiver = Pick<Port, 'receive' | 'receiveWithin'>

interface Waiting {
  settle(message: Uint8Array | null): void
  reject(error: Error): void
}

/** Unbounded: the exchange has a fixed number of messages on their way. */
export class Inbox implements Receiver {
  readonly #messages: Uint8Array[] = []
  #next = 0
  #waiting: Waiting | undefined
  /** `null`: ended; an error: failed. */
  #over: Error | null | undefined

  push(message: Uint8Array): void {
    const waiting = this.#waiting
    if (waiting === undefined) {
      this.#messages.push(message)
      return
    }
    this.#waiting = undefined
    waiting.settle(message)
  }

  /** Nothing more comes; with an error, because of it. The first word counts. */
  end(error: Error | null = null): void {
    if (this.#over !== undefined) return
    this.#over = error
    const waiting = this.#waiting
    this.#waiting = undefined
    if (error === null) waiting?.settle(null)
    else waiting?.reject(error)
  }

  receive(): Uint8Array | null | Promise<Uint8Array | null> {
    const message = this.#take()
    if (message !== undefined) return message
    return new Promise((settle, reject) => {
      this.#waiting = { settle, reject }
    })
  }

  receiveWithin(timeoutMs: number): Uint8Array | null | Promise<Uint8Array | null | undefined> {
    const message = this.#take()
    if (message !== undefined) return message
    return new Promise((settle, reject) => {
      const timer = setTimeout(() => {
        this.#waiting = undefined
        settle(undefined)
      }, timeoutMs)
      this.#waiting = {
        settle(got) {
          clearTimeout(timer)
          settle(got)
        },
        reject(error) {
          clearTimeout(timer)
          reject(error)
        },
      }
    })
  }

  #take(): Uint8Array | null | undefined {
    const message = this.#messages[this.#next]
    if (message === undefined) {
      if (this.#over instanceof Error) throw this.#over
      return this.#over
    }
    if (++this.#next === this.#messages.length) {
      this.#messages.length = 0
      this.#next = 0
    }
    return message
  }
}

/** Messages of one size out of a stream of bytes. */
export class Cutter implements Receiver {
  readonly #chunks: Inbox
  readonly #message: Uint8Array
  #chunk: Uint8Array = new Uint8Array()
  #at = 0

  constructor(chunks: Inbox, bytes: number) {
    this.#chunks = chunks
    this.#message = new Uint8Array(bytes)
  }

  receive(): Uint8Array | null | Promise<Uint8Array | null> {
    const end = this.#at + this.#message.length
    if (end > this.#chunk.length) return this.#gather()
    const message = this.#chunk.subarray(this.#at, end)
    this.#at = end
    return message
  }

  /** A message that lies in more than one chunk, or in one that has not come. */
  async #gather(): Promise<Uint8Array | null> {
    const bytes = this.#message.length
    let filled = 0
    for (;;) {
      const part = this.#chunk.subarray(this.#at, this.#at + bytes - filled)
      this.#at += part.length
      if (part.length === bytes) return part
      this.#message.set(part, filled)
      filled += part.length
      if (filled === bytes) return this.#message
      const chunk = await this.#chunks.receive()
      if (chunk === null) {
        if (filled > 0) throw new Error(`the stream ended ${bytes - filled} bytes before the end of a message`)
        return null
      }
      this.#chunk = chunk
      this.#at = 0
    }
  }

  receiveWithin(): never {
    throw new Error('a stream loses nothing that would be waited for in vain')
  }
}
