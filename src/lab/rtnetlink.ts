/** What `ip link`, `ip route` and `ip neighbour` ask the kernel, asked by one process about its own network. rtnetlink(7) */
import { getSystemErrorName } from 'node:util'
import type { Actor } from '../stage/actor.js'
import { type Argument, call, type Outcome } from '../stage/call.js'
import { K } from '../stage/constants.js'
import { hardwareBytes, hardwareName } from './ethernet.js'
import {
  type Attribute,
  attributesOf,
  encodeAttributes,
  encodeMessage,
  joined,
  messagesOf,
  type NetlinkMessage,
  u32,
  viewOf,
  zeroEnded,
} from './netlink.js'
import { addressBytes } from './packet.js'

const NETLINK_ROUTE = 0
const [NLMSG_ERROR, NLMSG_DONE] = [2, 3]
const [RTM_NEWLINK, RTM_GETLINK, RTM_NEWROUTE, RTM_GETROUTE, RTM_DELNEIGH, RTM_GETNEIGH] = [16, 18, 24, 26, 29, 30]
const [NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP, NLM_F_EXCL, NLM_F_CREATE] = [1, 4, 0x300, 0x200, 0x400]
const [IFLA_ADDRESS, IFLA_IFNAME, IFLA_LINKINFO, IFLA_NET_NS_PID] = [1, 3, 18, 19]
const [IFLA_INFO_KIND, IFLA_INFO_DATA, VETH_INFO_PEER] = [1, 2, 1]
const IFF_NOARP = 0x80
const [RTA_DST, RTA_OIF, RTA_GATEWAY, RTA_PREFSRC] = [1, 4, 5, 7]
const [RT_TABLE_MAIN, RTPROT_STATIC, RTN_UNICAST] = [254, 4, 1]
const [NDA_DST, NDA_LLADDR] = [1, 2]
const ADDRESS_BITS = 32
/** Of the fixed part in front of the attributes: `struct ifinfomsg`, `struct rtmsg`, `struct ndmsg`. */
const [LINK_BYTES, ROUTE_BYTES, NEIGHBOUR_BYTES] = [16, 12, 12]

/** The way to an address, as the kernel goes it. */
export interface Route {
  readonly kind: 'unicast' | 'local' | 'broadcast' | 'multicast' | 'other'
  /** The router that the packet is handed to; absent where the destination is on the link. */
  readonly gateway?: string
  /** The number of the interface. */
  readonly interface: number
  /** What is written as the sender. */
  readonly source: string
}

/** The states of a neighbour by their bits. neighbour.h, ip-neighbour(8) */
const NEIGHBOUR_STATES = ['INCOMPLETE', 'REACHABLE', 'STALE', 'DELAY', 'PROBE', 'FAILED', 'NOARP', 'PERMANENT'] as const

/** A row of the ARP table. */
export interface Neighbour {
  readonly address: string
  readonly hardware?: string
  readonly state: (typeof NEIGHBOUR_STATES)[number] | 'NONE'
  readonly interface: number
}

/** The kernel refused; `code` names its errno. */
export class NetlinkError extends Error {
  override name = 'NetlinkError'
  readonly code: string

  constructor(code: string) {
    super(`rtnetlink: ${code}`)
    this.code = code
  }
}

const KINDS: Readonly<Record<number, Route['kind']>> = { 1: 'unicast', 2: 'local', 3: 'broadcast', 5: 'multicast' }

export class Rtnetlink {
  readonly #actor: Actor
  readonly #fd: number
  #sequence = 0

  private constructor(actor: Actor, fd: number) {
    this.#actor = actor
    this.#fd = fd
  }

  static async open(actor: Actor): Promise<Rtnetlink> {
    const { result } = await quietly(actor, 'socket', K.AF_NETLINK, K.SOCK_RAW, NETLINK_ROUTE)
    return new Rtnetlink(actor, result)
  }

  /** A cable of two interfaces; the peer's lies in the network that the process `pid` lives in. */
  async addCable(name: string, peer: { readonly name: string; readonly hardware: string; readonly pid: number }): Promise<void> {
    const far = encodeAttributes([
      { type: IFLA_IFNAME, value: zeroEnded(peer.name) },
      { type: IFLA_ADDRESS, value: hardwareBytes(peer.hardware) },
      { type: IFLA_NET_NS_PID, value: u32(peer.pid) },
    ])
    const data = [{ type: VETH_INFO_PEER, value: joined(new Uint8Array(LINK_BYTES), far) }]
    await this.#change(RTM_NEWLINK, new Uint8Array(LINK_BYTES), [
      { type: IFLA_IFNAME, value: zeroEnded(name) },
      {
        type: IFLA_LINKINFO,
        value: [
          { type: IFLA_INFO_KIND, value: zeroEnded('veth') },
          { type: IFLA_INFO_DATA, value: data },
        ],
      },
    ])
  }

  /** @throws NetlinkError `ENODEV` */
  async indexOf(name: string): Promise<number> {
    const [answer] = await this.#ask(RTM_GETLINK, 0, new Uint8Array(LINK_BYTES), [{ type: IFLA_IFNAME, value: zeroEnded(name) }])
    return answer === undefined ? 0 : viewOf(answer.payload).getInt32(4, true)
  }

  /** The interface asks nobody for hardware addresses any more. */
  async withoutArp(index: number): Promise<void> {
    const header = new Uint8Array(LINK_BYTES)
    viewOf(header).setInt32(4, index, true)
    viewOf(header).setUint32(8, IFF_NOARP, true)
    viewOf(header).setUint32(12, IFF_NOARP, true)
    await this.#ask(RTM_NEWLINK, 0, header, [])
  }

  /** Everything that has no better route goes to `gateway`. */
  async addDefaultRoute(gateway: string): Promise<void> {
    const header = Uint8Array.of(K.AF_INET.value, 0, 0, 0, RT_TABLE_MAIN, RTPROT_STATIC, 0, RTN_UNICAST, 0, 0, 0, 0)
    await this.#change(RTM_NEWROUTE, header, [{ type: RTA_GATEWAY, value: addressBytes(gateway) }])
  }

  /** `ip route get`. @throws NetlinkError where there is no way: `ENETUNREACH` */
  async routeTo(address: string): Promise<Route> {
    const header = new Uint8Array(ROUTE_BYTES)
    header.set([K.AF_INET.value, ADDRESS_BITS])
    const [answer] = await this.#ask(RTM_GETROUTE, 0, header, [{ type: RTA_DST, value: addressBytes(address) }])
    const payload = answer?.payload ?? new Uint8Array(ROUTE_BYTES)
    const found = attributesOf(payload.subarray(ROUTE_BYTES))
    const gateway = found.get(RTA_GATEWAY)?.join('.')
    return {
      kind: KINDS[payload[7] ?? 0] ?? 'other',
      ...(gateway === undefined ? {} : { gateway }),
      interface: numberIn(found.get(RTA_OIF)),
      source: found.get(RTA_PREFSRC)?.join('.') ?? '',
    }
  }

  /** `ip -4 neighbour`: what it knows of hardware addresses. */
  async neighbours(): Promise<readonly Neighbour[]> {
    const header = new Uint8Array(NEIGHBOUR_BYTES)
    header[0] = K.AF_INET.value
    return (await this.#ask(RTM_GETNEIGH, NLM_F_DUMP, header, []))
      .map(({ payload }) => neighbourOf(payload))
      .filter(({ state }) => state !== 'NOARP')
  }

  /** `ip neighbour delete`: it has to ask again. */
  async forget({ address, interface: index }: Neighbour): Promise<void> {
    const header = new Uint8Array(NEIGHBOUR_BYTES)
    header[0] = K.AF_INET.value
    viewOf(header).setInt32(4, index, true)
    await this.#ask(RTM_DELNEIGH, 0, header, [{ type: NDA_DST, value: addressBytes(address) }])
  }

  async #change(type: number, header: Uint8Array, attributes: readonly Attribute[]): Promise<void> {
    await this.#ask(type, NLM_F_CREATE | NLM_F_EXCL, header, attributes)
  }

  /** What the kernel answers, up to its acknowledgement. */
  async #ask(type: number, flags: number, header: Uint8Array, attributes: readonly Attribute[]): Promise<readonly NetlinkMessage[]> {
    const payload = joined(header, encodeAttributes(attributes))
    const request = { type, flags: NLM_F_REQUEST | NLM_F_ACK | flags, payload }
    await quietly(this.#actor, 'send', this.#fd, encodeMessage(request, ++this.#sequence), 0)
    const answers: NetlinkMessage[] = []
    for (;;)
      for (const message of messagesOf((await quietly(this.#actor, 'recv', this.#fd, LARGEST_ANSWER, 0)).data)) {
        if (message.type === NLMSG_DONE) return answers
        if (message.type !== NLMSG_ERROR) answers.push(message)
        else if (viewOf(message.payload).getInt32(0, true) === 0) return answers
        else throw new NetlinkError(getSystemErrorName(viewOf(message.payload).getInt32(0, true)))
      }
  }
}

const LARGEST_ANSWER = 32_768

function neighbourOf(payload: Uint8Array): Neighbour {
  const bits = viewOf(payload).getUint16(8, true)
  const found = attributesOf(payload.subarray(NEIGHBOUR_BYTES))
  const hardware = found.get(NDA_LLADDR)
  return {
    address: found.get(NDA_DST)?.join('.') ?? '',
    ...(hardware === undefined ? {} : { hardware: hardwareName(hardware) }),
    state: NEIGHBOUR_STATES.find((_, at) => (bits & (1 << at)) !== 0) ?? 'NONE',
    interface: viewOf(payload).getInt32(4, true),
  }
}

const numberIn = (value: Uint8Array | undefined): number => (value === undefined ? 0 : viewOf(value).getUint32(0, true))

/** A call that no story tells of. */
async function quietly(actor: Actor, name: string, ...args: readonly Argument[]): Promise<Outcome> {
  const outcome = await actor.process.request(call(name, ...args)).outcome
  if (outcome.error !== undefined) throw new NetlinkError(outcome.error)
  return outcome
}
