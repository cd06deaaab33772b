import type { Constant } from '../../stage/call.js'
import { call } from '../../stage/call.js'
import { K } from '../../stage/constants.js'
import type { Stage } from '../../stage/stage.js'
import { bound, connected, inetAddress, int, LOOPBACK, noLoopback, socketEnd, unixAddress } from './sockets.js'
import type { End, Pair, Subject } from './subject.js'

export const BACKLOG = 8

/** The receiver listens, the sender connects. */
async function meet(stage: Stage, domain: Constant, type: Constant, at: Uint8Array): Promise<Pair> {
  const [sender, receiver] = [await stage.actor('sender'), await stage.actor('receiver')]
  const { fd: listener, address } = await bound(receiver, domain, type, at)
  await receiver.must(call('listen', listener, BACKLOG))
  const out = await connected(sender, domain, type, address)
  const accepted = (await receiver.must(call('accept', listener, 0))).result
  await receiver.must(call('close', listener))
  return { sender: socketEnd(sender, out), receiver: socketEnd(receiver, accepted) }
}

export const ustream: Subject = {
  key: 'ustream',
  title: 'unix stream',
  adapter: 'socket/unix',
  meet: async (stage) => meet(stage, K.AF_UNIX, K.SOCK_STREAM, unixAddress(await stage.path())),
}

export const useq: Subject = {
  key: 'useq',
  title: 'unix seqpacket',
  adapter: 'socket/unix-seqpacket',
  meet: async (stage) => meet(stage, K.AF_UNIX, K.SOCK_SEQPACKET, unixAddress(await stage.path())),
}

export const tcp: Subject = {
  key: 'tcp',
  title: 'TCP',
  adapter: 'socket/tcp',
  unavailable: noLoopback,
  meet: async (stage) => meet(stage, K.AF_INET, K.SOCK_STREAM, inetAddress(LOOPBACK, 0)),
}

const SMALL_BYTES = 16_384

/** Gives the connection buffers that overflow soon: TCP's grow as long as nobody sets their size. tcp(7) */
export async function smallBuffers(stage: Stage, sender: End, receiver: End): Promise<void> {
  stage.intend('The buffers are made small, so that they overflow soon.')
  await sender.actor.must(call('setsockopt', sender.fd ?? -1, K.SOL_SOCKET, K.SO_SNDBUF, int(SMALL_BYTES)))
  await receiver.actor.must(call('setsockopt', receiver.fd ?? -1, K.SOL_SOCKET, K.SO_RCVBUF, int(SMALL_BYTES)))
}
