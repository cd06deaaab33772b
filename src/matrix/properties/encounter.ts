/** One process offers a mechanism, another tries to reach it: from the same place, or from elsewhere. */
import type { Actor } from '../../stage/actor.js'
import { type Call, type Constant, call } from '../../stage/call.js'
import { either, K } from '../../stage/constants.js'
import { Skip, type Stage } from '../../stage/stage.js'
import { newGroup } from '../subjects/datagram-sockets.js'
import { subjectByKey } from '../subjects/index.js'
import { makeMemfd, map } from '../subjects/memory.js'
import { realtimeSignal, STANDARD } from '../subjects/signals.js'
import { bound, inetAddress, LOOPBACK, octets, openSocket, portOf, unixAddress } from '../subjects/sockets.js'
import { newObject } from '../subjects/subject.js'
import type { SubjectKey } from '../vocabulary.js'

export interface Offer {
  readonly owner: Actor
  /** The folder in which its name lies. */
  readonly folder?: string
  /** A descriptor that has no name. */
  readonly fd?: number
  /** Whether the peer reaches it. A related peer has the descriptor by inheritance. */
  reachedBy(peer: Actor): Promise<boolean>
}

/** The address of the network that an offer is at. */
interface Place {
  readonly owner: Actor
  readonly host: string
  /** Settles when what the peer sent has come, if it comes at all; without it what was sent first comes first. */
  arrival?(): Promise<void>
}

const succeeds = async (peer: Actor, what: Call): Promise<boolean> => (await peer.do(what)).error === undefined

const NO_FLAGS: Constant = { text: '0', value: 0 }

async function unix(stage: Stage, type: Constant, abstract: boolean): Promise<Offer> {
  const owner = await stage.actor('owner')
  const path = await stage.path()
  const address = unixAddress(abstract ? `\0${path}` : path)
  const { fd } = await bound(owner, K.AF_UNIX, type, address)
  if (type !== K.SOCK_DGRAM) await owner.must(call('listen', fd, 8))
  return {
    owner,
    folder: stage.company.folder,
    reachedBy: async (peer) => succeeds(peer, call('connect', await openSocket(peer, K.AF_UNIX, type), address)),
  }
}

async function tcp(place: Place): Promise<Offer> {
  const { owner, host } = place
  const { fd, address } = await bound(owner, K.AF_INET, K.SOCK_STREAM, inetAddress(host, 0))
  await owner.must(call('listen', fd, 8))
  return { owner, reachedBy: async (peer) => succeeds(peer, call('connect', await openSocket(peer, K.AF_INET, K.SOCK_STREAM), address)) }
}

/** Who sends a datagram is not told whether it came: the owner's own, behind it, shows when it did not. */
async function datagrams({ owner, host, arrival }: Place, from: (peer: Actor) => string, group?: string): Promise<Offer> {
  const { fd, address } = await bound(owner, K.AF_INET, K.SOCK_DGRAM, inetAddress(group ?? host, 0))
  const to = inetAddress(group ?? host, portOf(address))
  if (group !== undefined)
    await owner.must(call('setsockopt', fd, K.IPPROTO_IP, K.IP_ADD_MEMBERSHIP, Uint8Array.of(...octets(group), ...octets(host))))
  const sendFrom = async (actor: Actor, source: string, text: string) => {
    const out = await openSocket(actor, K.AF_INET, K.SOCK_DGRAM)
    if (group !== undefined) await actor.do(call('setsockopt', out, K.IPPROTO_IP, K.IP_MULTICAST_IF, Uint8Array.of(...octets(source))))
    return actor.do(call('sendto', out, text, 0, to))
  }
  return {
    owner,
    async reachedBy(peer) {
      await sendFrom(peer, from(peer), 'theirs')
      await arrival?.()
      await sendFrom(owner, host, 'own')
      const first = (await owner.must(call('recv', fd, 16, 0))).text
      if (first === 'own') return false
      await owner.must(call('recv', fd, 16, 0))
      return true
    },
  }
}

async function signal(stage: Stage, numberOf: (owner: Actor) => Promise<number>): Promise<Offer> {
  const owner = await stage.actor('owner')
  const number = await numberOf(owner)
  await owner.must(call('sigprocmask', K.SIG_BLOCK, number))
  return {
    owner,
    async reachedBy(peer) {
      if (!(await succeeds(peer, call('kill', owner.pid, number)))) return false
      await owner.must(call('sigtimedwait', -1, number))
      return true
    },
  }
}

/** Of an object under a name: whether a peer finds it. `folder`: where the name lies, if it does in one. */
async function named(stage: Stage, key: SubjectKey, folder?: string): Promise<Offer> {
  const owner = await stage.actor('owner')
  const object = await newObject(stage, subjectByKey[key])
  await object.make(owner, true)
  return {
    owner,
    ...(folder === undefined ? {} : { folder }),
    reachedBy: async (peer) => (await object.find(peer)).error === undefined,
  }
}

/** `place` and `source`: of those that have an address of the network, where the owner and the peer are. */
export async function offer(stage: Stage, key: SubjectKey, place?: Place, source = LOOPBACK): Promise<Offer> {
  const here = async (): Promise<Place> => place ?? { owner: await stage.actor('owner'), host: LOOPBACK }
  const offers: Readonly<Record<SubjectKey, () => Promise<Offer>>> = {
    pipe: async () => {
      const owner = await stage.actor('owner')
      const made = await owner.must(call('pipe2', 0))
      const [read, write] = [made.number('read'), made.number('write')]
      return {
        owner,
        fd: write,
        async reachedBy(peer) {
          if (!(await succeeds(peer, call('write', write, 'x')))) return false
          return (await owner.must(call('read', read, 8))).text === 'x'
        },
      }
    },
    memfd: async () => {
      const owner = await stage.actor('owner')
      const fd = await makeMemfd(owner)
      const address = await map(owner, fd)
      return {
        owner,
        fd,
        async reachedBy(peer) {
          await peer.must(call('store', await map(peer, fd), 'x'))
          return (await owner.must(call('load', address, 1))).text === 'x'
        },
      }
    },
    fifo: () => named(stage, key, stage.company.folder),
    psem: () => named(stage, key, SHM_FOLDER),
    pshm: () => named(stage, key, SHM_FOLDER),
    pmq: () => named(stage, key),
    svsem: () => named(stage, key),
    svmq: () => named(stage, key),
    svshm: () => named(stage, key),
    sig: () => signal(stage, async () => STANDARD.value),
    rtsig: () => signal(stage, realtimeSignal),
    ustream: () => unix(stage, K.SOCK_STREAM, false),
    udgram: () => unix(stage, K.SOCK_DGRAM, false),
    useq: () => unix(stage, K.SOCK_SEQPACKET, false),
    tcp: async () => tcp(await here()),
    udp: async () => datagrams(await here(), () => source),
    mcast: async () => datagrams(await here(), () => source, newGroup()),
  }
  return offers[key]()
}

/** A unix socket with a name that lies in no folder. unix(7), "abstract" */
export const offerAbstract = (stage: Stage, type: Constant): Promise<Offer> => unix(stage, type, true)

const SHM_FOLDER = '/dev/shm'

/** Each kind of separation, applied to a peer that is to meet an offer. Answers the peer, or its child where that is separate. */
export const SEPARATIONS = {
  async IPC(stage: Stage, peer: Actor): Promise<Actor> {
    await stage.separate(peer, K.CLONE_NEWIPC)
    return peer
  },
  /** Its own file systems: where the names lie there is another. */
  async mount(stage: Stage, peer: Actor, { folder }: Offer): Promise<Actor> {
    await stage.separate(peer, K.CLONE_NEWNS)
    await peer.must(call('mount', 'none', '/', 'none', either(K.MS_REC, K.MS_PRIVATE)))
    if (folder !== undefined) await peer.must(call('mount', 'none', folder, 'tmpfs', NO_FLAGS))
    return peer
  },
  async network(stage: Stage, peer: Actor): Promise<Actor> {
    await stage.separate(peer, K.CLONE_NEWNET)
    await peer.must(call('interface_up', 'lo'))
    return peer
  },
  /** A process stays in its namespace: its child is the first in the new one. pid_namespaces(7) */
  async PID(stage: Stage, peer: Actor): Promise<Actor> {
    await stage.separate(peer, K.CLONE_NEWPID)
    return peer.spawn('peer')
  },
} as const

/** What two hosts that a wire joins are called. RFC 5737 */
const FIRST_HOST = '192.0.2.1'
export const SECOND_HOST = '192.0.2.2'
const NETMASK = '255.255.255.0'

/** Two processes in networks of their own, which a process in between joins packet by packet. */
export async function wired(stage: Stage): Promise<{ readonly first: Place; readonly second: Actor }> {
  const wire = await stage.actor('wire')
  const attached = async (role: string, address: string) => {
    await stage.separate(wire, K.CLONE_NEWNET)
    const opened = await wire.do(call('tun_open', 'ipcpg'))
    if (opened.error !== undefined) throw new Skip(`there is no /dev/net/tun to make a wire of: ${opened.error}`)
    const host = await wire.spawn(role)
    await host.must(call('interface_address', 'ipcpg', address, NETMASK))
    await host.must(call('interface_up', 'ipcpg'))
    await host.must(call('interface_up', 'lo')) // the way of what a host sends to itself
    return { host, fd: opened.result }
  }
  const [first, second] = [await attached('first host', FIRST_HOST), await attached('second host', SECOND_HOST)]
  await wire.begin(call('wire', first.fd, second.fd)).settled()
  const arrival = async () => {
    stage.intend('The wire keeps the order: when a datagram to this host has come, what was sent before it has come by.')
    const { fd, address } = await bound(first.host, K.AF_INET, K.SOCK_DGRAM, inetAddress(FIRST_HOST, 0))
    await second.host.must(call('sendto', await openSocket(second.host, K.AF_INET, K.SOCK_DGRAM), 'behind', 0, address))
    await first.host.must(call('recv', fd, 16, 0))
  }
  return { first: { owner: first.host, host: FIRST_HOST, arrival }, second: second.host }
}
