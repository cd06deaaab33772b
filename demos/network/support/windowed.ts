/** A sender, and a receiver with a small buffer: their queues and the window between them are followed. */
import type { Lab, Network } from '../../../src/lab/lab.js'
import { TcpInfoWatch } from '../../../src/lab/tcp-info.js'
import type { TcpRow } from '../../../src/lab/tcp-state.js'
import { type Connected, connected } from './connected.js'

/** SO_RCVBUF. The kernel makes twice as much of it, and offers about half of that. socket(7) */
export const RECEIVE_BUFFER = 8192

export interface Windowed extends Connected {
  /** The rows of the connection in either host's table. */
  readonly own: (row: TcpRow) => boolean
  /** Looks at the window; to be closed at the end. */
  readonly watch: TcpInfoWatch
}

/** `bytes`: what is to be sent fits the sender's buffer. */
export async function windowed(lab: Lab, network: Network, port: number, bytes: number): Promise<Windowed> {
  const { A, B } = network
  const [client, server] = [await A.actor('sender'), await B.actor('receiver')]
  const ends = await connected(lab, network, { client, server, port, receiveBuffer: RECEIVE_BUFFER, sendBuffer: 2 * bytes })
  const own = ({ state, local, remote }: TcpRow) => state === 'ESTABLISHED' && (local.endsWith(`:${port}`) || remote.endsWith(`:${port}`))
  A.tcp.follow('queue (bytes) to send', (row) => (own(row) ? row.sendQueue : undefined))
  B.tcp.follow('queue (bytes) to read', (row) => (own(row) ? row.receiveQueue : undefined))
  const observer = await lab.stage.story.hush(() => client.spawn('observer'))
  const watch = new TcpInfoWatch(observer, ends.fd, 'A', lab.recorder, ({ sendWindow }) => ({ 'window (bytes) offered': sendWindow }))
  return { ...ends, own, watch }
}
