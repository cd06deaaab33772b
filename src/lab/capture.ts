/** The frames that were seen at one place, in order. */
import type { Frame } from './ethernet.js'
import type { Recorder } from './recorder.js'

/** A frame, and the hosts at which it came out. */
export interface SeenFrame extends Frame {
  readonly to: readonly string[]
}

const PATIENCE_MS = 10_000

export class Capture {
  readonly name: string
  readonly #recorder: Recorder
  readonly #frames: SeenFrame[] = []
  #wake: (() => void)[] = []

  constructor(name: string, recorder: Recorder) {
    this.name = name
    this.#recorder = recorder
  }

  /** What has been seen so far. */
  get frames(): readonly SeenFrame[] {
    return this.#frames
  }

  add(frame: Frame, to: readonly string[]): void {
    this.#recorder.frame(frame, to)
    this.#frames.push({ ...frame, to })
    for (const wake of this.#wake.splice(0)) wake()
  }

  /** Settles with the first frame that is accepted, of those behind the first `after`. @throws Error where none comes */
  async until(what: string, wanted: (frame: SeenFrame) => boolean, after = 0): Promise<SeenFrame> {
    const end = performance.now() + PATIENCE_MS
    for (;;) {
      const seen = this.#frames.slice(after).find(wanted)
      if (seen !== undefined) return seen
      const left = end - performance.now()
      if (left <= 0) throw new Error(`${what} was not seen on ${this.name}`)
      await this.#next(left)
    }
  }

  close(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }

  /** Settles with the next frame, or when the time is over. */
  #next(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake.push(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }
}
