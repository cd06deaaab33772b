/** The subjects over sockets, by their addresses: how each opens a socket, and makes one receive. */
import { randomInt } from 'node:crypto'
import type { Actor } from '../../stage/actor.js'
import { describeAddress } from '../../stage/address.js'
import { type Constant, call } from '../../stage/call.js'
import { K } from '../../stage/constants.js'
import type { Stage } from '../../stage/stage.js'
import type { SubjectKey } from '../vocabulary.js'
import { membership, newGroup } from './datagram-sockets.js'
import { bound, hostOf, inetAddress, int, LOOPBACK, octets, openSocket, unixAddress } from './sockets.js'
import { BACKLOG } from './stream-sockets.js'

export interface SocketKind {
  /** An address that nothing has; `actor` tries that it is free. */
  newAddress(stage: Stage, actor: Actor): Promise<Uint8Array>
  /** A socket with no address yet. */
  open(actor: Actor): Promise<number>
  /** What a socket that is bound to `address` needs to receive. */
  attend(actor: Actor, fd: number, address: Uint8Array): Promise<unknown>
  /** Removes what stays of an address whose sockets are closed. */
  clear(actor: Actor, address: Uint8Array): Promise<unknown>
}

const listening = (actor: Actor, fd: number) => actor.must(call('listen', fd, BACKLOG))
const nothing = async () => {}

const unix = (type: Constant, attend: SocketKind['attend']): SocketKind => ({
  newAddress: async (stage) => unixAddress(await stage.path()),
  open: (actor) => openSocket(actor, K.AF_UNIX, type),
  attend,
  clear: (actor, address) => actor.do(call('unlink', describeAddress(address))),
})

const inet = (type: Constant, newHost: () => string, attend: SocketKind['attend']): SocketKind => ({
  // The kernel chooses the port, which is given back at once.
  async newAddress(_stage, actor) {
    const { fd, address } = await bound(actor, K.AF_INET, type, inetAddress(newHost(), 0))
    await actor.must(call('close', fd))
    return address
  },
  open: (actor) => openSocket(actor, K.AF_INET, type),
  attend,
  clear: nothing,
})

/** Of the loopback network one that nobody else uses. */
const newHost = (): string => `127.${randomInt(1, 255)}.${randomInt(256)}.${randomInt(1, 255)}`

const kinds: Partial<Record<SubjectKey, SocketKind>> = {
  ustream: unix(K.SOCK_STREAM, listening),
  udgram: unix(K.SOCK_DGRAM, nothing),
  useq: unix(K.SOCK_SEQPACKET, listening),
  tcp: inet(K.SOCK_STREAM, newHost, listening),
  udp: inet(K.SOCK_DGRAM, newHost, nothing),
  mcast: {
    ...inet(K.SOCK_DGRAM, newGroup, (actor, fd, address) =>
      actor.must(call('setsockopt', fd, K.IPPROTO_IP, K.IP_ADD_MEMBERSHIP, membership(hostOf(address)))),
    ),
    async open(actor) {
      const fd = await openSocket(actor, K.AF_INET, K.SOCK_DGRAM)
      await actor.must(call('setsockopt', fd, K.IPPROTO_IP, K.IP_MULTICAST_IF, Uint8Array.of(...octets(LOOPBACK))))
      return fd
    },
  },
}

export function socketKind({ key, title }: { readonly key: SubjectKey; readonly title: string }): SocketKind {
  const kind = kinds[key]
  if (kind === undefined) throw new TypeError(`${title} is no socket`)
  return kind
}

/** Opens a socket, binds it and makes it receive. `options` of SOL_SOCKET are switched on before. */
export async function serve(actor: Actor, kind: SocketKind, address: Uint8Array, ...options: readonly Constant[]): Promise<number> {
  const fd = await kind.open(actor)
  for (const option of options) await actor.must(call('setsockopt', fd, K.SOL_SOCKET, option, int(1)))
  await actor.must(call('bind', fd, address))
  await kind.attend(actor, fd, address)
  return fd
}
