/**
 * `node:dgram` over UDP on the loopback. It drops what the receiver has no room for, so losses are
 * counted and the exchange has few messages on their way.
 *
 * Fair to it: the sockets are connected, else each `send` looks up its address. A datagram that the kernel
 * took at once is not waited for.
 */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { Inbox } from './inbox.js'
import type { BenchPeer, Link } from './peer.js'

const HOST = '127.0.0.1'
/** 65,535 less the headers of IPv4 and UDP. udp(7) */
const MAX_DATAGRAM = 65_507

async function bound(): Promise<Socket> {
  const socket = createSocket('udp4')
  socket.bind(0, HOST)
  await once(socket, 'listening')
  return socket
}

async function connected(socket: Socket, port: number): Promise<void> {
  socket.connect(port, HOST)
  await once(socket, 'connect')
}

function linkOver(socket: Socket): Link {
  const inbox = new Inbox()
  socket.on('message', (message) => inbox.push(message))
  socket.on('error', (error) => inbox.end(error))
  return {
    port: {
      send(data) {
        socket.send(data)
        return socket.getSendQueueCount() === 0 ? undefined : flushed(socket)
      },
      receive: () => inbox.receive(),
      receiveWithin: (timeoutMs) => inbox.receiveWithin(timeoutMs),
    },
    close: () => void socket.close(),
  }
}

/** Settles when the kernel has taken every datagram. */
async function flushed(socket: Socket): Promise<void> {
  do await turn()
  while (socket.getSendQueueCount() > 0)
}

export const dgramUdp: BenchPeer = {
  id: 'peer/dgram-udp',
  summary: 'node:dgram over UDP on the loopback, connected sockets',
  payload: { min: 0, max: MAX_DATAGRAM },
  lossy: true,
  thread: false,
  unavailable: () => undefined,
  async offer(_meeting, start) {
    const socket = await bound()
    start.process(String(socket.address().port))
    const [, from] = (await once(socket, 'message')) as [Buffer, AddressInfo] // the hello
    await connected(socket, from.port)
    return linkOver(socket)
  },
  async join(_meeting, ticket) {
    const socket = await bound()
    await connected(socket, Number(ticket))
    const link = linkOver(socket)
    socket.send('hello')
    return link
  },
}
