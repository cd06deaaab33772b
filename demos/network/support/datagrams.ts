/** Sockets for datagrams, as the stories of several hosts use them. */
import type { Frame } from '../../../src/lab/ethernet.js'
import type { Host } from '../../../src/lab/host.js'
import type { Lab } from '../../../src/lab/lab.js'
import { addressBytes } from '../../../src/lab/packet.js'
import { inetAddress, int, timeval } from '../../../src/matrix/subjects/sockets.js'
import type { Actor } from '../../../src/stage/actor.js'
import { call, type Labelled } from '../../../src/stage/call.js'
import { K } from '../../../src/stage/constants.js'

/** Longer than anything that comes takes to come: who waits longer fails. */
const PATIENCE_MS = 5000
const LARGEST = 256
const ANY_ADDRESS = '0.0.0.0'

/** A socket of a process at a host. */
export interface DatagramSocket {
  readonly host: Host<string>
  readonly actor: Actor
  readonly fd: number
}

/** A number as an option's value. */
export const number = (value: number): Labelled => ({ text: String(value), bytes: int(value) })

/** One that receives what comes to this port of its host, beside others of the port. */
export function receiver(lab: Lab, host: Host<string>, port: number, address = ANY_ADDRESS, role = host.side): Promise<DatagramSocket> {
  return lab.stage.story.hush(async () => {
    const socket = await unbound(host, role)
    await socket.actor.must(call('setsockopt', socket.fd, K.SOL_SOCKET, K.SO_REUSEADDR, int(1)))
    await socket.actor.must(call('bind', socket.fd, inetAddress(address, port)))
    return socket
  })
}

/** One that sends from an address of its host, and so by the interface that has it. */
export const sender = (lab: Lab, host: Host<string>): Promise<DatagramSocket> =>
  lab.stage.story.hush(async () => {
    const socket = await unbound(host, host.side)
    await socket.actor.must(call('bind', socket.fd, inetAddress(host.address, 0)))
    return socket
  })

async function unbound(host: Host<string>, role: string): Promise<DatagramSocket> {
  const actor = await host.actor(role)
  const { result: fd } = await actor.must(call('socket', K.AF_INET, K.SOCK_DGRAM, 0))
  await actor.must(call('setsockopt', fd, K.SOL_SOCKET, K.SO_RCVTIMEO, timeval(PATIENCE_MS)))
  return { host, actor, fd }
}

export async function send({ actor, fd }: DatagramSocket, text: string, address: string, port: number): Promise<void> {
  await actor.must(call('sendto', fd, text, 0, inetAddress(address, port)))
}

/** The next datagram. @throws Error where none comes */
export const receive = async ({ actor, fd }: DatagramSocket): Promise<string> => (await actor.must(call('recv', fd, LARGEST, 0))).text

const LAST = 'that was all'

/**
 * What has come since: `from` sends each of them a last datagram, which comes behind all others. So what did not come is
 * told without waiting for it.
 */
export function received(
  lab: Lab,
  from: DatagramSocket,
  port: number,
  ...sockets: readonly DatagramSocket[]
): Promise<readonly (readonly string[])[]> {
  return lab.stage.story.hush(async () => {
    const all: (readonly string[])[] = []
    for (const socket of sockets) {
      await send(from, LAST, socket.host.address, port)
      const texts: string[] = []
      for (let text = await receive(socket); text !== LAST; text = await receive(socket)) texts.push(text)
      all.push(texts)
      lab.recorder.write({ side: socket.host.side, sample: { name: 'datagrams received', value: texts.length } })
    }
    return all
  })
}

/** Membership of `group` at the interface of the host that has its address: `struct ip_mreq`. ip(7) */
export const membership = (group: string, { address }: Host<string>): Labelled => ({
  text: `${group} at ${address}`,
  bytes: Uint8Array.of(...addressBytes(group), ...addressBytes(address)),
})

/** Whether a frame carries a datagram of this text. */
export const carries =
  (text: string) =>
  ({ packet }: Frame): boolean =>
    packet !== undefined && Buffer.from(packet.bytes.subarray(-packet.payloadLength)).toString('latin1') === text
