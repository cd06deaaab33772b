/**
 * The package zeromq 6 (libzmq) over its transports ipc and tcp, a DEALER socket on each side: its
 * documentation advises against PAIR where reconnection could matter.
 *
 * Fair to it: each `send` is awaited as documented, which settles when libzmq has queued the message. Both
 * high-water marks are off, for the acknowledgements of the exchange hold the sender back before.
 */
import { join } from 'node:path'
import { privateFolder } from './folder.js'
import { missingPackage } from './installed.js'
import { lasting } from './lasting.js'
import type { BenchPeer, Link, Meeting, PeerId } from './peer.js'

const OPTIONS = { linger: 0, sendHighWaterMark: 0, receiveHighWaterMark: 0 }
const HELLO = 'hello'

type Dealer = InstanceType<typeof import('zeromq').Dealer>

async function dealer(): Promise<Dealer> {
  const { Dealer } = await import('zeromq')
  return new Dealer(OPTIONS)
}

async function messageOf(socket: Dealer): Promise<Uint8Array> {
  const [message] = await socket.receive()
  if (message === undefined) throw new Error('zeromq gave a message of no parts')
  return message
}

function linkOver(socket: Dealer, { inFlight }: Meeting, closed: () => void = () => {}): Link {
  // Above 128 bytes libzmq sends from the memory that it was given, on a thread of its own.
  const last = lasting(inFlight)
  return {
    port: {
      send: (data) => socket.send(last(data)),
      receive: () => messageOf(socket),
      receiveWithin() {
        throw new Error('zeromq loses nothing that would be waited for in vain')
      },
    },
    close() {
      socket.close()
      closed()
    },
  }
}

const zeromq = (id: PeerId, summary: string, place: () => { address: string; remove(): void }): BenchPeer => ({
  id,
  summary,
  payload: { min: 0, max: 64 * 1024 * 1024 },
  lossy: false,
  thread: false,
  unavailable: () => missingPackage('zeromq', '6', 'native'),
  async offer(meeting, start) {
    const { address, remove } = place()
    const socket = await dealer()
    await socket.bind(address)
    start.process(socket.lastEndpoint ?? address)
    await socket.receive() // the hello
    return linkOver(socket, meeting, remove)
  },
  async join(meeting, ticket) {
    const socket = await dealer()
    socket.connect(ticket as string)
    await socket.send(HELLO)
    return linkOver(socket, meeting)
  },
})

export const zeromqIpc = zeromq('peer/zeromq-ipc', 'the package zeromq 6 over ipc (a unix socket), DEALER to DEALER', () => {
  const folder = privateFolder()
  return { address: `ipc://${join(folder.name, 's')}`, remove: () => folder.remove() }
})

export const zeromqTcp = zeromq('peer/zeromq-tcp', 'the package zeromq 6 over TCP on the loopback, DEALER to DEALER', () => ({
  address: 'tcp://127.0.0.1:*',
  remove() {},
}))
