/**
 * `node:net` sockets, raw: bytes without frames, of which the receiver counts off the fixed size of a
 * message. A program whose messages differ in size would pay for frames besides.
 *
 * Fair to it: TCP_NODELAY on both sides. What is sent in one turn of the event loop is corked and goes to
 * the kernel in one `writev`, as the documentation of `cork` advises for many small writes: 64 bytes go
 * several times as often as with a `write` each. Nobody waits for 'drain', which would empty the queue
 * before it is filled again: the acknowledgements of the exchange hold the sender back.
 */
import { once } from 'node:events'
import { type AddressInfo, createConnection, createServer, type ListenOptions, type NetConnectOpts, type Socket } from 'node:net'
import { join } from 'node:path'
import { privateFolder } from './folder.js'
import { Cutter, Inbox } from './inbox.js'
import { lasting } from './lasting.js'
import type { BenchPeer, Link, Meeting, PeerId } from './peer.js'

function linkOver(socket: Socket, { receiveBytes, inFlight }: Meeting, closed: () => void = () => {}): Link {
  const last = lasting(inFlight)
  const uncork = () => socket.uncork()
  const chunks = new Inbox()
  const cutter = new Cutter(chunks, receiveBytes)
  socket.setNoDelay(true)
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.on('error', (error) => chunks.end(error))
  socket.on('close', () => chunks.end())
  return {
    port: {
      send(data) {
        if (socket.writableCorked === 0) {
          socket.cork()
          process.nextTick(uncork)
        }
        socket.write(last(data))
        return undefined
      },
      receive: () => cutter.receive(),
      receiveWithin: () => cutter.receiveWithin(),
    },
    close() {
      socket.destroy()
      closed()
    },
  }
}

interface Place {
  readonly listen: ListenOptions
  connectTo(bound: AddressInfo | string | null): NetConnectOpts
  remove(): void
}

const rawNet = (id: PeerId, summary: string, place: () => Place): BenchPeer => ({
  id,
  summary,
  payload: { min: 1, max: 64 * 1024 * 1024 },
  lossy: false,
  thread: false,
  unavailable: () => undefined,
  async offer(meeting, start) {
    const { listen, connectTo, remove } = place()
    const server = createServer().listen(listen)
    await once(server, 'listening')
    start.process(JSON.stringify(connectTo(server.address())))
    const [socket] = (await once(server, 'connection')) as [Socket]
    server.close()
    return linkOver(socket, meeting, remove)
  },
  async join(meeting, ticket) {
    const socket = createConnection(JSON.parse(ticket as string) as NetConnectOpts)
    await once(socket, 'connect')
    return linkOver(socket, meeting)
  },
})

export const netUnix = rawNet('peer/net-unix', 'node:net over a unix stream socket, unframed', () => {
  const folder = privateFolder()
  const path = join(folder.name, 's')
  return { listen: { path }, connectTo: () => ({ path }), remove: () => folder.remove() }
})

export const netTcp = rawNet('peer/net-tcp', 'node:net over TCP on the loopback, unframed', () => ({
  listen: { host: '127.0.0.1', port: 0 },
  connectTo: (bound) => ({ host: '127.0.0.1', port: (bound as AddressInfo).port }),
  remove() {},
}))
