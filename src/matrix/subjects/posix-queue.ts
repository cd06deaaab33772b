import { existsSync } from 'node:fs'
import { limitOf } from '../../core/limits.js'
import type { Actor } from '../../stage/actor.js'
import { type Call, type Constant, call, type Payload } from '../../stage/call.js'
import { either, K, mode } from '../../stage/constants.js'
import { DescriptorEnd } from './descriptor-end.js'
import { opened, type Subject } from './subject.js'

/** What a queue holds where the experiment does not ask for more: small, so that it fills soon. */
const MESSAGES = 8
const MESSAGE_BYTES = 128

interface Size {
  readonly messages: number
  readonly bytes: number
}

/** An end of priority 0. */
export const queueEnd = (actor: Actor, queue: number, room = MESSAGE_BYTES): DescriptorEnd =>
  new DescriptorEnd(
    actor,
    queue,
    (fd: number, payload: Payload) => call('mq_send', fd, payload, 0),
    (fd, asked) => call('mq_receive', fd, Math.min(asked, room)),
  )

const opening = (name: string, flags: readonly Constant[], { messages, bytes }: Size): Call =>
  call('mq_open', name, either(K.O_RDWR, ...flags), mode(0o600), messages, bytes)

const SMALL: Size = { messages: MESSAGES, bytes: MESSAGE_BYTES }
const AS_IT_IS: Size = { messages: 0, bytes: 0 }

/** Makes a queue of `size`, or opens the one there is, for both ways. `size.messages` 0: the system's defaults. */
export async function openQueue(actor: Actor, name: string, size?: Size): Promise<number> {
  return (await actor.must(size === undefined ? opening(name, [], AS_IT_IS) : opening(name, [K.O_CREAT, K.O_EXCL], size))).result
}

/** What several cells have at once: queues of the default size, and small ones. */
const BYTES_AT_ONCE = 256 * 1024

function unavailable(): string | undefined {
  if (!existsSync('/proc/sys/fs/mqueue')) return 'this kernel has no POSIX message queues'
  const { soft = Number.POSITIVE_INFINITY } = limitOf('Max msgqueue size') ?? {}
  return soft < BYTES_AT_ONCE
    ? `a user may have queues of ${soft} bytes here (ulimit -q), and the experiments take ${BYTES_AT_ONCE}`
    : undefined
}

export const pmq: Subject = {
  key: 'pmq',
  title: 'POSIX mq',
  adapter: 'message-queue/posix',
  unavailable,
  async meet(stage) {
    const [sender, receiver] = [await stage.actor('sender'), await stage.actor('receiver')]
    const name = await stage.name('mq')
    const made = await openQueue(sender, name, SMALL)
    return { sender: queueEnd(sender, made), receiver: queueEnd(receiver, await openQueue(receiver, name)) }
  },
  async named(stage) {
    const name = await stage.name('mq')
    const closing = (queue: number) => call('mq_close', queue)
    return {
      name,
      make: (actor, exclusively) => opened(actor, opening(name, exclusively ? [K.O_CREAT, K.O_EXCL] : [K.O_CREAT], SMALL), closing),
      find: (actor) => opened(actor, opening(name, [], AS_IT_IS), closing),
      open: async (actor) => queueEnd(actor, await openQueue(actor, name)),
      remove: (actor) => actor.do(call('mq_unlink', name)),
    }
  },
}
