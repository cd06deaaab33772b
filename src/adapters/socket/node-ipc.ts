/**
 * The npm package node-ipc, as its users use it: events as JSON over a unix stream socket, each ended by
 * a form feed. JSON has no bytes, so a message travels as base64, a third longer.
 *
 * Several versions of the package were malicious; this adapter loads none but the one that it is written for.
 */
import { chmodSync, readFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { constants } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { type Acceptor, defineAdapter, type Endpoint, type Outbox, READABLE, WRITABLE } from '../../core/adapter.js'
import { Result } from '../../core/channel.js'
import { type ErrorContext, fromNodeError, IpcError } from '../../core/errors.js'
import { fileKind, intend } from '../../core/janitor.js'
import { orAborted } from '../../core/wait.js'
import { require } from '../../native/require.js'
import { temporaryPath, unixPathOf, unixUrl } from './unix-path.js'

declare module '../../core/channel.js' {
  interface Adapters {
    /** At most 107 bytes. */
    'socket/node-ipc': { path: string }
  }
}

/** What is used of node-ipc 12; the package has no types of its own. */
interface NodeIpc {
  config: Record<string, unknown>
  server: NodeIpcServer
  of: Record<string, NodeIpcClient>
  serve(path: string, started: () => void): void
  connectTo(id: string, path: string, made: () => void): void
  disconnect(id: string): void
}
interface NodeIpcServer {
  /** What node-ipc calls the listening net.Server; there after `start`. */
  server: { unref(): void }
  on(event: string, listener: (...args: never[]) => void): void
  emit(socket: Socket, type: string, data: unknown): void
  start(): void
  stop(): void
}
interface NodeIpcClient {
  socket: Socket
  on(event: string, listener: (...args: never[]) => void): void
  emit(type: string, data: unknown): void
}

const ID = 'peer'
const EVENT = 'message'
/** The package joins what came of a message anew with every 64 KiB, so time grows with the square of the length. */
const MAX_MESSAGE = 1024 * 1024
const MALICIOUS = new Set(['9.1.6', '9.2.2', '9.2.3', '10.1.1', '10.1.2', '10.1.3', '11.0.0', '11.1.0', '12.0.1'])
const VERSION = '12.0.0'
const INSTALL = `\`npm install --save-exact node-ipc@${VERSION}\``

let checked = false

function unavailable(): string | undefined {
  if (checked) return undefined
  let main: string
  try {
    main = require.resolve('node-ipc')
  } catch {
    return `the package node-ipc is not installed; run ${INSTALL}`
  }
  const { version } = JSON.parse(readFileSync(join(dirname(main), 'package.json'), 'utf8')) as { version: string }
  if (MALICIOUS.has(version)) return `node-ipc ${version} is a malicious release; run ${INSTALL}`
  if (version !== VERSION) return `node-ipc ${version} is not the one that this adapter is written for; run ${INSTALL}`
  checked = true
  return undefined
}

/** An instance of its own: the package's default one is shared by everybody in the process. */
function instance(): NodeIpc {
  const { IPCModule } = require('node-ipc') as { IPCModule: new () => NodeIpc }
  const ipc = new IPCModule()
  Object.assign(ipc.config, {
    silent: true,
    maxRetries: 0,
    stopRetrying: true,
    maxConnections: 0x7fffffff,
    // As it comes, the package unlinks the path of a living listener.
    unlink: false,
  })
  return ipc
}

/** A connection of node-ipc: its events become messages. */
class NodeIpcEndpoint implements Endpoint {
  error: IpcError | undefined
  peer: undefined
  onReady: (ready: number) => void = () => {}
  nextLength = 0
  readonly outbox: Outbox
  readonly #socket: Socket
  readonly #emit: (data: unknown) => void
  readonly #errors: ErrorContext
  readonly #arrived: Uint8Array[] = []
  #over: number | undefined
  #interest = 0
  #flushing = false

  constructor(socket: Socket, emit: (data: unknown) => void, errors: ErrorContext) {
    this.#socket = socket
    this.#emit = emit
    this.#errors = errors
    this.outbox = {
      get pendingBytes() {
        return socket.writableLength
      },
      flush: () => (socket.destroyed ? Result.PEER_GONE : socket.writableLength > 0 ? Result.WOULD_BLOCK : 0),
      own() {}, // the text is a copy
      cork: (on) => {
        if (on !== socket.writableCorked > 0) on ? socket.cork() : socket.uncork()
      },
    }
    socket.unref() // what keeps the process alive is the channel
    socket.on('end', () => this.finish(Result.END))
    socket.on('error', () => this.finish(Result.PEER_GONE))
    socket.on('close', () => this.finish(Result.PEER_GONE))
  }

  get buffered(): boolean {
    return this.#arrived.length > 0 || this.#over !== undefined
  }

  trySend(data: Uint8Array): number {
    if (this.#socket.destroyed || this.#socket.writableEnded) return Result.PEER_GONE
    if (this.#socket.writableNeedDrain) return Result.WOULD_BLOCK
    this.#emit({ bytes: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64') })
    return data.length
  }

  tryReceiveInto(target: Uint8Array): number {
    const message = this.#arrived[0]
    if (message === undefined) return this.#over ?? Result.WOULD_BLOCK
    if (message.length > target.length) {
      this.nextLength = message.length
      return Result.TARGET_SIZE
    }
    target.set(message)
    this.#arrived.shift()
    if (this.#arrived.length === 0) this.#socket.resume()
    return message.length
  }

  /** An event of ours came. */
  arrive(data: unknown): void {
    const text = (data as { bytes?: unknown } | null)?.bytes
    if (typeof text !== 'string') {
      this.fail('a message came that is none of this library')
      return
    }
    this.#arrived.push(Uint8Array.from(Buffer.from(text, 'base64')))
    this.#socket.pause() // what nobody received yet stays in the kernel, so that the peer is held up
    this.#tell()
  }

  fail(reason: string): void {
    this.error ??= new IpcError('ERR_IPC_PROTOCOL', reason, this.#errors)
    this.finish(Result.FAILED)
  }

  finish(result: number): void {
    this.#over ??= result
    this.#tell()
  }

  #tell(): void {
    if (this.#interest !== 0) this.onReady(READABLE | WRITABLE)
  }

  watch(interest: number): void {
    this.#interest = interest
    if (interest & READABLE && this.buffered) queueMicrotask(() => this.#tell())
    if ((interest & WRITABLE) === 0 || this.#flushing) return
    this.#flushing = true
    const flushed = () => {
      this.#flushing = false
      this.#tell()
    }
    // A write of nothing is called back when all that was written before is in the kernel.
    if (this.#socket.destroyed) queueMicrotask(flushed)
    else this.#socket.write('', flushed)
  }

  end(): void {
    this.#socket.end()
  }

  close(): void {
    this.#interest = 0
    this.#over ??= Result.CLOSED
    this.#arrived.length = 0
    this.#socket.resume()
    if (this.#socket.writableEnded) this.#socket.destroySoon()
    else this.#socket.destroy()
  }
}

const errorsAt = (path: string) => ({ adapter: 'socket/node-ipc', address: unixUrl('node-ipc', path) }) as const

export default defineAdapter({
  id: 'socket/node-ipc',
  scheme: 'node-ipc',
  summary: 'the npm package node-ipc: JSON events over a unix socket',
  capabilities: {
    framing: 'message',
    payload: { min: 0, max: MAX_MESSAGE },
    native: 'duplex',
    order: 'fifo',
    whenFull: 'block',
    end: 'kernel',
    halfClose: false,
    rendezvous: 'name',
    peers: 'many',
    lifetime: 'process',
    asyncWait: 'poll',
    detectsPeerExit: true,
    crashSafe: true,
    sync: false,
    zeroCopy: false,
    connects: true,
    opens: false,
    crossesHosts: false,
    priority: false,
    exempt: Object.freeze({
      11: 'the package removes its path when it stops even where a successor has it, and does not replace a stale one',
      12: 'the package buffers what a peer sends without an upper bound until a form feed comes, and tells no credentials',
    }),
  },
  unavailable,
  parse: (url) => ({ path: unixPathOf(url) }),
  format: ({ path }) => {
    if (path.startsWith('@')) throw new TypeError('node-ipc has no abstract names; write a path')
    return unixUrl('node-ipc', path)
  },
  temporary: (folder) => ({ path: temporaryPath(folder) }),

  listen({ path }, context) {
    const errors = errorsAt(path)
    const ipc = instance()
    return new Promise<Acceptor>((settle, reject) => {
      const endpoints = new Map<Socket, NodeIpcEndpoint>()
      const intent = intend(fileKind, resolve(path))
      ipc.serve(path, () => {
        ipc.server.server.unref() // what keeps the process alive is core's Server
        chmodSync(path, context.mode)
        const tracked = intent.made()
        settle({
          address: errors.address,
          pause() {},
          resume() {},
          close() {
            ipc.server.stop()
            tracked.forget()
          },
        })
      })
      const { server } = ipc
      server.on('connect', (socket: unknown) => {
        if (!(socket instanceof Socket)) return // an event that a peer called 'connect'
        const endpoint = new NodeIpcEndpoint(socket, (data) => server.emit(socket, EVENT, data), errors)
        endpoints.set(socket, endpoint)
        socket.once('close', () => endpoints.delete(socket))
        if (context.allow(undefined)) context.accept(endpoint)
        else endpoint.close()
      })
      server.on(EVENT, (data: unknown, socket: Socket) => endpoints.get(socket)?.arrive(data))
      server.on('error', (error: unknown, socket?: Socket) => {
        // js-message makes an event 'error' of what it cannot parse; then the socket says whose it was.
        const endpoint = socket === undefined ? undefined : endpoints.get(socket)
        if (endpoint !== undefined) endpoint.fail('what came is no JSON')
        else if (error instanceof Error && isListenError(error)) {
          intent.dropped()
          reject(fromNodeError(error, errors))
        }
      })
      server.start()
    })
  },

  async connect({ path }, context) {
    const errors = errorsAt(path)
    context.signal.throwIfAborted()
    const ipc = instance()
    ipc.connectTo(ID, path, () => {})
    const client = ipc.of[ID]
    if (client === undefined) throw new IpcError('ERR_IPC_FAILED', 'node-ipc made no client', errors)
    const endpoint = new NodeIpcEndpoint(client.socket, (data) => client.emit(EVENT, data), errors)
    client.socket.ref() // until it is connected
    client.on(EVENT, (data: unknown) => endpoint.arrive(data))
    const connected = new Promise<Endpoint>((settle, reject) => {
      client.on('connect', () => {
        client.socket.unref()
        settle(endpoint)
      })
      client.on('error', (error: unknown) => {
        if (error instanceof Error) reject(fromNodeError(error, errors))
        else endpoint.fail('what came is no JSON')
      })
    })
    try {
      return await orAborted(connected, context.signal)
    } catch (error) {
      ipc.disconnect(ID)
      throw error
    }
  },
})

const isListenError = (error: NodeJS.ErrnoException): boolean => error.syscall === 'listen' || error.errno === -constants.errno.EADDRINUSE
