/**
 * The package node-ipc 12.0.0 itself, by its own `emit` and `on`, between a server and a client on a unix
 * socket (the adapter `socket/node-ipc` is our channel over it).
 *
 * Fair to it: its log is off (`silent`), which it formats and prints for every message otherwise. JSON has
 * no bytes, so a message is a base64 string. Nothing is waited for, since `emit` tells nothing: the
 * acknowledgements of the exchange hold the sender back.
 */
import type { Socket } from 'node:net'
import { join } from 'node:path'
import adapter from '../../adapters/socket/node-ipc.js'
import { require } from '../../native/require.js'
import { privateFolder } from './folder.js'
import { Inbox } from './inbox.js'
import type { BenchPeer, Link } from './peer.js'

/** What is used of it; the package has no types of its own. */
interface NodeIpc {
  config: Record<string, unknown>
  server: Events & { emit(socket: Socket, type: string, data: unknown): void; start(): void; stop(): void }
  of: Record<string, Events & { emit(type: string, data: unknown): void }>
  serve(path: string, started: () => void): void
  connectTo(id: string, path: string, made: () => void): void
  disconnect(id: string): void
}
interface Events {
  on(event: string, listener: (...args: never[]) => void): void
}

const EVENT = 'message'
const SERVER = 'server'
/** The package joins what came of a message anew with every 64 KiB, so time grows with the square of the length. */
const MAX_MESSAGE = 1024 * 1024

function instance(): NodeIpc {
  const { IPCModule } = require('node-ipc') as { IPCModule: new () => NodeIpc }
  const ipc = new IPCModule()
  Object.assign(ipc.config, { silent: true, stopRetrying: true })
  return ipc
}

function linkOver(events: Events, emit: (data: string) => void, close: () => void): Link {
  const inbox = new Inbox()
  events.on(EVENT, (data: string) => inbox.push(Buffer.from(data, 'base64')))
  events.on('error', (error: unknown) => inbox.end(error instanceof Error ? error : new Error('node-ipc got what is no JSON')))
  events.on('disconnect', () => inbox.end())
  events.on('socket.disconnected', () => inbox.end())
  return {
    port: {
      send(data) {
        emit(Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64'))
        return undefined
      },
      receive: () => inbox.receive(),
      receiveWithin: (timeoutMs) => inbox.receiveWithin(timeoutMs),
    },
    close,
  }
}

export const nodeIpc: BenchPeer = {
  id: 'peer/node-ipc',
  summary: 'the package node-ipc 12.0.0, its emit and on: JSON events over a unix socket',
  // Of an empty text the package makes an empty object.
  payload: { min: 1, max: MAX_MESSAGE },
  lossy: false,
  thread: false,
  unavailable: () => adapter.unavailable(),
  async offer(_meeting, start) {
    const folder = privateFolder()
    const path = join(folder.name, 's')
    const ipc = instance()
    await new Promise<void>((started) => {
      ipc.serve(path, started)
      ipc.server.start()
    })
    const socket = new Promise<Socket>((settle) => ipc.server.on('connect', settle))
    start.process(path)
    const client = await socket
    return linkOver(
      ipc.server,
      (data) => ipc.server.emit(client, EVENT, data),
      () => {
        client.destroy()
        ipc.server.stop()
        folder.remove()
      },
    )
  },
  async join(_meeting, ticket) {
    const ipc = instance()
    ipc.connectTo(SERVER, ticket as string, () => {})
    const client = ipc.of[SERVER]
    if (client === undefined) throw new Error('node-ipc made no client')
    const link = linkOver(
      client,
      (data) => client.emit(EVENT, data),
      () => ipc.disconnect(SERVER),
    )
    await new Promise<void>((settle) => client.on('connect', settle))
    return link
  },
}
