/** What happened in a cell, in order. */

export interface Step {
  readonly kind: 'intent' | 'action' | 'observation'
  readonly text: string
  /** Who acted, and its process. */
  readonly role?: string
  readonly pid?: number
}

export class Story {
  readonly steps: Step[] = []
  readonly #onStep: ((step: Step) => void) | undefined
  #hushed = false

  constructor(onStep?: (step: Step) => void) {
    this.#onStep = onStep
  }

  /** Tells nothing while `scene` is played. */
  async hush<T>(scene: () => Promise<T>): Promise<T> {
    const before = this.#hushed
    this.#hushed = true
    try {
      return await scene()
    } finally {
      this.#hushed = before
    }
  }

  tell(step: Step): void {
    if (this.#hushed) return
    this.steps.push(step)
    this.#onStep?.(step)
  }
}
