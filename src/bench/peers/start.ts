/** Starts the other side of a peer. */
import { type ChildProcess, type SerializationType, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type MessagePort, Worker } from 'node:worker_threads'
import type { Order } from '../order.js'
import type { Start } from './peer.js'

const JOIN = fileURLToPath(new URL('./join.js', import.meta.url))
/** Milliseconds for a process to see the end of its standard input and go. */
const FAREWELL_MS = 1000

export class Starter implements Start {
  readonly #order: Order
  #child: ChildProcess | undefined
  #worker: Worker | undefined
  #gone: Promise<void> = Promise.resolve()
  #ending = false
  /** Called where it ends before `end`. */
  onLost: (reason: string) => void = () => {}

  constructor(order: Order) {
    this.#order = order
  }

  /** Of a process; a thread has none of its own. */
  get pid(): number | undefined {
    return this.#child?.pid
  }

  process(ticket: string, ipc?: SerializationType): ChildProcess {
    // Its standard input ends with this process, however that ends.
    const child = spawn(process.execPath, [...process.execArgv, JOIN, JSON.stringify(this.#order), ticket], {
      stdio: ['pipe', 'ignore', 'inherit', ...(ipc === undefined ? [] : (['ipc'] as const))],
      serialization: ipc,
    })
    child.stdin?.on('error', () => {}) // it has died, which its exit tells
    child.once('error', (error) => this.#lost(error.message))
    this.#child = child
    this.#gone = new Promise((settle) => {
      child.once('exit', (code, signal) => {
        this.#lost(signal ?? `exit status ${code}`)
        settle()
      })
    })
    return child
  }

  thread(ticket: MessagePort): Worker {
    const worker = new Worker(JOIN, { argv: [JSON.stringify(this.#order)], workerData: ticket, transferList: [ticket] })
    worker.once('error', (error) => this.#lost(error.message))
    this.#worker = worker
    this.#gone = new Promise((settle) => {
      worker.once('exit', (code) => {
        this.#lost(`exit status ${code}`)
        settle()
      })
    })
    return worker
  }

  /** Settles when it is gone, which it is a little later at most. */
  async end(): Promise<void> {
    this.#ending = true
    this.#child?.stdin?.end()
    void this.#worker?.terminate()
    const timer = setTimeout(() => this.#child?.kill('SIGKILL'), FAREWELL_MS)
    await this.#gone
    clearTimeout(timer)
  }

  #lost(reason: string): void {
    if (!this.#ending) this.onLost(`the other side ended early (${reason})`)
  }
}
