/** What the kernel shows of UDP in a network. proc(5) */
import { readFileSync } from 'node:fs'
import { inetName } from '../stage/kernel.js'

/** A row of /proc/net/udp. */
export interface UdpRow {
  /** `addr:port` */
  readonly local: string
  /** Bytes of the receive buffer that are taken: datagrams with all that the kernel keeps of each. */
  readonly receiveQueue: number
  /** Datagrams that the socket had no room for. */
  readonly drops: number
}

/** The UDP sockets of the network that the process lives in. @throws where the process is gone */
export function udpRows(pid: number): readonly UdpRow[] {
  const [, ...lines] = readFileSync(`/proc/${pid}/net/udp`, 'latin1').trimEnd().split('\n')
  return lines.map((line) => {
    const words = line.trim().split(/\s+/)
    const [, local = '', , , queues = ''] = words
    return { local: inetName(local), receiveQueue: Number.parseInt(queues.split(':')[1] ?? '', 16), drops: Number(words.at(-1)) }
  })
}

/** A counter of the network that the process lives in: `counterOf(pid, 'Udp', 'InCsumErrors')`. RFC 1213, RFC 4113; nstat(8) */
export function counterOf(pid: number, group: 'Ip' | 'Icmp' | 'Udp', name: string): number {
  const lines = readFileSync(`/proc/${pid}/net/snmp`, 'latin1').split('\n')
  const [names, values] = lines.filter((line) => line.startsWith(`${group}: `)).map((line) => line.split(' '))
  return Number(values?.[names?.indexOf(name) ?? -1])
}
