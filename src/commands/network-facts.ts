/** What the network lab finds on this machine. */
import { spawnSync } from 'node:child_process'
import { closeSync, constants, openSync } from 'node:fs'
import { programAt } from '../core/program-at.js'
import type { Fact } from './doctor.js'

/** Programs that stories run in their hosts, and Debian's packages of them. */
const PROGRAMS: readonly (readonly [name: string, debian: string, note: string])[] = [
  ['ip', 'iproute2', 'interfaces and routes'],
  ['nft', 'nftables', 'rules of the gate'],
  ['tc', 'iproute2', 'sets the emulator'],
]

export const networkFacts = (): readonly Fact[] => [
  { name: '/dev/net/tun', value: tun(), note: 'interfaces of the wire' },
  ...PROGRAMS.map(([name, debian, note]) => ({ name, value: programAt(name) ?? `not there; it is in ${debian}`, note })),
  { name: 'network namespaces', value: namespaces(), note: 'hosts of the network lab' },
]

function tun(): string {
  try {
    closeSync(openSync('/dev/net/tun', constants.O_RDWR))
    return 'there'
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error)
  }
}

function namespaces(): string {
  const may = (...options: readonly string[]) => spawnSync('unshare', [...options, '--net', 'true'], { stdio: 'ignore' }).status === 0
  const ways = [...(may() ? ['as this user'] : []), ...(may('--user', '--map-root-user') ? ['in a user namespace'] : [])]
  return ways.join(', ') || 'none'
}
