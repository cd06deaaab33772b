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

  constructor(onStep?: (step: Step) => void) {
    this.#onStep = onStep
  }

  tell(step: Step): void {
    this.steps.push(step)
    this.#onStep?.(step)
  }
}
