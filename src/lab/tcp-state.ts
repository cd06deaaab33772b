/** The states of TCP, as the kernel shows them and as RFC 9293 lets them follow each other. */
import { readFileSync } from 'node:fs'
import { inetName, type TcpState, tcpStateOf } from '../stage/kernel.js'

export { TCP_STATES, type TcpState } from '../stage/kernel.js'

/**
 * What may follow what, by RFC 9293, figure 5 and sections 3.6 and 3.10; a socket that comes to be is CLOSE. A reset, or
 * an end given up on, closes from every state. Between two looks several transitions may pass: `follows` minds that.
 */
const NEXT: Readonly<Record<TcpState, readonly TcpState[]>> = {
  CLOSE: ['LISTEN', 'SYN_SENT', 'SYN_RECV'],
  LISTEN: ['SYN_RECV', 'SYN_SENT', 'CLOSE'],
  SYN_SENT: ['ESTABLISHED', 'SYN_RECV', 'CLOSE'],
  SYN_RECV: ['ESTABLISHED', 'FIN_WAIT1', 'CLOSE'],
  ESTABLISHED: ['FIN_WAIT1', 'CLOSE_WAIT', 'CLOSE'],
  FIN_WAIT1: ['FIN_WAIT2', 'CLOSING', 'TIME_WAIT', 'CLOSE'],
  FIN_WAIT2: ['TIME_WAIT', 'CLOSE'],
  CLOSE_WAIT: ['LAST_ACK', 'CLOSE'],
  CLOSING: ['TIME_WAIT', 'CLOSE'],
  LAST_ACK: ['CLOSE'],
  TIME_WAIT: ['CLOSE'],
}

/** Whether the one may follow the other at once. */
export const mayFollow = (from: TcpState, to: TcpState): boolean => NEXT[from].includes(to)

/** A row of /proc/net/tcp. proc(5) */
export interface TcpRow {
  readonly local: string
  readonly remote: string
  readonly state: TcpState
  readonly sendQueue: number
  readonly receiveQueue: number
  /** What its timer is for, and when it ends, in ticks of 10 ms. */
  readonly timer: 'none' | 'retransmit' | 'keepalive' | 'time-wait' | 'probe'
  readonly expires: number
  readonly retransmits: number
  readonly inode: number
  /** Of a connection: congestion window in segments, and slow-start threshold (undefined: not known yet). */
  readonly congestionWindow?: number
  readonly slowStartThreshold?: number
}

/** TCP_NEW_SYN_RECV (12) is shown as SYN_RECV. include/net/tcp_states.h */
const NEW_SYN_RECV: TcpState = 'SYN_RECV'

const TIMERS = ['none', 'retransmit', 'keepalive', 'time-wait', 'probe'] as const

/** The TCP sockets of the network that the process lives in. @throws where the process is gone */
export function tcpRows(pid: number): readonly TcpRow[] {
  const [, ...lines] = readFileSync(`/proc/${pid}/net/tcp`, 'latin1').trimEnd().split('\n')
  return lines.map(rowOf)
}

function rowOf(line: string): TcpRow {
  const words = line.trim().split(/\s+/)
  const [, local = '', remote = '', state = '', queues = '', timer = '', retransmits = '', , , inode = ''] = words
  const [send = '', receive = ''] = queues.split(':')
  const [kind = '', expires = ''] = timer.split(':')
  const named = tcpStateOf(Number.parseInt(state, 16)) ?? NEW_SYN_RECV
  // The last two words of a row of a full socket. A listener has its queue of fast open there.
  const [window, threshold] = words.length >= 17 && named !== 'LISTEN' ? words.slice(-2).map(Number) : []
  return {
    local: inetName(local),
    remote: inetName(remote),
    state: named,
    sendQueue: Number.parseInt(send, 16),
    receiveQueue: Number.parseInt(receive, 16),
    timer: TIMERS[Number.parseInt(kind, 16)] ?? 'none',
    expires: Number.parseInt(expires, 16),
    retransmits: Number.parseInt(retransmits, 16),
    inode: Number(inode),
    ...(window === undefined ? {} : { congestionWindow: window }),
    ...(threshold === undefined || threshold < 0 ? {} : { slowStartThreshold: threshold }),
  }
}
