/** A process of Node in a part: it runs a program that tells what it does, a line of JSON each time, and ends when its standard input does. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Story } from './story.js'

export interface NodeOptions {
  /** The shell stands before it, with a pipe of its own: `echo | node …` */
  readonly behindPipe?: true
  /** What runs it somewhere else, with its arguments: nsenter(1). */
  readonly through?: readonly string[]
  /** The story has its own words for what it does. */
  readonly quiet?: true
}

/** Longer than anything that a program is asked for. */
const PATIENCE_MS = 20_000

export class NodeProcess {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>
  readonly #story: Story
  readonly #role: string
  readonly #quiet: boolean
  readonly #exited: Promise<unknown>

  /** `program` is the path of what it runs. */
  constructor(story: Story, role: string, program: string, task: readonly string[], { behindPipe, through = [], quiet }: NodeOptions = {}) {
    const words = [...through, process.execPath, '--no-warnings', program, ...task]
    const [command = '', ...args] = behindPipe ? ['sh', '-c', 'echo | "$@"', 'sh', ...words] : words
    this.#story = story
    this.#role = role
    this.#quiet = quiet === true
    // In a group of its own, which ends as one; a shell has a child.
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], detached: true })
    this.#exited = once(this.#child, 'exit')
    this.#exited.catch(() => {})
    this.#child.stdin?.on('error', () => {}) // it may have ended
    this.#lines = createInterface({ input: this.#child.stdout ?? process.stdin })[Symbol.asyncIterator]()
    this.#tell('action', `${behindPipe ? 'echo | ' : ''}node: ${task.join(' ')}`)
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error(`${this.#role} was not started`)
    return this.#child.pid
  }

  /** Gives it a line to read. */
  ask(what: unknown): void {
    this.#child.stdin?.write(`${JSON.stringify(what)}\n`)
  }

  /** What it tells next. @throws Error where it ends, or is silent for too long */
  async told(): Promise<unknown> {
    const patience = new AbortController()
    const line = await Promise.race([this.#lines.next(), silence(patience.signal)]).finally(() => patience.abort())
    if (line === undefined) throw new Error(`${this.#role} was silent for ${PATIENCE_MS / 1000} s`)
    if (line.done === true) throw new Error(`${this.#role} ended without a word`)
    const told: unknown = JSON.parse(line.value)
    this.#tell('observation', typeof told === 'string' ? told : line.value)
    return told
  }

  /** Settles when it has ended, by itself or not. */
  get ended(): Promise<unknown> {
    return this.#exited
  }

  /** Ends it. */
  async end(): Promise<void> {
    try {
      process.kill(-this.pid, 'SIGKILL')
    } catch {
      // it has ended by itself
    }
    await this.#exited
  }

  #tell(kind: 'action' | 'observation', text: string): void {
    if (this.#quiet) return
    this.#story.tell({ kind, text, role: this.#role, ...(this.#child.pid === undefined ? {} : { pid: this.#child.pid }) })
  }
}

const silence = (signal: AbortSignal): Promise<undefined> =>
  new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), PATIENCE_MS)
    signal.addEventListener('abort', () => clearTimeout(timer))
  })
