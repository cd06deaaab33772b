/**
 * Ethernet cables. Of each, one end is an interface of a host; the other lies in a network of nobody's, where this
 * process takes its frames and puts others in. It needs no device but what the kernel makes, and no root: whoever may
 * have a network of its own may have cables in it. veth(4), packet(7)
 */
import type { Actor } from '../stage/actor.js'
import { call } from '../stage/call.js'
import { K } from '../stage/constants.js'
import { Skip, type Stage } from '../stage/stage.js'
import { takeDescriptor } from './descriptor.js'
import { DescriptorEnd, type End } from './end.js'
import { ETHERNET_HEADER_BYTES, hardwareBytes, TYPE_IPV4 } from './ethernet.js'
import { newNetwork } from './host.js'
import { NetlinkError, Rtnetlink } from './rtnetlink.js'
import { setSysctl } from './sysctl.js'

const ETH_P_ALL = 3
const [SOL_PACKET, PACKET_QDISC_BYPASS, PACKET_IGNORE_OUTGOING] = [263, 20, 23]
const SO_RCVBUFFORCE = 33
/** For as much as is on its way while this process is busy. */
const BUFFER_BYTES = 4 << 20

/** What a cable ends in at the host. */
export interface Socket {
  readonly host: Actor
  readonly name: string
  readonly hardware: string
}

export class Cabling {
  readonly #room: Actor
  readonly #rtnetlink: Rtnetlink
  #cables = 0

  private constructor(room: Actor, rtnetlink: Rtnetlink) {
    this.#room = room
    this.#rtnetlink = rtnetlink
  }

  /** @throws Skip where there can be no network of our own */
  static async lay(stage: Stage): Promise<Cabling> {
    // A child of the process that made it: of one that made its user namespace itself nothing may be taken.
    const room = await (await newNetwork(stage, 'cables')).spawn('cables')
    await setSysctl(room, 'net.ipv6.conf.all.disable_ipv6', 1).catch(() => {}) // a kernel without IPv6
    return new Cabling(room, await Rtnetlink.open(room))
  }

  /** A process in a further network, into which cables may lead. */
  async network(role: string): Promise<Actor> {
    const holder = await this.#room.spawn(role)
    await holder.must(call('unshare', K.CLONE_NEWNET))
    await holder.must(call('interface_up', 'lo'))
    await setSysctl(holder, 'net.ipv6.conf.all.disable_ipv6', 1).catch(() => {})
    // What a new network takes over from the first one, set by whoever set that up.
    for (const inherited of ['net.ipv4.ip_forward', 'net.ipv4.conf.all.rp_filter', 'net.ipv4.conf.default.rp_filter'] as const)
      await setSysctl(holder, inherited, 0)
    return holder
  }

  /** The interface is there and up when it settles. @throws Skip where the kernel has no such cables */
  async cable({ host, name, hardware }: Socket): Promise<End> {
    const port = `port${this.#cables++}`
    try {
      await this.#rtnetlink.addCable(port, { name, hardware, pid: host.pid })
    } catch (error) {
      if (error instanceof NetlinkError) throw new Skip(`there are no pairs of Ethernet interfaces (veth) here: ${error.code}`)
      throw error
    }
    await host.must(call('interface_without_offload', name))
    await this.#room.must(call('interface_up', port))
    await host.must(call('interface_up', name))
    return new DescriptorEnd(await packetSocket(this.#room, await this.#rtnetlink.indexOf(port)))
  }

  /** The same for whom only IPv4 matters, and nobody asks for hardware addresses. */
  async packetCable(socket: Socket): Promise<End> {
    const end = await this.cable(socket)
    const rtnetlink = await Rtnetlink.open(socket.host)
    await rtnetlink.withoutArp(await rtnetlink.indexOf(socket.name))
    const header = Uint8Array.of(...hardwareBytes(socket.hardware), 0, 0, 0, 0, 0, 0, TYPE_IPV4 >> 8, TYPE_IPV4 & 0xff)
    return {
      listen: (arrived) =>
        end.listen((frame) => {
          if (frame[12] === TYPE_IPV4 >> 8 && frame[13] === (TYPE_IPV4 & 0xff)) arrived(frame.subarray(ETHERNET_HEADER_BYTES))
        }),
      drain: () => end.drain(),
      put: (packet) => {
        const frame = new Uint8Array(header.length + packet.length)
        frame.set(header)
        frame.set(packet, header.length)
        return end.put(frame)
      },
      close: () => end.close(),
    }
  }
}

/** Our own descriptor for all that comes to an interface of the network that the process lives in, and for what goes out there. packet(7) */
export async function packetSocket(actor: Actor, index: number): Promise<number> {
  const { result: fd } = await actor.must(call('socket', K.AF_PACKET, K.SOCK_RAW, 0))
  const one = new Uint8Array(Int32Array.of(1).buffer)
  await actor.must(call('setsockopt', fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, one))
  // What was just brought up has no queue yet.
  await actor.must(call('setsockopt', fd, SOL_PACKET, PACKET_QDISC_BYPASS, one))
  await actor.do(call('setsockopt', fd, K.SOL_SOCKET, SO_RCVBUFFORCE, new Uint8Array(Int32Array.of(BUFFER_BYTES).buffer)))
  await actor.must(call('bind', fd, linkAddress(index)))
  const own = takeDescriptor(actor.pid, fd)
  await actor.must(call('close', fd))
  return own
}

/** `struct sockaddr_ll`. */
function linkAddress(index: number): Uint8Array {
  const bytes = new Uint8Array(20)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, K.AF_PACKET.value, true)
  view.setUint16(2, ETH_P_ALL)
  view.setInt32(4, index, true)
  return bytes
}
