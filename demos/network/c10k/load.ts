/**
 * The load: asked in lines of JSON (`Order`), it opens so many connections, has each answered once, then asks them in
 * turn. Always so many requests are under way, however many connections there are: what it compares is the cost of
 * having them. It answers (`Loaded`), and keeps them open until the next line.
 */
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { ADDRESS, tell } from './wire.js'

export interface Order {
  readonly port: number
  readonly connections: number
  readonly requests: number
  /** When to give up opening them. */
  readonly patienceMs: number
}

/** Or why it did not come so far. */
export type Answer = Loaded | { readonly failure: string }

export interface Loaded {
  /** ms that opening all took. */
  readonly openingMs: number
  /** ms from connect(2) to the first answer. */
  readonly first: Quantiles
  /** ms from a request to its answer. */
  readonly latency: Quantiles
}

export interface Quantiles {
  readonly median: number
  readonly p99: number
}

const UNDER_WAY = 10
const encoder = new TextEncoder()

class Client {
  readonly #socket: Socket
  #want: Uint8Array = new Uint8Array(0)
  #came = Buffer.alloc(0)
  #settle: (() => void) | undefined
  #fail: (error: Error) => void = () => {}

  constructor(port: number) {
    this.#socket = connect({ port, host: ADDRESS, noDelay: true })
    this.#socket.on('data', (bytes) => this.#hear(bytes))
    this.#socket.on('error', (error) => this.#fail(error))
    this.#socket.on('close', () => this.#fail(new Error('the server closed the connection')))
  }

  /** Settles with the answer; rejects where it is not the right one. */
  ask(text: string): Promise<void> {
    const question = encoder.encode(text)
    this.#want = encoder.encode(text.toUpperCase())
    this.#came = Buffer.alloc(0)
    return new Promise((resolve, reject) => {
      this.#settle = resolve
      this.#fail = reject
      this.#socket.write(question)
    })
  }

  close(): void {
    this.#fail = () => {}
    this.#socket.destroy()
  }

  #hear(bytes: Buffer): void {
    this.#came = Buffer.concat([this.#came, bytes])
    if (this.#came.length < this.#want.length) return
    if (this.#came.equals(this.#want)) this.#settle?.()
    else this.#fail(new Error(`answered ${this.#came}`))
  }
}

/** Runs `lane` so often at the same time; each gets its number. */
const lanes = (count: number, lane: (number: number) => Promise<void>): Promise<unknown> =>
  Promise.all(Array.from({ length: count }, (_, number) => lane(number)))

async function timed(times: number[], body: () => Promise<void>): Promise<void> {
  const began = performance.now()
  await body()
  times.push(performance.now() - began)
}

function quantiles(times: readonly number[]): Quantiles {
  const sorted = times.toSorted((one, other) => one - other)
  const at = (part: number) => Math.round((sorted[Math.floor(part * (sorted.length - 1))] ?? 0) * 1000) / 1000
  return { median: at(0.5), p99: at(0.99) }
}

/** Opens connections until there are so many, ten at a time; the times to their first answers. */
async function open(clients: Client[], { port, connections, patienceMs }: Order): Promise<readonly number[]> {
  const times: number[] = []
  const opening = lanes(UNDER_WAY, async () => {
    while (clients.length < connections) {
      const client = new Client(port)
      clients.push(client)
      await timed(times, () => client.ask(`hello ${clients.length}\n`))
    }
  })
  let patience: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    patience = setTimeout(() => reject(new Error(`only ${times.length} were open after ${patienceMs / 1000} s`)), patienceMs)
  })
  await Promise.race([opening, late]).finally(() => clearTimeout(patience))
  return times
}

/** Each lane has clients of its own, which it asks in turn. */
async function exchange(clients: readonly Client[], requests: number): Promise<readonly number[]> {
  const times: number[] = []
  const count = Math.min(UNDER_WAY, clients.length)
  await lanes(count, async (number) => {
    const own = clients.filter((_, index) => index % count === number)
    for (let turn = 0; turn < requests / count; turn++) {
      const client = own[turn % own.length]
      await timed(times, async () => client?.ask(`request ${turn}\n`))
    }
  })
  return times
}

async function load(clients: Client[], order: Order): Promise<Loaded> {
  const began = performance.now()
  const first = await open(clients, order)
  const openingMs = Math.round(performance.now() - began)
  return { openingMs, first: quantiles(first), latency: quantiles(await exchange(clients, order.requests)) }
}

const clients: Client[] = []
const lines = createInterface({ input: process.stdin }).once('close', () => process.exit())
for await (const line of lines) {
  for (const client of clients.splice(0)) client.close()
  const answer: Answer = await load(clients, JSON.parse(line) as Order).catch((error: Error) => ({ failure: error.message }))
  tell(answer)
}
