/** Says who did what, a line each: when, who, the real pid. The child's lines are set in. */
export type Role = 'parent' | 'child'

/** What the kernel or a shell shows: a command that a reader can type himself, and what it answers. */
export interface View {
  readonly command: string
  readonly lines: readonly string[]
}

const TEXT_COLUMN = 29
const CHILD_INDENT = 4
const MARGIN = ' '.repeat(TEXT_COLUMN)

export class Narrator {
  readonly #who: string
  readonly #since: number
  readonly #out: NodeJS.WriteStream

  /** `since` is the story's begin in ms of the wall clock, the same for both processes. */
  constructor(role: Role, since: number, out: NodeJS.WriteStream = process.stdout) {
    this.#who = `${role.padEnd(6)} ${String(process.pid).padStart(7)}  ${' '.repeat(role === 'child' ? CHILD_INDENT : 0)}`
    this.#since = since
    this.#out = out
  }

  /** Written at once, so that lines of two processes stand in the order of what happened. */
  says(text: string): void {
    const ms = (performance.timeOrigin + performance.now() - this.#since).toFixed(1)
    this.#out.write(`${ms.padStart(8)} ms  ${this.#who}${text}\n`)
  }

  shows(...views: readonly View[]): void {
    for (const { command, lines } of views) {
      this.#out.write(`${MARGIN}$ ${command}\n`)
      for (const line of lines.length === 0 ? ['(nothing)'] : lines) this.#out.write(`${MARGIN}  ${line}\n`)
    }
  }

  title(text: string): void {
    this.#out.write(`\n${text}\n`)
  }
}
