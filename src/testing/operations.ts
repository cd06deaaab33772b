/** What a peer of the conformance suite can be told to do. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import type { Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { isMainThread, Worker } from 'node:worker_threads'
import type { Address, Bytes, Channel, Framing, Receiver, Sender, Server } from '../core/channel.js'
import { isIpcError } from '../core/errors.js'
import { runFolder, sweep } from '../core/janitor.js'
import { adapterById, moduleOf } from '../core/registry.js'
import { connect, listen, openReceiver, openSender } from '../core/rendezvous.js'
import { spawnPeer } from '../core/spawn.js'
import { fragmented } from '../layers/fragmented.js'
import { digest, pattern } from './pattern.js'
import type { ThreadData } from './thread.js'

export interface Batch {
  on?: string
  seed: number
  length: number
  count?: number
  priority?: number
}
export interface On {
  on?: string
}
export interface Meeting extends On {
  address?: Address
  adapter?: string
  options?: Record<string, unknown>
}

/** Descriptors and threads of this process. */
export interface Census {
  readonly descriptors: number
  readonly threads: number
}

/** Whether a census has nothing that `most` has not; an unknown one is beyond any. */
export const isNoMore = (census: Census, most: Census | undefined): boolean =>
  most === undefined || (census.descriptors <= most.descriptors && census.threads <= most.threads)

const census = (): Census => ({
  descriptors: readdirSync('/proc/self/fd').length,
  threads: readdirSync('/proc/self/task').length,
})

/** What is being released is gone in less. */
const REST_MS = 300

type Both = Channel<Framing>

export class Operations {
  control: Socket | undefined
  readonly #channels = new Map<string, Both>()
  readonly #servers = new Map<string, Server>()

  add(name: string, channel: Sender | Receiver): void {
    this.#channels.set(name, channel as Both)
  }

  async run(operation: string, options: Record<string, unknown>): Promise<unknown> {
    const found = (this.operations as Record<string, ((options: never) => unknown) | undefined>)[operation]
    assert(found !== undefined, `no operation '${operation}'`)
    return found(options as never)
  }

  #on({ on = 'main' }: On): Both {
    const channel = this.#channels.get(on)
    assert(channel !== undefined, `no channel '${on}'`)
    return channel
  }

  readonly operations = {
    ping: () => process.pid,
    /** Ready for the next case: nothing is open. */
    reset: async () => {
      for (const channel of this.#channels.values()) channel.destroy()
      for (const server of this.#servers.values()) await server.close()
      this.#channels.clear()
      this.#servers.clear()
    },
    state: (options: On) => this.#on(options).state,

    // ---- messages ----
    send: async ({ seed, length, count = 1, priority = 0, ...on }: Batch) => {
      for (let i = 0; i < count; i++) await this.#on(on).send(pattern(seed + i, length), priority === 0 ? {} : { priority })
    },
    /** Sends bytes as they are. */
    write: ({ base64, ...on }: On & { base64: string }) => this.#on(on).send(Buffer.from(base64, 'base64')),
    /** Without waiting for room: how many were taken, and the `Result` that ended it. */
    fill: ({ seed, length, count = Number.POSITIVE_INFINITY, ...on }: Batch) => {
      const channel = this.#on(on)
      for (let i = 0; i < count; i++) {
        const result = channel.trySend(pattern(seed + i, length))
        if (result < 0) return { taken: i, result }
      }
      return { taken: count, result: 0 }
    },
    /** The next messages, as digests; stops at the end, which is `null`. */
    receive: async ({ count = 1, timeout, ...on }: On & { count?: number; timeout?: number }) => {
      const got: (string | null)[] = []
      while (got.length < count) {
        const message = await this.#on(on).receive({ timeout })
        got.push(message === null ? null : digest(message))
        if (message === null) break
      }
      return got
    },
    /** Every message until the end or an error: digests, and how it ended. */
    receiveAll: async (on: On) => {
      const got: string[] = []
      try {
        for await (const message of this.#on(on).messages()) got.push(digest(message))
        return { got, end: null }
      } catch (error) {
        return { got, end: isIpcError(error) ? error.code : String(error) }
      }
    },
    /** `count` messages, which must be this pattern's in this order. */
    expect: async ({ seed, length, count = 1, ...on }: Batch) => {
      for (let i = 0; i < count; i++) {
        const message = await this.#on(on).receive()
        assert(message !== null, `the end came after ${i} of ${count} messages`)
        const expected = pattern(seed + i, length)
        // Digests say more in few words, and cost more than the bytes of a short message.
        if (Buffer.compare(message, expected) !== 0) assert.equal(digest(message), digest(expected), `message ${i} of ${count}`)
      }
    },
    tryReceive: (on: On) => this.#on(on).tryReceiveInto(new Uint8Array(64 * 1024)),
    /** What is there now: how many messages, without waiting for more than `settle` ms after each. */
    drain: async ({ settle, ...on }: On & { settle: number }) => {
      const got: string[] = []
      try {
        for (;;) {
          const message = await this.#on(on).receive({ timeout: settle })
          if (message === null) return got
          got.push(digest(message))
        }
      } catch (error) {
        if (isIpcError(error) && error.code === 'ERR_IPC_TIMEOUT') return got
        throw error
      }
    },
    /** Sends back `count` messages. */
    echo: async ({ count = 1, ...on }: On & { count?: number }) => {
      for (let i = 0; i < count; i++) {
        const message = await this.#on(on).receive()
        if (message === null) return
        await this.#on(on).send(message)
      }
    },
    /** One fragmented message there and back. */
    echoFragmented: async (on: On) => {
      const channel = fragmented(this.#on(on) as Channel)
      await channel.send((await channel.receive()) as Bytes)
    },
    claim: async ({ seed, length, ...on }: Batch) => {
      const claim = await this.#on(on).zeroCopy?.claim(length)
      claim?.data.set(pattern(seed, length))
      claim?.commit()
    },

    // ---- ending ----
    end: (on: On) => this.#on(on).end(),
    close: ({ timeout, ...on }: On & { timeout?: number }) => this.#on(on).close({ timeout }),
    destroy: (on: On) => this.#on(on).destroy(),
    unref: (on: On) => {
      this.#on(on).unref()
    },
    exit: ({ code = 0 }: { code?: number }) => process.exit(code),
    die: () => (isMainThread ? process.kill(process.pid, 'SIGKILL') : process.exit(1)),
    /** The process ends in the turn in which the last send has settled. */
    sendAndExit: async ({ seed, length, count = 1, ...on }: Batch) => {
      for (let i = 0; i < count; i++) await this.#on(on).send(pattern(seed + i, length))
      process.exit(0)
    },
    /** Sends until one does not settle at once, says how many did, and exits. */
    fillAndExit: async ({ seed, length, count = 1000, ...on }: Batch) => {
      let settled = 0
      for (let i = 0; i < count && settled === i; i++) {
        this.#on(on)
          .send(pattern(seed + i, length))
          .then(
            () => settled++,
            () => {},
          )
        await turn()
      }
      this.control?.write(`${JSON.stringify({ settled })}\n`, () => process.exit(0))
      await new Promise(() => {})
    },
    release: () => {
      this.control?.unref()
    },

    // ---- meeting ----
    listen: async ({ on = 'server', adapter, address, options = {} }: Meeting) => {
      const server = await listen(address ?? (await fresh(adapter)), options)
      this.#servers.set(on, server)
      return server.address
    },
    accept: async ({ on = 'server', as }: On & { as: string }) => {
      const server = this.#servers.get(on)
      assert(server !== undefined, `no server '${on}'`)
      const { value, done } = await server[Symbol.asyncIterator]().next()
      if (done === true) return false
      this.add(as, value)
      return true
    },
    closeServer: async ({ on = 'server' }: On) => {
      await this.#servers.get(on)?.close()
      this.#servers.delete(on)
    },
    connect: async ({ on = 'main', address = '', options = {} }: Meeting) => {
      this.add(on, await connect(address, options))
    },
    openReceiver: async ({ on = 'main', address = '', options = {} }: Meeting) => {
      this.add(on, await openReceiver(address, options))
    },
    openSender: async ({ on = 'main', address = '', options = {} }: Meeting) => {
      this.add(on, await openSender(address, options))
    },
    sweep: () => sweep().length,

    // ---- resources ----
    /** What this process has, as soon as that is no more than `most`, or after a while. */
    census: async ({ most }: { most?: Census | undefined }) => {
      const begin = performance.now()
      for (let turns = 0; turns < 10; turns++) await turn()
      let now = census()
      while (!isNoMore(now, most) && performance.now() - begin < REST_MS) {
        await turn()
        now = census()
      }
      return now
    },
    /** Starts a peer, uses it, and ends it in the middle of a receive. */
    briefPeer: async ({ adapter = '', thread, how }: Meeting & { thread: boolean; how: 'close' | 'destroy' }) => {
      const peer = await spawnPeer(new URL('./brief-peer.js', import.meta.url), { adapter: adapter as never, thread })
      await peer.channel.send(pattern(1, peer.channel.capabilities.payload.min))
      await peer.channel.receive()
      const waiting = peer.channel.receive().catch(() => null)
      if (how === 'destroy') peer.channel.destroy()
      await peer[Symbol.asyncDispose]()
      await waiting
    },
    /** A thread of this process that holds a channel to another, and ends in the middle of a receive. */
    worker: async ({ address, adapter }: Meeting) => {
      const server = await listen(address ?? (await fresh(adapter)))
      const worker = new Worker(new URL('./thread.js', import.meta.url), {
        workerData: { address: server.address, module: moduleOf(adapter ?? '') } satisfies ThreadData,
      })
      const exited = new Promise((resolve) => worker.once('exit', resolve))
      const failed = new Promise<never>((_, reject) => worker.once('error', reject))
      const { value } = await Promise.race([server[Symbol.asyncIterator]().next(), failed])
      const channel = value as Channel
      const payload = pattern(7, Math.max(channel.capabilities.payload.min, Math.min(64, channel.capabilities.payload.max)))
      await channel.send(payload)
      const echoed = await Promise.race([channel.receive(), failed])
      await worker.terminate()
      await exited
      channel.destroy()
      await server.close()
      return { sent: digest(payload), echoed: echoed === null ? null : digest(echoed) }
    },
  }
}

async function fresh(id = ''): Promise<Address> {
  const adapter = await adapterById(id)
  assert(adapter.temporary !== undefined, `${id} has no temporary address`)
  return { adapter: adapter.id, ...adapter.temporary(runFolder()) } as Address
}

export type OperationName = keyof Operations['operations']
export type OptionsOf<Name extends OperationName> = Parameters<Operations['operations'][Name]>[0]
export type ValueOf<Name extends OperationName> = Awaited<ReturnType<Operations['operations'][Name]>>
