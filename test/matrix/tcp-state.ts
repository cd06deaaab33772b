import { call } from 'ipc-playground/matrix'
import type { Actor } from '../../src/matrix/stage/actor.js'
import { K } from '../../src/matrix/stage/constants.js'

/** By their numbers in the kernel. netinet/tcp.h */
const STATES = [
  '',
  'ESTABLISHED',
  'SYN_SENT',
  'SYN_RECV',
  'FIN_WAIT1',
  'FIN_WAIT2',
  'TIME_WAIT',
  'CLOSE',
  'CLOSE_WAIT',
  'LAST_ACK',
  'LISTEN',
  'CLOSING',
] as const

/** The state of a TCP socket of the actor: the first byte of `struct tcp_info`. tcp(7) */
export async function tcpState(actor: Actor, fd: number): Promise<(typeof STATES)[number] | undefined> {
  const [state = 0] = (await actor.must(call('getsockopt', fd, K.IPPROTO_TCP, K.TCP_INFO, 1))).bytes('value')
  return STATES[state]
}
