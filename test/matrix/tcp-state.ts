import { call } from 'ipc-playground/matrix'
import type { Actor } from '../../src/stage/actor.js'
import { K } from '../../src/stage/constants.js'
import { type TcpState, tcpStateOf } from '../../src/stage/kernel.js'

/** The state of a TCP socket of the actor: the first byte of `struct tcp_info`. tcp(7) */
export async function tcpState(actor: Actor, fd: number): Promise<TcpState | undefined> {
  const [state = 0] = (await actor.must(call('getsockopt', fd, K.IPPROTO_TCP, K.TCP_INFO, 1))).bytes('value')
  return tcpStateOf(state)
}
