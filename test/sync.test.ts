/** The blocking face over a stream socket: what a timeout gives up, and what it cannot. */
import { join } from 'node:path'
import { type Channel, connect, type Framing, listen, Result } from 'ipc-playground'
import { afterEach, describe, expect, test } from 'vitest'
import { runFolder } from '../src/core/janitor.js'

const LARGE = 8 * 1024 * 1024
const pattern = (length: number, seed: number) => Uint8Array.from({ length }, (_, i) => (i * 31 + (i >>> 8) + seed) & 0xff)

const open: { destroy(): void }[] = []
afterEach(() => {
  for (const channel of open.splice(0)) channel.destroy()
})

let count = 0
async function pair<F extends Framing>(framing: F): Promise<[Channel<F>, Channel<F>]> {
  const options = { framing } as { framing: 'stream' }
  const server = await listen(`unix://${join(runFolder(), `sync-${process.pid}-${count++}.sock`)}`, { ...options, maxPeers: 1 })
  const here = (await connect(server.address, options)) as unknown as Channel<F>
  const { value: there } = await server[Symbol.asyncIterator]().next()
  open.push(here, there, { destroy: () => void server.close() })
  return [here, there as unknown as Channel<F>]
}

async function read(channel: Channel<Framing>, length: number): Promise<Uint8Array> {
  const whole = new Uint8Array(length)
  for (let have = 0; have < length; ) {
    const part = await channel.receive({ timeout: 10_000 })
    if (part === null) throw new Error(`the end came after ${have} bytes`)
    whole.set(part, have)
    have += part.length
  }
  return whole
}

const same = (a: Uint8Array | null, b: Uint8Array) => a !== null && Buffer.compare(a, b) === 0

describe('sync.send with a timeout', () => {
  test('7: gives up a message that has not begun', async () => {
    const [here, there] = await pair('message')
    let sent = 0
    while (here.trySend(pattern(1000, sent)) >= 0) sent++
    await here.waitWritable({ timeout: 20 }).catch(() => {})
    while (here.trySend(pattern(1000, sent)) >= 0) sent++
    const before = performance.now()
    expect(() => here.sync?.send(pattern(1000, 255), { timeout: 30 })).toThrow(expect.objectContaining({ code: 'ERR_IPC_TIMEOUT' }))
    expect(performance.now() - before).toBeGreaterThan(25)
    for (let i = 0; i < sent; i++) expect(same(await there.receive({ timeout: 10_000 }), pattern(1000, i))).toBe(true)
  })

  test('2: returns when a message has begun, and the event loop sends the rest, of which it has a copy', async () => {
    const [here, there] = await pair('message')
    const message = pattern(LARGE, 1)
    here.sync?.send(message, { timeout: 30 })
    expect(here.queuedBytes).toBeGreaterThan(0)
    message.fill(0)
    const next = here.send(pattern(10, 2))
    expect(same(await there.receive({ timeout: 10_000 }), pattern(LARGE, 1))).toBe(true)
    expect(same(await there.receive({ timeout: 10_000 }), pattern(10, 2))).toBe(true)
    await next
    expect(here.queuedBytes).toBe(0)
  })

  test('3: the next one sends the rest first, or says in time that it cannot', async () => {
    const [here, there] = await pair('message')
    here.sync?.send(pattern(LARGE, 1), { timeout: 20 })
    // Both sides live on this thread, and the event loop does not run: what the peer reads makes room for the next try.
    const target = new Uint8Array(LARGE)
    let refused = 0
    for (let sent = false; !sent; ) {
      try {
        here.sync?.send(pattern(10, 2), { timeout: 1 })
        sent = true
      } catch (error) {
        expect(error).toMatchObject({ code: 'ERR_IPC_TIMEOUT' })
        refused++
        expect(there.tryReceiveInto(target)).toBe(Result.WOULD_BLOCK)
      }
    }
    expect(refused).toBeGreaterThan(0)
    expect(await there.receiveInto(target, { timeout: 10_000 })).toBe(LARGE)
    expect(same(target, pattern(LARGE, 1))).toBe(true)
    expect(same(await there.receive({ timeout: 10_000 }), pattern(10, 2))).toBe(true)
  })

  test('8: close sends the rest', async () => {
    const [here, there] = await pair('message')
    here.sync?.send(pattern(LARGE, 5), { timeout: 20 })
    const closed = here.close()
    expect(same(await there.receive({ timeout: 10_000 }), pattern(LARGE, 5))).toBe(true)
    expect(await there.receive({ timeout: 10_000 })).toBe(null)
    await closed
  })

  test('2: over a byte stream nothing is torn either', async () => {
    const [here, there] = await pair('stream')
    const bytes = pattern(LARGE, 1)
    here.sync?.send(bytes, { timeout: 20 })
    bytes.fill(0)
    const next = here.send(pattern(10, 2))
    const received = await read(there, LARGE + 10)
    expect(same(received.subarray(0, LARGE), pattern(LARGE, 1))).toBe(true)
    expect(same(received.subarray(LARGE), pattern(10, 2))).toBe(true)
    await next
  })

  test('3: while calls of send wait it is ERR_IPC_BUSY', async () => {
    const [here, there] = await pair('message')
    const waiting = here.send(pattern(LARGE, 1))
    expect(() => here.sync?.send(pattern(10, 2), { timeout: 20 })).toThrow(expect.objectContaining({ code: 'ERR_IPC_BUSY' }))
    expect(same(await there.receive({ timeout: 10_000 }), pattern(LARGE, 1))).toBe(true)
    await waiting
  })
})
