/** Where one story of the network is played: its hosts, the link between them, and the record of what happened. */

import { call } from '../stage/call.js'
import type { Company } from '../stage/company.js'
import { Skip, Stage, type StageOptions } from '../stage/stage.js'
import { type Step, Story } from '../stage/story.js'
import { Cabling, packetSocket } from './cabling.js'
import { Capture } from './capture.js'
import { DescriptorEnd } from './end.js'
import { decodeFrame } from './ethernet.js'
import { Gate } from './gate.js'
import { Host, type HostAtEnd, hostOnCable, hostOnTun, hostsInOneNetwork } from './host.js'
import type { Barrier, Link } from './link.js'
import { Netem } from './netem.js'
import type { Side } from './packet.js'
import { Recorder } from './recorder.js'
import { maskOf } from './subnet.js'
import { Switch } from './switch.js'
import { Wire, type WireOptions } from './wire.js'

/** What was predicted did not come. */
export class Refuted extends Error {
  override name = 'Refuted'
}

/** An address and the bits of its network: `192.0.2.1/24`. */
export type Prefixed = `${string}/${number}`
const bare = (address: Prefixed): string => address.split('/')[0] ?? address

/** Two hosts and what joins them. */
export interface Network<L extends Barrier = Barrier> {
  readonly A: Host
  readonly B: Host
  readonly link: L
}

/** What the two hosts of a link are called. RFC 5737 */
export const [ADDRESS_A, ADDRESS_B] = ['192.0.2.1', '192.0.2.2'] as const

export class Lab {
  readonly recorder = new Recorder()
  readonly stage: Stage
  backend = 'loopback'
  readonly #open: { close(): void }[] = []
  #laid: Promise<Cabling> | undefined

  constructor(company: Company, onStep?: (step: Step) => void, options?: StageOptions) {
    const story = new Story((step) => {
      this.recorder.write({ kind: step.kind, note: step.role === undefined ? step.text : `${step.role} ${step.pid}: ${step.text}` })
      onStep?.(step)
    })
    this.stage = new Stage(company, story, options)
  }

  /** Two hosts, joined by a wire. @throws Skip where this machine cannot have one */
  async wired(options?: WireOptions): Promise<Network<Wire>> {
    const [a, b] = await this.stage.story.hush(() => this.#ends())
    const link = new Wire({ A: a.end, B: b.end }, this.recorder, options)
    this.#open.push(link)
    this.backend = link.backend
    this.intend(`Two hosts, ${ADDRESS_A} and ${ADDRESS_B}, each a network of its own, joined by a wire of ours.`)
    return { A: a.host, B: b.host, link }
  }

  /** The same, by a gate. @throws Skip where there is no nftables */
  async gated(): Promise<Network> {
    const { A, B } = await this.#neighbours()
    const link = await Gate.between({ A, B })
    this.backend = link.backend
    this.intend(`Two hosts, ${ADDRESS_A} and ${ADDRESS_B}, in one network of their own, with a gate between them.`)
    return { A, B, link }
  }

  /** The same, by the kernel's network emulator. @throws Skip where it has none */
  async emulated(): Promise<Network<Link>> {
    const { A, B } = await this.#neighbours()
    const link = await Netem.between({ A, B })
    this.backend = link.backend
    this.intend(`Two hosts, ${ADDRESS_A} and ${ADDRESS_B}, in one network of their own, with the kernel's emulator between them.`)
    return { A, B, link }
  }

  /** Two hosts between which packets can be kept back: by a wire or, where there is none, by a gate. @throws Skip where this machine has neither */
  joined(): Promise<Network> {
    return firstOf<Network>([() => this.wired(), () => this.gated()])
  }

  /** Two hosts between which packets can be delayed and lost: by a wire or, where there is none, by the kernel's emulator. @throws Skip where this machine has neither */
  linked(): Promise<Network<Link>> {
    return firstOf<Network<Link>>([() => this.wired(), () => this.emulated()])
  }

  /** An Ethernet, to which hosts are joined by `host`; `name` tells it from others in the trace. */
  ethernet(name: string): Switch {
    const made = new Switch(name, this.recorder)
    this.#open.push(made)
    this.backend = 'switch'
    return made
  }

  /**
   * A host that has an interface, `eth0`, `eth1` and so on, on each of these Ethernets: `192.0.2.1/24`. Its hardware
   * addresses end with its name as a hexadecimal digit. @throws Skip where there can be none
   */
  host(name: string, ...interfaces: readonly { readonly on: Switch; readonly address: Prefixed }[]): Promise<Host<string>> {
    return this.stage.story.hush(async () => {
      const cabling = await this.#cabling()
      const holder = await cabling.network(`host ${name}`)
      for (const [number, { on, address }] of interfaces.entries()) {
        const hardware = `02:00:00:00:0${number}:${Number.parseInt(name, 36).toString(16).padStart(2, '0')}`
        on.plug(name, await cabling.cable({ host: holder, name: `eth${number}`, hardware }))
        await holder.must(call('interface_address', `eth${number}`, bare(address), maskOf(Number(address.split('/')[1]))))
      }
      const [first] = interfaces
      const host = new Host(name, first === undefined ? '127.0.0.1' : bare(first.address), holder, this.recorder)
      this.#open.push(host)
      return host
    })
  }

  /** Takes a copy of all that an interface of a host receives: on `lo` that is what it sends to itself. */
  async capture(host: Host<string>, name: string): Promise<Capture> {
    const end = await this.stage.story.hush(async () => {
      const index = await (await host.rtnetlink).indexOf(name)
      return new DescriptorEnd(await packetSocket(await host.actor(`capture at ${host.side}`), index))
    })
    const capture = new Capture(name, this.recorder)
    this.#open.push(capture, end)
    end.listen((bytes) => {
      const frame = decodeFrame(bytes, host.side, name)
      if (frame !== undefined) capture.add(frame, [host.side])
    })
    return capture
  }

  /** What the next steps are for. */
  intend(text: string): void {
    this.stage.intend(text)
  }

  /** Tells what is seen, where it is as predicted. @throws Refuted where it is not */
  expect(holds: boolean, text: string): void {
    if (!holds) throw new Refuted(text)
    this.stage.observe(text)
  }

  async #neighbours(): Promise<Readonly<Record<Side, Host>>> {
    const hosts = await this.stage.story.hush(() => hostsInOneNetwork(this.stage, { A: ADDRESS_A, B: ADDRESS_B }, this.recorder))
    this.#follow(hosts.A, hosts.B)
    return hosts
  }

  /** Two hosts behind TUN interfaces or, where there are none, behind Ethernet cables. */
  #ends(): Promise<readonly [HostAtEnd, HostAtEnd]> {
    return firstOf([
      async () => [await this.#onTun('A', ADDRESS_A), await this.#onTun('B', ADDRESS_B)] as const,
      async () => [await this.#onCable('A', ADDRESS_A), await this.#onCable('B', ADDRESS_B)] as const,
    ])
  }

  async #onTun(side: Side, address: string): Promise<HostAtEnd> {
    const made = await hostOnTun(this.stage, side, address, this.recorder)
    this.#follow(made.host)
    return made
  }

  async #onCable(side: Side, address: string): Promise<HostAtEnd> {
    const made = await hostOnCable(await this.#cabling(), side, address, this.recorder)
    this.#follow(made.host)
    return made
  }

  #cabling(): Promise<Cabling> {
    this.#laid ??= Cabling.lay(this.stage)
    return this.#laid
  }

  /** Their TCP is written down from now on. */
  #follow(...hosts: readonly Host[]): void {
    for (const host of hosts) host.tcp.look()
    this.#open.push(...hosts)
  }

  async clear(): Promise<void> {
    for (const one of this.#open.splice(0).reverse()) one.close()
    await this.stage.clear()
  }
}

/** The first that this machine can have. @throws Skip with what each lacks, where it can have none */
async function firstOf<T>(ways: readonly (() => Promise<T>)[]): Promise<T> {
  const lacking: string[] = []
  for (const way of ways)
    try {
      return await way()
    } catch (error) {
      if (!(error instanceof Skip)) throw error
      lacking.push(error.message)
    }
  throw new Skip(lacking.join('; '))
}
