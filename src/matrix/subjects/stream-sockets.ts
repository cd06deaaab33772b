import type { Constant } from '../stage/call.js'
import { call } from '../stage/call.js'
import { K } from '../stage/constants.js'
import type { Stage } from '../stage/stage.js'
import { bound, connected, inetAddress, LOOPBACK, noLoopback, socketEnd, unixAddress } from './sockets.js'
import type { Pair, Subject } from './subject.js'

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
