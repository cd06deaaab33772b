/**
 * NATS: publish and subscribe through a `nats-server` of our own on the loopback, with the package
 * @nats-io/transport-node. Each message makes two hops, which is what a broker costs; the processor time
 * of the server counts, and the server runs where the measuring side may.
 *
 * Fair to it: subscriptions by callback, which is faster than by iterator; `publish` is not waited for,
 * so that the client joins messages to large writes; the acknowledgements of the exchange hold the sender
 * back. The server runs as it comes, without persistence, and takes at most 1 MiB a message.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { programAt } from '../../core/program-at.js'
import { privateFolder } from './folder.js'
import { Inbox } from './inbox.js'
import { missingPackage } from './installed.js'
import { lasting } from './lasting.js'
import type { BenchPeer, Link, Meeting } from './peer.js'

type Connection = Awaited<ReturnType<typeof import('@nats-io/transport-node').connect>>

const SERVER = 'nats-server'
/** util-linux: the server dies with this process, however that ends. */
const SETPRIV = 'setpriv'
const LISTENING = /Listening for client connections on (127\.0\.0\.1:\d+)/
/** Of the server as it comes. */
const MAX_PAYLOAD = 1024 * 1024
const START_MS = 5000

const TO_PING = 'ping'
const TO_PONG = 'pong'
const READY = 'ready'

interface Broker {
  readonly server: ChildProcess
  readonly address: string
}

/** Settles when it listens. */
function startServer(folder: string): Promise<Broker> {
  return new Promise((settle, reject) => {
    const server = spawn(
      programAt(SETPRIV) ?? SETPRIV,
      ['--pdeathsig', 'KILL', '--', programAt(SERVER) ?? SERVER, '--addr', '127.0.0.1', '--port', '-1', '--store_dir', folder],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    )
    const timer = setTimeout(() => {
      server.kill('SIGKILL')
      reject(new Error(`${SERVER} did not listen within ${START_MS} ms`))
    }, START_MS)
    let last = ''
    createInterface(server.stderr).on('line', (line) => {
      last = line
      const address = LISTENING.exec(line)?.[1]
      if (address === undefined) return
      clearTimeout(timer)
      settle({ server, address })
    })
    server.once('error', reject)
    server.once('exit', () => {
      clearTimeout(timer)
      reject(new Error(`${SERVER} ended: ${last}`))
    })
  })
}

async function connectTo(address: string): Promise<Connection> {
  const { connect } = await import('@nats-io/transport-node')
  return connect({ servers: address, reconnect: false })
}

/** Settles when the server has this subscription. */
async function subscribed(connection: Connection, own: string): Promise<Inbox> {
  const inbox = new Inbox()
  connection.subscribe(own, { callback: (error, message) => (error === null ? inbox.push(message.data) : inbox.end(error)) })
  connection.closed().then((error) => inbox.end(error ?? null))
  await connection.flush()
  return inbox
}

function linkOver(connection: Connection, inbox: Inbox, other: string, { inFlight }: Meeting): Omit<Link, 'close'> {
  // The client keeps what is published until it has 32 KiB, or to the end of the turn.
  const last = lasting(inFlight)
  return {
    port: {
      send(data) {
        connection.publish(other, last(data))
        return undefined
      },
      receive: () => inbox.receive(),
      receiveWithin: (timeoutMs) => inbox.receiveWithin(timeoutMs),
    },
  }
}

export const nats: BenchPeer = {
  id: 'peer/nats',
  summary: 'NATS: @nats-io/transport-node through a nats-server on the loopback',
  payload: { min: 0, max: MAX_PAYLOAD },
  lossy: false,
  thread: false,
  unavailable() {
    const missing = missingPackage('@nats-io/transport-node', '3')
    if (missing !== undefined) return missing
    if (programAt(SERVER) === undefined) return 'there is no nats-server; run `apt-get install nats-server`'
    if (programAt(SETPRIV) === undefined) return 'there is no setpriv, of util-linux, with which the server would die with the bench'
    return undefined
  },
  async offer(meeting, start) {
    const folder = privateFolder()
    const { server, address } = await startServer(folder.name)
    const connection = await connectTo(address)
    const inbox = await subscribed(connection, TO_PING)
    start.process(address)
    await inbox.receive() // the hello
    return {
      ...linkOver(connection, inbox, TO_PONG, meeting),
      ...(server.pid === undefined ? {} : { broker: server.pid }),
      async close() {
        await connection.close()
        const exited = new Promise((settle) => server.once('exit', settle))
        server.kill('SIGKILL')
        await exited
        folder.remove()
      },
    }
  },
  async join(meeting, ticket) {
    const connection = await connectTo(ticket as string)
    const inbox = await subscribed(connection, TO_PONG)
    connection.publish(TO_PING, READY)
    return { ...linkOver(connection, inbox, TO_PING, meeting), close: () => connection.close() }
  },
}
