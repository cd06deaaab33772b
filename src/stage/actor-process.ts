/** The stage's end of one actor's control connection. */
import type { Socket } from 'node:net'
import { type Call, decode, describe, encode, type Outcome } from './call.js'
import { describeView, stateOf, viewOf } from './kernel.js'

/** The actor ended before it answered. */
export class ActorEnded extends Error {
  override name = 'ActorEnded'
}

/** A request under way. */
export interface Request {
  readonly call: Call
  /** The actor is about to enter the call; only where that was asked for. */
  readonly announced: Promise<void>
  /** Rejects with `ActorEnded` where the actor ends first. */
  readonly outcome: Promise<Outcome>
  readonly over: boolean
}

interface Open {
  readonly call: Call
  over: boolean
  announce: () => void
  settle: (outcome: Outcome) => void
  fail: (error: Error) => void
}

export class ActorProcess {
  readonly pid: number
  /** Settles when the connection is gone: the process has ended, or is about to. */
  readonly disconnected: Promise<void>
  readonly #socket: Socket
  readonly #open = new Map<number, Open>()
  #next = 1
  #gone = false

  /** `socket` has said hello. `head` came behind it. */
  constructor(socket: Socket, pid: number, head: string) {
    this.pid = pid
    this.#socket = socket
    let rest = head
    const take = () => {
      const lines = rest.split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) this.#hear(line.split(' '))
    }
    socket.setEncoding('latin1').on('data', (text: string) => {
      rest += text
      if (text.includes('\n')) take()
    })
    socket.on('error', () => {}) // the close that follows says it
    this.disconnected = new Promise((resolve) => {
      socket.on('close', () => {
        this.#gone = true
        for (const open of this.#open.values()) open.fail(new ActorEnded(`process ${pid} ended during ${describe(open.call)}`))
        this.#open.clear()
        resolve()
      })
    })
    take()
  }

  get idle(): boolean {
    return !this.#gone && this.#open.size === 0
  }

  get gone(): boolean {
    return this.#gone
  }

  request(call: Call, { announce = false, repeat = 1 } = {}): Request {
    const sequence = this.#next++
    const open: Open = { call, over: false, announce: () => {}, settle: () => {}, fail: () => {} }
    const announced = new Promise<void>((resolve) => {
      open.announce = resolve
    })
    const outcome = new Promise<Outcome>((resolve, reject) => {
      open.settle = resolve
      open.fail = reject
    })
    outcome.catch(() => {}) // whoever asks, hears it
    const settled = outcome.then(open.announce, open.announce)
    if (this.#gone) open.fail(new ActorEnded(`process ${this.pid} had ended before ${describe(call)}`))
    else {
      this.#open.set(sequence, open)
      this.#socket.write(encode(call, sequence, announce, repeat))
    }
    return {
      call,
      announced: Promise.race([announced, settled]).then(() => {}),
      outcome,
      get over() {
        return open.over
      },
    }
  }

  /** Where it is stuck, for a cell that ran out of time; undefined where nothing is asked of it. */
  stuckIn(): string | undefined {
    const [open] = this.#open.values()
    return open === undefined ? undefined : `process ${this.pid} in ${describe(open.call)} (${describeView(this.pid, viewOf(this.pid))})`
  }

  #hear([kind, sequence, ...words]: readonly string[]): void {
    const open = this.#open.get(Number(sequence))
    if (open === undefined) return
    if (kind === 'C') {
      open.announce()
      return
    }
    this.#open.delete(Number(sequence))
    open.over = true
    if (kind === 'R') open.settle(decode(words))
    else open.fail(new TypeError(`${describe(open.call)}: ${words.join(' ')}`))
  }

  /** It reads the end of its requests: an actor then ends by itself. */
  disconnect(): void {
    this.#socket.end()
  }

  /** Ends it, however it is. Settles when it runs no more: what it held is released then. */
  async kill(): Promise<void> {
    try {
      process.kill(this.pid, 'SIGKILL')
    } catch {
      // it has ended already
    }
    await this.disconnected
    await until(() => ['Z', 'X', undefined].includes(stateOf(this.pid)))
  }
}

/** One turn of the event loop, in which every byte that had arrived is heard. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))

const POLL_MS = 1

/** Looks again and again: for what the kernel shows, but does not announce. */
export async function until(condition: () => boolean): Promise<void> {
  const patience = performance.now() + PATIENCE_MS
  while (!condition()) {
    if (performance.now() > patience) throw new Error('what was to be seen in /proc did not come')
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

/** Longer than a cell may take: who still looks then looks for nobody. */
const PATIENCE_MS = 25_000

/**
 * Whether a call returned, or sleeps in the kernel. An actor answers before it sleeps for its next request:
 * one that sleeps and has not answered sleeps in the call.
 */
export async function settled(actor: ActorProcess, request: Request): Promise<'blocked' | 'returned'> {
  await request.announced
  let asleep = false
  let at = ''
  await until(() => {
    if (request.over || actor.gone) return true
    const view = viewOf(actor.pid)
    const seen = `${view.state} ${view.wchan} ${view.syscall}`
    asleep = view.state === 'S' && seen === at
    at = seen
    return asleep
  })
  await turn()
  return request.over || actor.gone ? 'returned' : 'blocked'
}
