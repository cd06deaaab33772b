import type { Actor } from '../../stage/actor.js'
import { call } from '../../stage/call.js'
import { K } from '../../stage/constants.js'
import { ownersOf } from '../../stage/kernel.js'
import { Skip, type Stage } from '../../stage/stage.js'
import { attach } from '../subjects/memory.js'

import { noPendingSignals } from '../subjects/signals.js'
import { int } from '../subjects/sockets.js'
import type { End } from '../subjects/subject.js'
import type { SysvQueueEnd } from '../subjects/sysv-queue.js'
import type { SysvSemaphoreEnd } from '../subjects/sysv-semaphore.js'
import { defineProperty, type Experiment, each, SIGNALS } from './property.js'

interface Identity {
  readonly pid: number
  readonly uid: number
  readonly gid: number
}

const identityOf = ({ pid }: Actor): Identity => ({ pid, ...ownersOf(pid) })

const UCRED_BYTES = 12

/** What SO_PEERCRED answers. unix(7) */
async function peerOf(stage: Stage, { actor, fd = -1 }: End): Promise<Identity> {
  const { buffer } = (await actor.must(call('getsockopt', fd, K.SOL_SOCKET, K.SO_PEERCRED, UCRED_BYTES))).bytes('value')
  const [pid = 0, uid = 0, gid = 0] = new Int32Array(buffer)
  stage.observe(`SO_PEERCRED: pid ${pid}, uid ${uid}, gid ${gid}`)
  return { pid, uid, gid }
}

/** Which of its ids a process is known by. */
const known = (seen: Identity, real: Identity): string => (['pid', 'uid', 'gid'] as const).filter((id) => seen[id] === real[id]).join()

/** Ancillary data of a message. */
async function credentials(stage: Stage, receiver: End): Promise<Identity | undefined> {
  const message = await receiveMessage(receiver)
  if (message.numbers('pid').length === 0) return undefined
  const [pid, uid, gid] = [message.number('pid'), message.number('uid'), message.number('gid')]
  stage.observe(`SCM_CREDENTIALS: pid ${pid}, uid ${uid}, gid ${gid}`)
  return { pid, uid, gid }
}

const receiveMessage = (receiver: End) => receiver.actor.must(call('recvmsg', receiver.fd ?? -1, 64, 0))

/** One process has connected; its child, which has the socket from it, sends. */
const connected: Experiment = async (stage, subject) => {
  const { sender, receiver } = await subject.meet(stage)
  const child = await sender.actor.fork('child of the sender')
  await child.must(sender.send('x'))
  await receiver.actor.must(receiver.receive())
  stage.intend('The child of who connected has sent this. Who does the kernel say is at the other end?')
  const peer = await peerOf(stage, receiver)
  if (peer.pid === child.pid) return 'SO_PEERCRED of who sent'
  stage.intend('Who sent a message can be asked for as well, message by message.')
  await receiver.actor.must(call('setsockopt', receiver.fd ?? -1, K.SOL_SOCKET, K.SO_PASSCRED, int(1)))
  await child.must(sender.send('y'))
  const sent = await credentials(stage, receiver)
  if (sent?.pid !== child.pid) return `SCM_CREDENTIALS of ${sent?.pid}`
  return `SO_PEERCRED (${known(peer, identityOf(sender.actor))} at connect)`
}

/** Two processes send the same; is the last one what the object remembers? */
const remembered =
  (word: string, lastOf: (receiver: End) => Promise<number>): Experiment =>
  async (stage, subject) => {
    const { sender, receiver } = await subject.meet(stage)
    const other = await sender.actor.fork('another sender')
    const seen: number[] = []
    for (const actor of [sender.actor, other]) {
      await actor.must(sender.send('x'))
      seen.push(await lastOf(receiver))
    }
    return seen.join() === [sender.actor.pid, other.pid].join() ? word : `${word} ${seen.join()}`
  }

/** Two processes send the same. Whatever the receiver can ask, it learns the same of both. */
const untold: Experiment = async (stage, subject) => {
  const { sender, receiver } = await subject.meet(stage)
  const other = await sender.actor.fork('another sender')
  const learn = async (from: Actor) => {
    await from.must(sender.send('x'))
    const told = [String(await receiver.actor.must(receiver.receive(1)))]
    if (receiver.fd === undefined) return told.join()
    const peer = await receiver.actor.do(call('getsockopt', receiver.fd, K.SOL_SOCKET, K.SO_PEERCRED, UCRED_BYTES))
    const file = await receiver.actor.must(call('fstat', receiver.fd))
    return [...told, peer.error ?? 'a peer', file.number('uid')].join()
  }
  const [one, another] = [await learn(sender.actor), await learn(other)]
  return one === another ? 'none' : `${one} or ${another}`
}

/** Family, port and host of a sockaddr_in. */
const HOST_AND_PORT = 8

const addressOnly =
  (addressOf: (receiver: End) => Promise<Uint8Array>): Experiment =>
  async (stage, subject) => {
    const { sender, receiver } = await subject.meet(stage)
    const own = (await sender.actor.must(call('getsockname', sender.fd ?? -1))).bytes('address')
    await sender.actor.must(sender.send('x'))
    const seen = await addressOf(receiver)
    stage.intend('Is there more than an address?')
    const { pid } = await peerOf(stage, receiver)
    if (pid !== 0) return `process ${pid}`
    return Buffer.compare(seen.subarray(0, HOST_AND_PORT), own.subarray(0, HOST_AND_PORT)) === 0 ? 'address only' : 'none'
  }

/** si_code of a signal that a queue sends. mq_notify(3) */
const SI_MESGQ = -3
/** With no sender: a standard signal for whose origin there was no room under RLIMIT_SIGPENDING. sigaction(2) */
const SI_USER = 0

export default defineProperty({
  id: 'P33',
  name: 'sender-identity',
  experiments: {
    ...each(['ustream', 'useq'], connected),
    udgram: async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      await sender.actor.must(sender.send('x'))
      const before = await credentials(stage, receiver)
      if (before !== undefined) return `told unasked: ${before.pid}`
      await receiver.actor.must(call('setsockopt', receiver.fd ?? -1, K.SOL_SOCKET, K.SO_PASSCRED, int(1)))
      await sender.actor.must(sender.send('x'))
      const seen = await credentials(stage, receiver)
      if (seen === undefined) return 'none'
      const ids = known(seen, identityOf(sender.actor))
      return ids === 'pid,uid,gid' ? 'SCM_CREDENTIALS' : `SCM_CREDENTIALS, of which ${ids} are right`
    },
    ...each(SIGNALS, async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      await sender.actor.must(sender.send(''))
      const taken = await receiver.actor.must(receiver.receive())
      const real = identityOf(sender.actor)
      const right = { si_pid: taken.number('sender') === real.pid, si_uid: taken.number('uid') === real.uid }
      return right.si_pid && right.si_uid ? Object.keys(right).join(', ') : 'none'
    }),
    svmq: remembered('msg_lspid', async (end) => {
      const { actor, id } = end as SysvQueueEnd
      return (await actor.must(call('msgctl', id, K.IPC_STAT))).number('sender')
    }),
    svsem: remembered('GETPID', async (end) => {
      const { actor, id } = end as SysvSemaphoreEnd
      return (await actor.must(call('semctl', id, 0, K.GETPID, 0))).result
    }),
    svshm: async (stage) => {
      const [maker, sender] = [await stage.actor('maker'), await stage.actor('sender')]
      const key = await stage.key('sysv-shm')
      const { id, address } = await attach(maker, key, 'make')
      const last = async () => (await maker.must(call('shmctl', id, K.IPC_STAT))).number('last')
      await attach(sender, key, 'find')
      const attached = await last()
      stage.intend('A store is no call: the kernel knows who attached or detached last, not who stored.')
      await maker.must(call('store', address, 'x'))
      return attached === sender.pid && (await last()) === sender.pid ? 'shm_lpid' : `shm_lpid ${attached}`
    },
    pmq: async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      const impossible = noPendingSignals()
      if (impossible !== undefined) throw new Skip(impossible)
      const signal = K.SIGUSR2
      await receiver.actor.must(call('sigprocmask', K.SIG_BLOCK, signal))
      const notified = async () => {
        await receiver.actor.must(call('mq_notify', receiver.fd ?? -1, signal))
        await sender.actor.must(sender.send('x'))
        return receiver.actor.must(call('sigtimedwait', -1, signal))
      }
      let taken = await notified()
      while (taken.number('code') === SI_USER && taken.number('sender') === 0) {
        stage.intend('The user has as many signals pending as may be: the kernel had no room to say who. Once more.')
        await receiver.actor.must(receiver.receive())
        taken = await notified()
      }
      const real = identityOf(sender.actor)
      const told = taken.number('code') === SI_MESGQ && taken.number('sender') === real.pid && taken.number('uid') === real.uid
      stage.intend('Nobody asked to be notified of the next: what is received says nothing of its sender.')
      const first = await receiver.actor.must(receiver.receive())
      await sender.actor.must(sender.send('x'))
      const second = await receiver.actor.must(receiver.receive())
      return told && String(first) === String(second) ? 'only in mq_notify siginfo' : String(taken)
    },
    ...each(['pipe', 'fifo', 'psem', 'pshm', 'memfd'], untold),
    tcp: addressOnly(async ({ actor, fd = -1 }) => (await actor.must(call('getpeername', fd))).bytes('address')),
    ...each(
      ['udp', 'mcast'],
      addressOnly(async (receiver) => (await receiveMessage(receiver)).bytes('address')),
    ),
  },
})
