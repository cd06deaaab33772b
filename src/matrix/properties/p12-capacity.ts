import { readFileSync, statfsSync } from 'node:fs'
import { totalmem } from 'node:os'
import type { Actor } from '../../stage/actor.js'
import { call, filling } from '../../stage/call.js'
import { either, K, mode } from '../../stage/constants.js'
import { Skip } from '../../stage/stage.js'
import { map } from '../subjects/memory.js'
import { openSemaphore } from '../subjects/posix-semaphore.js'
import { onlyPending } from '../subjects/signals.js'
import { connected, dropsOf, int, intOption, openSocket } from '../subjects/sockets.js'
import type { End } from '../subjects/subject.js'
import { openSemaphores } from '../subjects/sysv-semaphore.js'
import { defineProperty, type Experiment, each } from './property.js'

/** More than any channel takes. */
const ENDLESS = 1_000_000

/** How many signals may pend, of the processes of the experiment alone. */
const PENDING = 20

/** More than a buffer holds. */
const FLOOD = { count: 5000, bytes: 1004 }

/** The key of an object that none but its maker knows. */
const IPC_PRIVATE = 0

/** Sends until the channel refuses, while nobody receives. */
const fill = async (end: End, bytes: number) => end.actor.repeat(ENDLESS, end.send(filling(bytes)))

/** Receives all there is, but does not tell it. */
const drain = async ({ actor, fd = -1 }: End) => actor.repeat(ENDLESS, call('drain', fd, 1 << 20))

const share = (bytes: number, buffer: number): number => Number((bytes / buffer).toFixed(4))

/** Touches a page of its own child's, and answers the signal that ended the child. */
async function endOfTouching(actor: Actor, address: number): Promise<number> {
  const child = await actor.fork('who touches it')
  await child.must(call('setrlimit', K.RLIMIT_CORE, 0, 0))
  child.begin(call('load', address, 1))
  return (await actor.must(call('wait', child.pid, 0))).number('signal')
}

/** An object of memory begins with nothing, and is as large as it was made; what is touched takes room where it lies. */
const inMemory =
  (make: (actor: Actor) => Promise<number>): Experiment =>
  async (stage, subject) => {
    const actor = await stage.actor('maker')
    const fd = await make(actor)
    const address = await map(actor, fd)
    stage.intend('It has no size yet: there is nothing behind the mapping.')
    const signal = await endOfTouching(actor, address)
    if (signal !== K.SIGBUS.value) return `touching it ended with ${signal}`
    stage.intend('As large as no memory here: a size alone takes none.')
    await actor.must(call('ftruncate', fd, 2 * totalmem()))
    await actor.must(call('store', address, 'x'))
    const bytes = (await actor.must(call('fstat', fd))).number('blocks') * 512
    if (bytes !== (await actor.must(call('getpagesize'))).result) return `one byte took ${bytes}`
    const { bsize, blocks } = statfsSync('/dev/shm')
    if (subject.key === 'memfd' || blocks === 0) return 'tmpfs / RAM'
    stage.intend(`/dev/shm holds ${bsize * blocks} bytes; room for one page more is refused.`)
    const { error } = await actor.do(call('fallocate', fd, 0, bsize * (blocks + 1)))
    return error === 'ENOSPC' ? 'tmpfs / RAM' : `more than tmpfs holds: ${error ?? 'taken'}`
  }

export default defineProperty({
  id: 'P12',
  name: 'capacity',
  alone: ['rtsig'],
  experiments: {
    ...each(['pipe', 'fifo'], async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      for (const end of [sender, receiver]) await end.waits(false)
      const page = (await sender.actor.must(call('getpagesize'))).result
      const { sum: bytes } = await fill(sender, page)
      stage.intend('Emptied, and filled with writes of half a page and one byte, of which two share no page.')
      await drain(receiver)
      const { times: slots, sum: fewer } = await fill(sender, page / 2 + 1)
      stage.observe(`${bytes} bytes of whole pages, ${fewer} of ${slots} smaller writes`)
      return `${bytes} B = ${slots} page slots`
    }),

    psem: async (stage) => {
      const actor = await stage.actor('poster')
      const semaphore = await openSemaphore(actor, await stage.name('sem'), 2 ** 31 - 3)
      const { error } = await actor.repeat(10, call('sem_post', semaphore))
      const value = (await actor.must(call('sem_getvalue', semaphore))).number('value')
      return error === 'EOVERFLOW' ? String(value) : `${value} and more: ${error ?? 'taken'}`
    },

    svsem: async (stage) => {
      const actor = await stage.actor('poster')
      const id = await openSemaphores(actor, await stage.key('sysv-sem'), 2 ** 15 - 3)
      const { error } = await actor.repeat(10, call('semop', id, 0, 1, 0))
      const { result } = await actor.must(call('semctl', id, 0, K.GETVAL, 0))
      return error === 'ERANGE' ? `${result} (SEMVMX)` : `${result} and more: ${error ?? 'taken'}`
    },

    pmq: async (stage) => {
      const actor = await stage.actor('sender')
      const flags = either(K.O_RDWR, K.O_CREAT, K.O_EXCL, K.O_NONBLOCK)
      const queue = (await actor.must(call('mq_open', await stage.name('mq'), flags, mode(0o600), 0, 0))).result
      const bytes = (await actor.must(call('mq_getattr', queue))).number('msgsize')
      const { times } = await actor.repeat(ENDLESS, call('mq_send', queue, filling(bytes), 0))
      stage.intend('Whoever makes a queue may ask for as many messages as msg_max says; for more with CAP_SYS_RESOURCE alone.')
      const most = Number(readFileSync('/proc/sys/fs/mqueue/msg_max', 'utf8'))
      const larger = await actor.do(call('mq_open', await stage.name('mq'), flags, mode(0o600), most + 1, 1))
      return { value: `${times} x ${bytes} B`, figures: { 'queues over msg_max': larger.error === undefined ? 1 : 0 } }
    },

    svmq: async (stage, subject) => {
      const { sender } = await subject.meet(stage)
      await sender.waits(false)
      const { times } = await fill(sender, 4096)
      stage.intend('What is left is filled up with messages of one byte.')
      const { times: rest } = await fill(sender, 1)
      return `${4096 * times + rest} B (msgmnb)`
    },

    sig: async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      await receiver.waits(false)
      await sender.actor.repeat(10, sender.send(''))
      const { times } = await receiver.actor.repeat(10, receiver.receive())
      return `${times} pending per number`
    },

    rtsig: async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      await onlyPending(stage, receiver.actor, PENDING)
      const second = await receiver.actor.fork('another receiver of this user')
      const [, signal = 0] = sender.send('').args
      const { times, error } = await sender.actor.repeat(PENDING + 1, sender.send(''))
      if (error !== 'EAGAIN') return `${times} pending, and more`
      const toAnother = async () => (await sender.actor.do(call('sigqueue', second.pid, signal, 0))).error
      return (await stage.unless(async () => ((await toAnother()) === 'EAGAIN' ? 'RLIMIT_SIGPENDING (per real uid)' : 'per process'), {
        text: 'once the first receiver has taken one, the other gets one',
        see: async () => {
          await receiver.actor.must(receiver.receive())
          return (await toAnother()) === undefined || undefined
        },
      })) as string
    },

    pshm: async (stage, subject) => {
      const name = await stage.name('shm')
      return inMemory(
        async (actor) => (await actor.must(call('shm_open', name, either(K.O_RDWR, K.O_CREAT, K.O_EXCL), mode(0o600)))).result,
      )(stage, subject)
    },
    memfd: inMemory(async (actor) => (await actor.must(call('memfd_create', 'ipcpg', 0))).result),

    svshm: async (stage) => {
      const actor = await stage.apart('maker', K.CLONE_NEWIPC)
      stage.intend('The limits of this IPC namespace: a segment of two pages, three pages in all.')
      const page = (await actor.must(call('getpagesize'))).result
      for (const [limit, value] of [
        ['shmmax', 2 * page],
        ['shmall', 3],
      ] as const) {
        const { result, error } = await actor.do(call('open', `/proc/sys/kernel/${limit}`, K.O_WRONLY, 0))
        if (error !== undefined) throw new Skip(`${limit} cannot be set here: ${error}`)
        await actor.must(call('write', result, String(value)))
      }
      const make = async (bytes: number) => actor.do(call('shmget', IPC_PRIVATE, bytes, mode(0o600)))
      const [large, first, second, third] = [await make(2 * page + 1), await make(2 * page), await make(page), await make(page)]
      if (first.error !== undefined || second.error !== undefined) return `${first}, ${second}`
      const limits = [large.error === 'EINVAL' && 'SHMMAX', third.error === 'ENOSPC' && 'SHMALL'].filter(Boolean)
      return limits.join('/') || 'no limit'
    },

    ustream: async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      for (const end of [sender, receiver]) await end.waits(false)
      const buffer = await intOption(sender.actor, sender.fd ?? -1, K.SO_SNDBUF)
      const { sum: bytes } = await fill(sender, 8 << 20)
      stage.intend('Emptied, and filled with single bytes: what the kernel needs for each counts, too.')
      await drain(receiver)
      const { sum: fewer } = await fill(sender, 1)
      stage.observe(`SO_SNDBUF is ${buffer}: ${bytes} bytes in large sends, ${fewer} in sends of one`)
      const figures = { 'bytes of large sends to SO_SNDBUF': share(bytes, buffer), 'single bytes to SO_SNDBUF': share(fewer, buffer) }
      return { value: `~SO_SNDBUF ${buffer}`, figures }
    },

    useq: async (stage, subject) => {
      const { sender } = await subject.meet(stage)
      await sender.waits(false)
      const buffer = await intOption(sender.actor, sender.fd ?? -1, K.SO_SNDBUF)
      const { times } = await fill(sender, 1)
      stage.observe(`SO_SNDBUF is ${buffer}, in which ${times} messages of one byte have room`)
      return { value: 'messages of 1 B', figures: { 'SO_SNDBUF to their count': Math.round(buffer / times) } }
    },

    udgram: async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      await sender.waits(false)
      const name = (await receiver.actor.must(call('getsockname', receiver.fd ?? -1))).bytes('address')
      let { times: messages } = await fill(sender, 1)
      stage.intend('Is it the queue that is full, or this socket’s buffer? Another socket has one of its own.')
      for (let more = -1; more !== 0; messages += more) {
        const fd = await connected(sender.actor, K.AF_UNIX, K.SOCK_DGRAM, name)
        more = (await sender.actor.repeat(ENDLESS, call('send', fd, 'x', either(K.MSG_DONTWAIT, K.MSG_NOSIGNAL)))).times
      }
      return `${messages} msgs (qlen ${messages - 1} + 1)`
    },

    tcp: async (stage, subject) => {
      const { sender } = await subject.meet(stage)
      await sender.waits(false)
      const fresh = await intOption(sender.actor, await openSocket(sender.actor, K.AF_INET, K.SOCK_STREAM), K.SO_SNDBUF)
      const { sum } = await fill(sender, 65_536)
      const grown = await intOption(sender.actor, sender.fd ?? -1, K.SO_SNDBUF)
      stage.observe(`${sum} bytes were taken; SO_SNDBUF was ${fresh} at first, and is ${grown}`)
      return { value: grown > fresh ? 'autotuned' : 'fixed', figures: { bytes: sum } }
    },

    ...each(['udp', 'mcast'], async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      await receiver.waits(false)
      const fd = receiver.fd ?? -1
      const kept = async () => {
        const before = await dropsOf(receiver.actor, fd)
        const { times: sent } = await sender.actor.repeat(FLOOD.count, sender.send(filling(FLOOD.bytes)))
        const { times } = await drain(receiver)
        const dropped = (await dropsOf(receiver.actor, fd)) - before
        stage.observe(`${sent} sent: ${times} kept, ${dropped} dropped`)
        return times
      }
      const buffer = await intOption(receiver.actor, fd, K.SO_RCVBUF)
      const first = await kept()
      stage.intend('With a quarter of the buffer; the kernel doubles what it is asked for. socket(7)')
      await receiver.actor.must(call('setsockopt', fd, K.SOL_SOCKET, K.SO_RCVBUF, int(buffer / 8)))
      const second = await kept()
      const bytes = share(first * FLOOD.bytes, buffer)
      return { value: second < first / 2 ? 'SO_RCVBUF' : `${first}, then ${second}`, figures: { 'bytes kept to SO_RCVBUF': bytes } }
    }),
  },
})
