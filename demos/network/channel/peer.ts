/**
 * A program that uses the library and knows nothing of the lab: `peer.js listen|connect URL`. It meets the other, then
 * does what it is asked in lines of JSON (`Order`), and tells what came of each (`Told`).
 */
import { createInterface } from 'node:readline'
import { type Channel, connect, isIpcError, listen } from 'ipc-playground'

export type Order =
  /** Sends back what comes, so many times. */
  | { readonly do: 'echo'; readonly times: number }
  /** Sends, and waits for the answer. */
  | { readonly do: 'ask'; readonly bytes: number }
  /** Messages of so many bytes, numbered from 0. */
  | { readonly do: 'send'; readonly count: number; readonly bytes: number }
  /** Says that there is no more. */
  | { readonly do: 'finish' }
  /** Receives until there is no more. */
  | { readonly do: 'collect' }
  | { readonly do: 'receive'; readonly timeout?: number }

export interface Told {
  /** How long it took. */
  readonly ms: number
  /** Of messages received: their numbers, and whether each is whole. */
  readonly numbers?: readonly number[]
  readonly whole?: boolean
  readonly bytes?: number
  /** Of what failed. */
  readonly code?: string
  readonly syscall?: string
  readonly message?: string
}

const NUMBER_BYTES = 4
const FINISHED = new Uint8Array(0)

function numbered(number: number, bytes: number): Uint8Array {
  const message = new Uint8Array(bytes).fill(number)
  new DataView(message.buffer).setUint32(0, number)
  return message
}

const numberOf = (message: Uint8Array): number => new DataView(message.buffer, message.byteOffset).getUint32(0)
const isWhole = (message: Uint8Array): boolean => message.subarray(NUMBER_BYTES).every((byte) => byte === (numberOf(message) & 0xff))

async function received(channel: Channel, timeout?: number): Promise<Uint8Array> {
  const message = await channel.receive(timeout === undefined ? {} : { timeout })
  if (message === null) throw new Error('the other has ended')
  return message
}

async function perform(channel: Channel, order: Order): Promise<Omit<Told, 'ms'>> {
  switch (order.do) {
    case 'echo':
      for (let turn = 0; turn < order.times; turn++) await channel.send(await received(channel))
      return {}
    case 'ask': {
      await channel.send(numbered(0, order.bytes))
      await received(channel)
      return {}
    }
    case 'send':
      for (let number = 0; number < order.count; number++) await channel.send(numbered(number, order.bytes))
      return {}
    case 'finish':
      await channel.send(FINISHED)
      return {}
    case 'collect': {
      const messages: Uint8Array[] = []
      for (let message = await received(channel); message.length > 0; message = await received(channel)) messages.push(message)
      return { numbers: messages.map(numberOf), whole: messages.every(isWhole) }
    }
    case 'receive': {
      const message = await received(channel, order.timeout)
      return { bytes: message.length, whole: isWhole(message) }
    }
  }
}

const tell = (what: unknown): void => void process.stdout.write(`${JSON.stringify(what)}\n`)

async function timed(body: () => Promise<Omit<Told, 'ms'>>): Promise<void> {
  const began = performance.now()
  const outcome = await body().catch((error: unknown) => ({
    ...(isIpcError(error) ? { code: error.code, ...(error.syscall === undefined ? {} : { syscall: error.syscall }) } : {}),
    message: error instanceof Error ? error.message : String(error),
  }))
  tell({ ...outcome, ms: performance.now() - began } satisfies Told)
}

async function accepted(url: string): Promise<Channel> {
  const server = await listen(url)
  tell(server.address)
  for await (const channel of server) return channel
  throw new Error('nobody came')
}

const [, , way, url = ''] = process.argv
// Taken at once: whatever it does, it ends when the story does.
const lines = createInterface({ input: process.stdin })
  .once('close', () => process.exit())
  [Symbol.asyncIterator]()
let channel: Channel | undefined
await timed(async () => {
  channel = way === 'listen' ? await accepted(url) : await connect(url)
  return {}
})
for await (const line of lines) {
  const order = JSON.parse(line) as Order
  await timed(() => (channel === undefined ? Promise.reject(new Error('there is no channel')) : perform(channel, order)))
}
