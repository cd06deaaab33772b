/** A process of Node in a part: it runs a task of `node-core/program.ts`. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Story } from './story.js'

const program = fileURLToPath(new URL('../node-core/program.js', import.meta.url))

export interface NodeOptions {
  /** The shell stands before it, with a pipe of its own: `echo | node …` */
  readonly behindPipe?: true
}

export class NodeProcess {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>
  readonly #story: Story
  readonly #role: string
  readonly #exited: Promise<unknown>

  constructor(story: Story, role: string, task: readonly string[], { behindPipe }: NodeOptions = {}) {
    const words = [process.execPath, '--no-warnings', program, ...task]
    const [command = '', ...args] = behindPipe ? ['sh', '-c', 'echo | "$@"', 'sh', ...words] : words
    this.#story = story
    this.#role = role
    // In a group of its own, which ends as one; a shell has a child.
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], detached: true })
    this.#exited = once(this.#child, 'exit')
    this.#exited.catch(() => {})
    this.#lines = createInterface({ input: this.#child.stdout ?? process.stdin })[Symbol.asyncIterator]()
    this.#tell('action', `${behindPipe ? 'echo | ' : ''}node: ${task.join(' ')}`)
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error(`${this.#role} was not started`)
    return this.#child.pid
  }

  /** What it tells next. */
  async told(): Promise<unknown> {
    const { value, done } = await this.#lines.next()
    if (done === true) throw new Error(`${this.#role} ended without a word`)
    this.#tell('observation', value)
    return JSON.parse(value)
  }

  /** Settles when it has ended. */
  async end(): Promise<void> {
    try {
      process.kill(-this.pid, 'SIGKILL')
    } catch {
      // it has ended by itself
    }
    await this.#exited
  }

  #tell(kind: 'action' | 'observation', text: string): void {
    this.#story.tell({ kind, text, role: this.#role, ...(this.#child.pid === undefined ? {} : { pid: this.#child.pid }) })
  }
}
