/** The sends of one lane: one after the other, each when the receiver has room for it. */
import type { CallOptions } from '../../core/channel.js'
import type { ErrorContext } from '../../core/errors.js'
import { checkOptions, limit } from '../../core/wait.js'

/** What a lane's unread records may cost the receiver. */
export const WINDOW_BYTES = 256 * 1024
const RECORD_COST = 64

/** What a record with so many bytes costs. */
export const costOf = (bytes: number): number => RECORD_COST + bytes

interface Entry {
  readonly cost: number
  transmit(): Promise<void>
  settle(): void
  fail(error: unknown): void
}

export class Lane {
  readonly #context: ErrorContext
  readonly #waiting: Entry[] = []
  #credit = WINDOW_BYTES
  #sending = false
  #over: { readonly error: unknown } | undefined

  constructor(context: ErrorContext) {
    this.#context = context
  }

  /** Settles with `transmit`, which runs in its turn. Until then it can be aborted. */
  async send(cost: number, transmit: () => Promise<void>, options: CallOptions): Promise<void> {
    checkOptions(options)
    if (this.#over !== undefined) throw this.#over.error
    let stop = () => {}
    try {
      await new Promise<void>((settle, fail) => {
        const entry: Entry = { cost, transmit, settle, fail }
        stop = limit(options, this.#context, (reason) => {
          const at = this.#waiting.indexOf(entry)
          if (at < 0) return
          this.#waiting.splice(at, 1)
          fail(reason)
          this.#next()
        })
        this.#waiting.push(entry)
        this.#next()
      })
    } finally {
      stop()
    }
  }

  /** False where the receiver gives back what it never had. */
  grant(cost: number): boolean {
    this.#credit += cost
    if (this.#credit > WINDOW_BYTES) return false
    this.#next()
    return true
  }

  #next(): void {
    const entry = this.#waiting[0]
    if (entry === undefined || this.#sending || entry.cost > this.#credit) return
    this.#waiting.shift()
    this.#credit -= entry.cost
    this.#sending = true
    entry
      .transmit()
      .then(entry.settle, entry.fail)
      .finally(() => {
        this.#sending = false
        this.#next()
      })
  }

  end(error: unknown): void {
    this.#over ??= { error }
    for (const entry of this.#waiting.splice(0)) entry.fail(error)
  }
}
