/** An actor in a part: what a cell's experiment asks of it is told in the story. */
import { type ActorProcess, type Request, settled, until } from './actor-process.js'
import { type Call, call, describe, type Outcome } from './call.js'
import type { Company } from './company.js'
import { K } from './constants.js'
import { describeView, type KernelView, stateOf, viewOf } from './kernel.js'
import type { Story } from './story.js'

/** A call that the experiment did not expect to fail, failed. */
export class Unexpected extends Error {
  override name = 'Unexpected'
}

/** Puts another call in place of one, as a wrong implementation would. Answers the call itself where it is not meant. */
export type Rewrite = (call: Call, role: string) => Call

/** A call that may block. */
export interface Pending {
  /** Whether it has returned, or the kernel shows that it sleeps in the call; the latter is told in the story. */
  settled(): Promise<'blocked' | 'returned'>
  /** Rejects with `ActorEnded` where the actor is killed in the call. */
  readonly outcome: Promise<Outcome>
}

export interface Cast {
  readonly company: Company
  readonly story: Story
  readonly rewrite: Rewrite
  /** Takes a further process into the cell, in a part of its own. */
  enter(process: ActorProcess, role: string): Actor
}

export class Actor {
  readonly role: string
  readonly process: ActorProcess
  readonly #cast: Cast

  constructor(cast: Cast, process: ActorProcess, role: string) {
    this.#cast = cast
    this.process = process
    this.role = role
  }

  get pid(): number {
    return this.process.pid
  }

  /** Performs the call; a failure is an outcome like any other. */
  async do(what: Call): Promise<Outcome> {
    return this.#told(what, 1)
  }

  /** Performs a call that has to succeed for the experiment to go on. */
  async must(what: Call): Promise<Outcome> {
    const outcome = await this.do(what)
    if (outcome.error !== undefined) throw new Unexpected(`${this.role} ${this.pid}: ${describe(what)} failed with ${outcome.error}`)
    return outcome
  }

  /** Performs the call up to `times` times, until it fails; the outcome has `times`, `sum` and `each`. */
  async repeat(times: number, what: Call): Promise<Outcome> {
    return this.#told(what, times)
  }

  /** Begins a call that may block. */
  begin(what: Call, times = 1): Pending {
    const request = this.#request(what, times, true)
    this.#tell('action', `${describe(request.call)}${again(times)} …`)
    const outcome = request.outcome.then((value) => {
      this.#tell('action', `… ${describe(request.call)} = ${value}`)
      return value
    })
    outcome.catch(() => {}) // whoever asks, hears it
    return {
      outcome,
      settled: async () => {
        const state = await settled(this.process, request)
        if (state === 'blocked') this.look('blocked')
        return state
      },
    }
  }

  /** What the kernel shows of the process now, told in the story. */
  look(word = ''): KernelView {
    const view = viewOf(this.pid)
    this.#tell('observation', `${word}${word && ': '}${describeView(this.pid, view)}`)
    return view
  }

  /** SIGSTOP; settles when the kernel shows that it is stopped. */
  async freeze(): Promise<void> {
    process.kill(this.pid, 'SIGSTOP')
    await until(() => stateOf(this.pid) === 'T')
    this.#tell('action', 'is stopped (SIGSTOP)')
  }

  thaw(): void {
    process.kill(this.pid, 'SIGCONT')
    this.#tell('action', 'goes on (SIGCONT)')
  }

  /** SIGKILL, wherever it is; settles when it runs no more and what it held is released. */
  async kill(): Promise<void> {
    this.#tell('action', 'is killed (SIGKILL)')
    await this.process.kill()
  }

  /** Ends by itself, in order. */
  async exit(): Promise<void> {
    this.#tell('action', 'exits')
    this.process.request(call('exit', 0))
    await this.process.disconnected
    await until(() => ['Z', 'X', undefined].includes(stateOf(this.pid)))
  }

  /** A copy of this process by fork(2), with all that it has open. */
  async fork(role: string): Promise<Actor> {
    return this.#beget('fork', role)
  }

  /** A child by fork(2) and execve(2): it inherits descriptors, and nothing else. */
  async spawn(role: string): Promise<Actor> {
    return this.#beget('spawn', role)
  }

  /** This process goes on as a new image, by execve(2): what survives that is still there. */
  async exec(): Promise<void> {
    await this.must(call('exec'))
  }

  /** Catches `signal`; `handled` tells what came. */
  async handle(signal: number, flags: number = K.SA_RESTART.value): Promise<void> {
    await this.must(call('handle', signal, flags, 0))
  }

  async #beget(way: 'fork' | 'spawn', role: string): Promise<Actor> {
    const { text, actor } = this.#cast.company.expect()
    const { result, error } = await this.process.request(call(way, text)).outcome
    if (error !== undefined) throw new Unexpected(`${this.role} ${this.pid}: ${way} failed with ${error}`)
    this.#tell('action', `${way === 'fork' ? 'fork()' : 'fork() and execve()'} = ${result}`)
    return this.#cast.enter(await actor, role)
  }

  async #told(what: Call, times: number): Promise<Outcome> {
    const request = this.#request(what, times, false)
    const outcome = await request.outcome
    this.#tell('action', `${describe(request.call)}${again(times)} = ${outcome}`)
    return outcome
  }

  #request(what: Call, times: number, announce: boolean): Request {
    return this.process.request(this.#cast.rewrite(what, this.role), { repeat: times, announce })
  }

  #tell(kind: 'action' | 'observation', text: string): void {
    this.#cast.story.tell({ kind, text, role: this.role, pid: this.pid })
  }
}

const again = (times: number): string => (times > 1 ? ' again and again' : '')
