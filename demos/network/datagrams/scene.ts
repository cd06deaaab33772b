/** What the scenes share: two hosts, a process at each, and UDP sockets between them. */
import type { Lab, Network } from '../../../src/lab/lab.js'
import type { TracedPacket } from '../../../src/lab/trace.js'
import type { Wire } from '../../../src/lab/wire.js'
import { inetAddress } from '../../../src/matrix/subjects/sockets.js'
import type { Actor } from '../../../src/stage/actor.js'
import { call } from '../../../src/stage/call.js'
import { K } from '../../../src/stage/constants.js'

export interface Scene {
  readonly lab: Lab
  readonly network: Network<Wire>
  /** At A, and at B. */
  readonly sender: Actor
  readonly receiver: Actor
}

export async function udpSocket(actor: Actor): Promise<number> {
  return (await actor.must(call('socket', K.AF_INET, K.SOCK_DGRAM, 0))).result
}

/** The sender's descriptor, connected to the receiver's, which is bound to `port`. */
export async function udpPair({ network: { B }, sender, receiver }: Scene, port: number): Promise<{ out: number; into: number }> {
  const into = await udpSocket(receiver)
  await receiver.must(call('bind', into, inetAddress(B.address, port)))
  const out = await udpSocket(sender)
  await sender.must(call('connect', out, inetAddress(B.address, port)))
  return { out, into }
}

/** The packets that come onto the wire from now on. */
export function packetsFromNow({ recorder }: Lab): () => readonly TracedPacket[] {
  const before = recorder.events.length
  return () => recorder.events.slice(before).flatMap(({ packet }) => packet ?? [])
}

/** Settles when such a packet has come out of the wire. */
export async function arrival({ recorder }: Lab, packets: () => readonly TracedPacket[], text: string): Promise<void> {
  await recorder.until(text, () => packets().find((packet) => packet.text === text && packet.arrived !== undefined))
}
