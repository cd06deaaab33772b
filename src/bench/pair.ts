/** A side pair, as the driver holds it. */
import { type ChildProcess, spawn } from 'node:child_process'
import type { Writable } from 'node:stream'
import { FAILURE, type Farewell, IMPOSSIBLE_STATUS, RESULT_FD, type Ready, type Round } from './protocol.js'

/** For a side that has said farewell to end by itself. */
const EXIT_MS = 2000
/** For what a side wrote before it died to arrive. */
const LAST_WORDS_MS = 100

/** Why a pair gave no figures. */
export class PairFailure extends Error {
  readonly status: 'failed' | 'impossible'

  constructor(reason: string, status: 'failed' | 'impossible' = 'failed') {
    super(reason)
    this.status = status
  }
}

export interface Command {
  readonly file: string
  readonly args: readonly string[]
}

/** Runs in a process group of its own. Whatever fails, fails every call from then on with a `PairFailure`. */
export class Pair {
  readonly #child: ChildProcess
  readonly #ended: Promise<void>
  #answers: string[] = []
  #text = ''
  #complaints = ''
  #farewell = false
  #failure: PairFailure | undefined
  #wake = () => {}

  constructor({ file, args }: Command) {
    this.#child = spawn(file, args, { detached: true, stdio: ['pipe', 'ignore', 'pipe', 'pipe'] })
    const stdin = this.#child.stdin as Writable
    stdin.on('error', () => {}) // a side that has died says so by its end
    this.#collect(RESULT_FD, (chunk) => this.#answered(chunk))
    this.#collect(2, (chunk) => this.#complained(chunk))
    this.#ended = new Promise((settle) => {
      this.#child.once('error', (error) => {
        this.#fail(new PairFailure(`cannot start a process: ${error.message}`))
        settle()
      })
      this.#child.once('exit', (code, signal) => {
        // The other side holds standard error open, should it still be there.
        const timer = setTimeout(() => this.kill(), LAST_WORDS_MS)
        this.#child.once('close', () => {
          clearTimeout(timer)
          this.kill()
          if (!this.#farewell || code !== 0) this.#fail(this.#obituary(code, signal))
          settle()
        })
      })
    })
  }

  get pid(): number {
    return this.#child.pid ?? -1
  }

  /** What it wrote on standard error until now. */
  get complaints(): string {
    return this.#complaints
  }

  /** Settles when both sides have met. */
  async ready(dueMs: number): Promise<void> {
    await this.#next<Ready>(dueMs)
  }

  async warmUp(dueMs: number): Promise<void> {
    this.#child.stdin?.write('warm\n')
    await this.#next<Ready>(dueMs)
  }

  run(durationMs: number, dueMs: number): Promise<Round> {
    this.#child.stdin?.write(`run ${durationMs}\n`)
    return this.#next<Round>(dueMs)
  }

  /** Ends it; settles when no process of it is left. */
  async end(dueMs: number): Promise<Farewell> {
    this.#child.stdin?.end('end\n')
    this.#farewell = true
    const farewell = await this.#next<Farewell>(dueMs)
    const timer = setTimeout(() => this.kill(), EXIT_MS)
    await this.#ended
    clearTimeout(timer)
    return farewell
  }

  /** Ends it without a word. Settles when it is gone. */
  async destroy(reason?: PairFailure): Promise<void> {
    this.#fail(reason ?? new PairFailure('ended'))
    this.kill()
    await this.#ended
  }

  kill(): void {
    if (this.#child.pid === undefined) return
    try {
      process.kill(-this.#child.pid, 'SIGKILL')
    } catch {
      // all of it is gone
    }
  }

  #collect(fd: number, take: (chunk: string) => void): void {
    const stream = this.#child.stdio[fd] as NodeJS.ReadableStream
    stream.setEncoding('utf8')
    stream.on('data', take)
  }

  #answered(chunk: string): void {
    const lines = (this.#text + chunk).split('\n')
    this.#text = lines.pop() ?? ''
    this.#answers.push(...lines)
    this.#wake()
  }

  #complained(chunk: string): void {
    this.#complaints += chunk
    // The other side may have died of it, and this one may never learn. What is impossible the exit status tells.
    const reason = complaintIn(this.#complaints)
    if (reason !== undefined) setTimeout(() => this.#fail(new PairFailure(reason)), LAST_WORDS_MS)
  }

  #obituary(code: number | null, signal: string | null): PairFailure {
    const reason = reasonIn(this.#complaints) ?? `the measuring process ended early (${signal ?? `exit status ${code}`})`
    return new PairFailure(reason, code === IMPOSSIBLE_STATUS ? 'impossible' : 'failed')
  }

  #fail(failure: PairFailure): void {
    this.#failure ??= failure
    this.#wake()
  }

  #next<T>(dueMs: number): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const last = reasonIn(this.#complaints) ?? 'a message was lost, or a side hangs'
        this.#fail(new PairFailure(`no result within ${Math.round(dueMs)} ms: ${last}`))
      }, dueMs)
      const settle = (act: () => void) => {
        clearTimeout(timer)
        this.#wake = () => {}
        act()
      }
      this.#wake = () => {
        const answer = this.#answers.shift()
        if (answer !== undefined) settle(() => resolve(JSON.parse(answer) as T))
        else if (this.#failure !== undefined) settle(() => reject(this.#failure))
      }
      this.#wake()
    })
  }
}

const complaintIn = (text: string): string | undefined =>
  text
    .split('\n')
    .slice(0, -1)
    .find((line) => line.startsWith(FAILURE))
    ?.slice(FAILURE.length)

/** What standard error says about a failure: our own line, else an uncaught error's, else the last. */
function reasonIn(text: string): string | undefined {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  return complaintIn(text) ?? lines.find((line) => /^\w*Error\b/.test(line)) ?? lines.at(-1)
}
