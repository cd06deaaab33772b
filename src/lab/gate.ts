/**
 * A gate of packet-filter rules between two addresses of one network: what is held is dropped there, and TCP sends it
 * again once it may pass. For machines that have no wire. nft(8)
 */
import type { Host } from './host.js'
import type { Barrier } from './link.js'
import { orSkip } from './or-skip.js'
import { FLAGS, type Flag, type PacketFilter, type Side } from './packet.js'

export class Gate implements Barrier {
  readonly backend = 'gate'
  readonly #hosts: Readonly<Record<Side, Host>>

  private constructor(hosts: Readonly<Record<Side, Host>>) {
    this.#hosts = hosts
  }

  /** An open gate between hosts that share a network. @throws Skip where there is no nftables */
  static async between(hosts: Readonly<Record<Side, Host>>): Promise<Gate> {
    const gate = new Gate(hosts)
    await orSkip('the gate needs nftables', () => gate.release())
    return gate
  }

  /** The rules are exchanged as a whole: no packet passes in between. */
  async hold(...filters: PacketFilter[]): Promise<void> {
    const rules = filters.map((filter) => `    ${this.#conditions(filter)} drop`)
    const text = [
      'table inet lab',
      'delete table inet lab',
      'table inet lab {',
      '  chain input {',
      '    type filter hook input priority 0;',
      ...rules,
      '  }',
      '}',
      '',
    ]
    await this.#hosts.A.command('nft', ['-f', '-'], text.join('\n'))
  }

  release(): Promise<void> {
    return this.hold()
  }

  #conditions({ from, protocol, flags = [], notFlags = [], destinationPort, payload }: PacketFilter): string {
    const isTcp = protocol === 'tcp' || flags.length > 0 || notFlags.length > 0
    const looked = [...flags, ...notFlags]
    return [
      ...(from === undefined ? [] : [`ip saddr ${this.#hosts[from].address}`]),
      ...(protocol === undefined && !isTcp ? [] : [`meta l4proto ${protocol ?? 'tcp'}`]),
      ...(looked.length === 0 ? [] : [`tcp flags & (${words(looked)}) == ${flags.length === 0 ? '0x0' : words(flags)}`]),
      ...(destinationPort === undefined ? [] : [`th dport ${destinationPort}`]),
      // Only pure acknowledgements of this length have no options but timestamps: 20 + 32 bytes.
      ...(payload === undefined ? [] : [`meta length ${payload ? '>' : '<='} 52`]),
    ].join(' ')
  }
}

const words = (flags: readonly Flag[]): string =>
  FLAGS.filter((flag) => flags.includes(flag))
    .map((flag) => flag.toLowerCase())
    .join(' | ')
