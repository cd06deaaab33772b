import type { Actor } from '../../stage/actor.js'
import { call } from '../../stage/call.js'
import { K } from '../../stage/constants.js'
import { descriptorsOf } from '../../stage/kernel.js'
import type { Stage } from '../../stage/stage.js'
import { attach, openObject } from '../subjects/memory.js'
import { openSemaphore } from '../subjects/posix-semaphore.js'
import { openSysvQueue } from '../subjects/sysv-queue.js'
import { openSemaphores } from '../subjects/sysv-semaphore.js'
import { DATAGRAMS, defineProperty, type Experiment, each, SIGNALS, STREAMS } from './property.js'

/** Adds the descriptor to an epoll instance of its own; answers that, or why not. */
async function added(actor: Actor, fd: number): Promise<number | string> {
  const epoll = (await actor.must(call('epoll_create1', 0))).result
  const { error } = await actor.do(call('epoll_ctl', epoll, K.EPOLL_CTL_ADD, fd, K.EPOLLIN))
  return error ?? epoll
}

/** Whether an event loop sleeps while there is nothing, and wakes when something is sent. */
async function wakes(receiver: Actor, fd: number, send: () => Promise<unknown>): Promise<string> {
  const epoll = await added(receiver, fd)
  if (typeof epoll === 'string') return epoll
  const waiting = receiver.begin(call('epoll_wait', epoll, -1))
  if ((await waiting.settled()) === 'returned') return `ready before anything was sent: ${await waiting.outcome}`
  await send()
  const { result } = await waiting.outcome
  return result === 1 ? 'yes' : `${result} events`
}

const ofDescriptor: Experiment = async (stage, subject) => {
  const { sender, receiver } = await subject.meet(stage)
  return receiver.fd === undefined ? 'no' : wakes(receiver.actor, receiver.fd, () => sender.actor.must(sender.send('x')))
}

/** Memory that has a descriptor: does epoll take it? */
const ofMemory =
  (open: (actor: Actor, stage: Stage) => Promise<number>): Experiment =>
  async (stage) => {
    const actor = await stage.actor('owner')
    const memory = await open(actor, stage)
    const taken = await stage.unless(async () => (typeof (await added(actor, memory)) === 'number' ? 'yes' : undefined), {
      text: 'epoll takes a descriptor that can become ready.',
      see: async () => {
        const counter = (await actor.must(call('eventfd', 0, 0))).result
        return typeof (await added(actor, counter)) === 'number' ? 'taken' : undefined
      },
    })
    return taken ?? (await added(actor, memory)).toString()
  }

/** Whether what is opened has a descriptor at all; `none` is said where it has not. */
const withoutDescriptor =
  (none: string, open: (actor: Actor, stage: Stage) => Promise<unknown>): Experiment =>
  async (stage) => {
    const actor = await stage.actor('owner')
    const more = async (what: () => Promise<unknown>) => {
      const before = descriptorsOf(actor.pid).length
      await what()
      const after = descriptorsOf(actor.pid).length
      stage.observe(`/proc/${actor.pid}/fd has ${before} entries before, ${after} after`)
      return after > before ? after - before : undefined
    }
    const opened = await stage.unless(() => more(() => open(actor, stage)), {
      text: 'of what has a descriptor, /proc shows it.',
      see: () => more(() => actor.must(call('eventfd', 0, 0))),
    })
    return opened === undefined ? none : `${opened} descriptors`
  }

export default defineProperty({
  id: 'P37',
  name: 'pollable',
  experiments: {
    ...each([...STREAMS, ...DATAGRAMS, 'useq'], ofDescriptor),
    // That the id of a queue is a descriptor is so on Linux alone. mq_overview(7)
    pmq: async (stage, subject) => {
      const seen = await ofDescriptor(stage, subject)
      return seen === 'yes' ? 'yes (Linux)' : seen
    },
    ...each(SIGNALS, async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      const [, signal = 0] = receiver.receive().args
      const fd = (await receiver.actor.must(call('signalfd', 0, signal))).result
      const seen = await wakes(receiver.actor, fd, () => sender.actor.must(sender.send('')))
      return seen === 'yes' ? 'signalfd' : seen
    }),
    psem: withoutDescriptor('no', async (actor, stage) => openSemaphore(actor, await stage.name('sem'), 0)),
    svsem: withoutDescriptor('no', async (actor, stage) => openSemaphores(actor, await stage.key('sysv-sem'), 0)),
    svmq: withoutDescriptor('no', async (actor, stage) => openSysvQueue(actor, await stage.key('sysv-msg'), 'make')),
    svshm: withoutDescriptor('no fd', async (actor, stage) => attach(actor, await stage.key('sysv-shm'), 'make')),
    pshm: ofMemory(async (actor, stage) => openObject(actor, await stage.name('shm'), 'make')),
    memfd: ofMemory(async (actor) => (await actor.must(call('memfd_create', 'ipcpg', 0))).result),
  },
})
