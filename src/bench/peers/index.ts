/** What users pick instead of this library, measured beside it. The library needs none of it at run time. */
import { dgramUdp } from './dgram.js'
import { messagePort } from './message-port.js'
import { nats } from './nats.js'
import { netTcp, netUnix } from './net.js'
import { nodeIpc } from './node-ipc.js'
import type { BenchPeer, PeerId } from './peer.js'
import { processSendAdvanced, processSendJson } from './process-send.js'
import { zeromqIpc, zeromqTcp } from './zeromq.js'

const PEERS: readonly BenchPeer[] = [
  processSendJson,
  processSendAdvanced,
  netUnix,
  netTcp,
  dgramUdp,
  nodeIpc,
  zeromqIpc,
  zeromqTcp,
  messagePort,
  nats,
]

export const peerIds = (): readonly PeerId[] => PEERS.map(({ id }) => id)

/** @throws RangeError where there is no such peer */
export function peerById(id: string): BenchPeer {
  const peer = PEERS.find((candidate) => candidate.id === id)
  if (peer === undefined) throw new RangeError(`there is no peer '${id}'; there are ${peerIds().join(', ')}`)
  return peer
}
