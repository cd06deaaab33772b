/** Two programs of the library, one in each host, and the channel between them. */
import { fileURLToPath } from 'node:url'
import { entering, type Host } from '../../../src/lab/host.js'
import type { Lab, Network } from '../../../src/lab/lab.js'
import type { TcpRow } from '../../../src/lab/tcp-state.js'
import type { Wire } from '../../../src/lab/wire.js'
import type { NodeProcess } from '../../../src/stage/node-process.js'
import type { Order, Told } from './peer.js'

const PROGRAM = fileURLToPath(new URL('./peer.js', import.meta.url))

export type Scheme = 'tcp' | 'udp'

export class Peer {
  readonly #process: NodeProcess

  constructor(process: NodeProcess) {
    this.#process = process
  }

  get pid(): number {
    return this.#process.pid
  }

  /** Settles when it has done it, or could not. One thing at a time. */
  async do(order: Order): Promise<Told> {
    this.#process.ask(order)
    return (await this.#process.told()) as Told
  }

  kill(): Promise<void> {
    return this.#process.end()
  }
}

export interface Pair {
  readonly sender: Peer
  readonly receiver: Peer
  /** How long the connector took. */
  readonly connectMs: number
  /** Whether a row of /proc/net/tcp is the sender's end, or the receiver's. */
  readonly own: (row: TcpRow) => boolean
}

/** The receiver listens in B, the sender connects from A. */
export async function meet(lab: Lab, { A, B }: Network<Wire>, scheme: Scheme, port: number): Promise<Pair> {
  const url = `${scheme}://${B.address}:${port}`
  const start = (host: Host, role: string, way: 'listen' | 'connect') =>
    lab.stage.node(role, [PROGRAM, way, url], { through: entering(host.pid), quiet: true })
  const receiver = await start(B, 'receiver', 'listen')
  await receiver.told()
  const sender = await start(A, 'sender', 'connect')
  const connected = (await sender.told()) as Told
  await receiver.told()
  if (connected.message !== undefined) throw new Error(connected.message)
  return {
    sender: new Peer(sender),
    receiver: new Peer(receiver),
    connectMs: connected.ms,
    own: ({ local, remote, state }) => state === 'ESTABLISHED' && [local, remote].some((end) => end === `${B.address}:${port}`),
  }
}
