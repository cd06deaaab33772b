import { existsSync } from 'node:fs'
import type { Actor } from '../stage/actor.js'
import { call, type Payload } from '../stage/call.js'
import { either, K, mode } from '../stage/constants.js'
import { DescriptorEnd } from './descriptor-end.js'
import type { Subject } from './subject.js'

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

/** Makes a queue of `size`, or opens the one there is, for both ways. `size.messages` 0: the system's defaults. */
export async function openQueue(actor: Actor, name: string, size?: Size): Promise<number> {
  const flags = size === undefined ? K.O_RDWR : either(K.O_RDWR, K.O_CREAT, K.O_EXCL)
  return (await actor.must(call('mq_open', name, flags, mode(0o600), size?.messages ?? 0, size?.bytes ?? 0))).result
}

export const pmq: Subject = {
  key: 'pmq',
  title: 'POSIX mq',
  adapter: 'message-queue/posix',
  unavailable: () => (existsSync('/proc/sys/fs/mqueue') ? undefined : 'this kernel has no POSIX message queues'),
  async meet(stage) {
    const [sender, receiver] = [await stage.actor('sender'), await stage.actor('receiver')]
    const name = await stage.name('mq')
    const made = await openQueue(sender, name, { messages: MESSAGES, bytes: MESSAGE_BYTES })
    return { sender: queueEnd(sender, made), receiver: queueEnd(receiver, await openQueue(receiver, name)) }
  },
}
