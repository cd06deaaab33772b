/** Processes that make channels when they are told to. Starting one takes longer than most cases: they are used again. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Complaints } from './complaints.js'
import type { Control, Switchboard } from './control.js'

export const peerFile = new URL('../peer.js', import.meta.url)

export interface Exit {
  readonly code: number | null
  readonly signal: string | null
}

export class Helper {
  readonly pid: number
  readonly exited: Promise<Exit>
  readonly call: Control['call']
  readonly lastWord: Promise<unknown>
  readonly complaints: Complaints
  readonly #child: ChildProcess
  readonly #control: Control

  constructor(child: ChildProcess, exited: Promise<Exit>, control: Control, complaints: Complaints) {
    this.#child = child
    this.#control = control
    this.pid = child.pid ?? -1
    this.exited = exited
    this.call = control.call.bind(control)
    this.lastWord = control.closed
    this.complaints = complaints
    exited.then(() => complaints.close())
  }

  get gone(): boolean {
    return this.#control.gone() || this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  /** SIGKILL, to a stopped one too; settles when it has gone. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.exited
  }
}

export class HelperPool {
  readonly #board: Switchboard
  readonly #module: readonly string[]
  readonly #idle: Helper[] = []

  /** `module`: of an adapter that is registered. */
  constructor(board: Switchboard, module: string | undefined) {
    this.#board = board
    this.#module = module === undefined ? [] : [module]
  }

  async take(): Promise<Helper> {
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) if (!idle.gone) return idle
    const { token, control } = this.#board.expect()
    const complaints = new Complaints()
    const child = spawn(process.execPath, [fileURLToPath(peerFile), this.#board.path, token, 'helper', ...this.#module], {
      stdio: ['ignore', 'ignore', complaints.fd],
    })
    const exited = new Promise<Exit>((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })))
    return new Helper(
      child,
      exited,
      await Promise.race([
        control,
        exited.then(({ code, signal }) => assert.fail(`the helper ended before it began (${signal ?? code}): ${complaints.text()}`)),
      ]),
      complaints,
    )
  }

  /** Takes back one that has nothing open any more; what does not answer is killed. */
  async give(helper: Helper, usable: boolean): Promise<void> {
    if (usable && !helper.gone)
      try {
        await helper.call('reset')
        this.#idle.push(helper)
        return
      } catch {
        // it ended meanwhile
      }
    await helper.kill()
  }

  async close(): Promise<void> {
    await Promise.all(this.#idle.splice(0).map((helper) => helper.kill()))
  }
}
