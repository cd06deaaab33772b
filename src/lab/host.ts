/** A host of the lab: a network of its own, with the processes that live in it. */
import { spawn } from 'node:child_process'
import { readlinkSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { programAt } from '../core/program-at.js'
import type { Actor } from '../stage/actor.js'
import { call } from '../stage/call.js'
import { K } from '../stage/constants.js'
import { Skip, type Stage } from '../stage/stage.js'
import type { Cabling } from './cabling.js'
import { takeDescriptor } from './descriptor.js'
import { DescriptorEnd, type End } from './end.js'
import { SIDES, type Side } from './packet.js'
import type { Recorder } from './recorder.js'
import { Rtnetlink } from './rtnetlink.js'
import { setSysctl } from './sysctl.js'
import { TcpWatch } from './watch.js'

const INTERFACE = 'lab'

export class Host<Name extends string = Side> {
  readonly side: Name
  readonly address: string
  readonly #holder: Actor
  readonly #recorder: Recorder
  #tcp: TcpWatch | undefined
  #rtnetlink: Promise<Rtnetlink> | undefined

  constructor(side: Name, address: string, holder: Actor, recorder: Recorder) {
    this.side = side
    this.address = address
    this.#holder = holder
    this.#recorder = recorder
  }

  /** Every TCP socket of this host, followed from the first look on: at the ends of a link, from the beginning. */
  get tcp(): TcpWatch {
    this.#tcp ??= new TcpWatch(this.pid, this.side, this.address, this.#recorder)
    return this.#tcp
  }

  /** Its interfaces, routes and neighbours. */
  get rtnetlink(): Promise<Rtnetlink> {
    this.#rtnetlink ??= Rtnetlink.open(this.#holder)
    return this.#rtnetlink
  }

  /** A file of the kernel that tells of this host's network: `net/igmp`. proc(5) @throws where it may not be read */
  proc(path: `net/${string}`): Promise<string> {
    return readFile(`/proc/${this.pid}/${path}`, 'latin1')
  }

  /** Puts a setting of the kernel for this host alone. @throws Skip where it may not be set */
  sysctl(name: `net.${string}`, value: number | string): Promise<void> {
    return setSysctl(this.#holder, name, value)
  }

  /** A further process of this host. */
  actor(role: string): Promise<Actor> {
    return this.#holder.spawn(role)
  }

  /** The process whose namespaces are this host's. */
  get pid(): number {
    return this.#holder.pid
  }

  /**
   * Runs a program of this machine inside the host; answers what it wrote. It sees the host's network, and nothing of it
   * stays. @throws Error with what it wrote on standard error, where it fails
   */
  async command(program: string, args: readonly string[], input = ''): Promise<string> {
    const [enter, ...entry] = entering(this.pid)
    const child = spawn(enter, [...entry, programAt(program) ?? program, ...args], { stdio: 'pipe' })
    let [out, error] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      error += text
    })
    child.stdin.on('error', () => {}) // it may not read
    child.stdin.end(input)
    const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve))
    if (code !== 0) throw new Error(`${program} ${args.join(' ')} at ${this.side}: ${error.trim() || `status ${code}`}`)
    return out
  }

  close(): void {
    this.#tcp?.close()
  }
}

/** What runs a program in the network of a process: in its user namespace too, where it has one of its own. nsenter(1) */
export function entering(pid: number): readonly [string, ...string[]] {
  const user = namespaceOf(pid, 'user') === namespaceOf('self', 'user') ? [] : ['--user', '--preserve-credentials']
  return ['nsenter', '--target', String(pid), '--net', ...user, '--']
}

const namespaceOf = (pid: number | 'self', kind: string): string => readlinkSync(`/proc/${pid}/ns/${kind}`)

/** A process in a new network, with the loopback interface up. @throws Skip where there can be none */
export async function newNetwork(stage: Stage, role: string): Promise<Actor> {
  const holder = await stage.apart(role, K.CLONE_NEWNET)
  if (await makesSmallTables(holder)) {
    await stage.separate(holder, K.CLONE_NEWNET)
    await makesSmallTables(holder)
  }
  await holder.must(call('interface_up', 'lo'))
  return holder
}

/**
 * Whether networks that the process makes from now on have a small table of TCP sockets each, instead of the machine's
 * of some 100,000 buckets: who looks at /proc/net/tcp a thousand times a second has the kernel walk all of it each time.
 * ip-sysctl, tcp_child_ehash_entries
 */
async function makesSmallTables(holder: Actor): Promise<boolean> {
  try {
    await setSysctl(holder, 'net.ipv4.tcp_child_ehash_entries', BUCKETS)
    return true
  } catch (error) {
    if (error instanceof Skip) return false // before Linux 6.1
    throw error
  }
}

const BUCKETS = 256

/** A host, and the other end of what leads to it. */
export interface HostAtEnd {
  readonly host: Host
  readonly end: End
}

/** A host behind one end of a wire. @throws Skip where there is no TUN */
export async function hostOnTun(stage: Stage, side: Side, address: string, recorder: Recorder): Promise<HostAtEnd> {
  const holder = await newNetwork(stage, `host ${side}`)
  const opened = await holder.do(call('tun_open', INTERFACE))
  if (opened.error !== undefined) throw new Skip(`there is no /dev/net/tun to make a wire of: ${opened.error}`)
  const end = new DescriptorEnd(takeDescriptor(holder.pid, opened.result))
  await holder.must(call('close', opened.result))
  await holder.must(call('interface_address', INTERFACE, address, NETMASK))
  await holder.must(call('interface_up', INTERFACE))
  return { host: new Host(side, address, holder, recorder), end }
}

/** The same behind an Ethernet cable. @throws Skip where there is none */
export async function hostOnCable(cabling: Cabling, side: Side, address: string, recorder: Recorder): Promise<HostAtEnd> {
  const holder = await cabling.network(`host ${side}`)
  const end = await cabling.packetCable({ host: holder, name: INTERFACE, hardware: HARDWARE[side] })
  await holder.must(call('interface_address', INTERFACE, address, NETMASK))
  return { host: new Host(side, address, holder, recorder), end }
}

/** Addresses that nobody was given by their maker. RFC 9542, 2.1 */
const HARDWARE: Readonly<Record<Side, string>> = { A: '02:00:00:00:00:0a', B: '02:00:00:00:00:0b' }
const NETMASK = '255.255.255.0'

/** Two hosts that are addresses of one network. @throws Skip where there can be none */
export async function hostsInOneNetwork(
  stage: Stage,
  addresses: Readonly<Record<Side, string>>,
  recorder: Recorder,
): Promise<Readonly<Record<Side, Host>>> {
  const holder = await newNetwork(stage, 'both hosts')
  for (const side of SIDES) await holder.must(call('interface_address', `lo:${side}`, addresses[side], '255.255.255.255'))
  return { A: new Host('A', addresses.A, holder, recorder), B: new Host('B', addresses.B, holder, recorder) }
}
