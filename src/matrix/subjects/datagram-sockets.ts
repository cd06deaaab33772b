import { randomInt } from 'node:crypto'
import type { Actor } from '../../stage/actor.js'
import type { Constant } from '../../stage/call.js'
import { call } from '../../stage/call.js'
import { K } from '../../stage/constants.js'
import type { Stage } from '../../stage/stage.js'
import { bound, connected, inetAddress, int, LOOPBACK, noLoopback, octets, openSocket, portOf, socketEnd, unixAddress } from './sockets.js'
import type { Pair, Subject } from './subject.js'

/** The receiver has an address, to which the sender is connected. */
async function meet(stage: Stage, domain: Constant, at: Uint8Array): Promise<Pair> {
  const [sender, receiver] = [await stage.actor('sender'), await stage.actor('receiver')]
  const { fd, address } = await bound(receiver, domain, K.SOCK_DGRAM, at)
  const out = await connected(sender, domain, K.SOCK_DGRAM, address)
  return { sender: socketEnd(sender, out), receiver: socketEnd(receiver, fd) }
}

export const udgram: Subject = {
  key: 'udgram',
  title: 'unix dgram',
  adapter: 'socket/unix-dgram',
  meet: async (stage) => meet(stage, K.AF_UNIX, unixAddress(await stage.path())),
}

export const udp: Subject = {
  key: 'udp',
  title: 'UDP',
  adapter: 'socket/udp',
  unavailable: noLoopback,
  meet: (stage) => meet(stage, K.AF_INET, inetAddress(LOOPBACK, 0)),
}

/** A group of the run's own, of those for local use (RFC 2365). */
export const newGroup = (): string => `239.255.${randomInt(1, 255)}.${randomInt(1, 255)}`

/** A member of `group` on the loopback interface; answers its socket. ip(7) IP_ADD_MEMBERSHIP */
export const membership = (group: string): Uint8Array => Uint8Array.of(...octets(group), ...octets(LOOPBACK))

/** Binds a socket, beside others, to `group`, and joins it. Port 0: any. */
export async function joined(actor: Actor, group: string, port = 0): Promise<{ fd: number; address: Uint8Array }> {
  const fd = await openSocket(actor, K.AF_INET, K.SOCK_DGRAM)
  await actor.must(call('setsockopt', fd, K.SOL_SOCKET, K.SO_REUSEADDR, int(1)))
  await actor.must(call('bind', fd, inetAddress(group, port)))
  await actor.must(call('setsockopt', fd, K.IPPROTO_IP, K.IP_ADD_MEMBERSHIP, membership(group)))
  return { fd, address: (await actor.must(call('getsockname', fd))).bytes('address') }
}

export const mcast: Subject = {
  key: 'mcast',
  title: 'UDP multicast',
  adapter: 'socket/multicast',
  unavailable: noLoopback,
  async meet(stage) {
    const [sender, receiver] = [await stage.actor('sender'), await stage.actor('receiver')]
    const group = newGroup()
    const { fd, address } = await joined(receiver, group)
    const out = await openSocket(sender, K.AF_INET, K.SOCK_DGRAM)
    await sender.must(call('setsockopt', out, K.IPPROTO_IP, K.IP_MULTICAST_IF, Uint8Array.of(...octets(LOOPBACK))))
    await sender.must(call('connect', out, inetAddress(group, portOf(address))))
    return { sender: socketEnd(sender, out), receiver: socketEnd(receiver, fd) }
  },
}
