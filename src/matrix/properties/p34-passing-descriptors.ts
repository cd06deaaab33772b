import type { Actor } from '../../stage/actor.js'
import { call } from '../../stage/call.js'
import { K } from '../../stage/constants.js'
import type { Stage } from '../../stage/stage.js'
import { bound, connected, unixAddress } from '../subjects/sockets.js'
import type { Pair } from '../subjects/subject.js'
import { defineProperty, type Experiment, each, MEMORY, QUEUES, SEMAPHORES, SIGNALS } from './property.js'

/** No descriptor of an actor has such a number by itself, and it is below any limit that an actor works with. */
const HIGH = 40

const WITHIN = 'in the pipe'

/** The reading end of a pipe of its own in which some bytes wait, with a number that the receiver has not in use. */
async function descriptorOf(sender: Actor): Promise<number> {
  const made = await sender.must(call('pipe2', 0))
  await sender.must(call('write', made.number('write'), WITHIN))
  return (await sender.must(call('fcntl', made.number('read'), K.F_DUPFD, HIGH))).result
}

const pass = (sender: Actor, fd: number, descriptor: number) => sender.do(call('send_rights', fd, 'x', descriptor))

/** Receives a message: `no` where no descriptor came with it. */
async function passed(receiver: Actor, fd: number): Promise<string> {
  const [right] = (await receiver.must(call('recvmsg', fd, 1, 0))).numbers('right')
  if (right === undefined) return 'no'
  const read = await receiver.do(call('read', right, WITHIN.length))
  return read.text === WITHIN ? 'SCM_RIGHTS' : `a descriptor that reads ${read}`
}

/** Of a descriptor of the sender: what comes of sending it as ancillary data, where the mechanism has a descriptor itself. */
async function attempt({ sender, receiver }: Pair, descriptor: number): Promise<string> {
  if (sender.fd === undefined) return 'no'
  const { error } = await pass(sender.actor, sender.fd, descriptor)
  return error === undefined ? passed(receiver.actor, receiver.fd ?? -1) : 'no'
}

async function overUnixSocket(stage: Stage, sender: Actor, receiver: Actor, descriptor: number): Promise<string> {
  const { fd, address } = await bound(receiver, K.AF_UNIX, K.SOCK_DGRAM, unixAddress(await stage.path()))
  await pass(sender, await connected(sender, K.AF_UNIX, K.SOCK_DGRAM, address), descriptor)
  return passed(receiver, fd)
}

/** Nothing but the number gets to the receiver, where anything does. */
const numberAlone =
  (tell: (pair: Pair, number: number) => Promise<number>): Experiment =>
  async (stage, subject) => {
    const pair = await subject.meet(stage)
    const [sender, receiver] = [pair.sender.actor, pair.receiver.actor]
    const descriptor = await descriptorOf(sender)
    const seen = await stage.unless(
      async () => {
        const ancillary = await attempt(pair, descriptor)
        if (ancillary !== 'no') return ancillary
        stage.intend('What is left to be told is its number, which means nothing in another process.')
        const number = await tell(pair, descriptor)
        const { error } = await receiver.do(call('fcntl', number, K.F_GETFD, 0))
        return error === 'EBADF' ? undefined : `descriptor ${number} is there`
      },
      {
        text: 'over a unix socket the descriptor itself arrives',
        see: async () => ((await overUnixSocket(stage, sender, receiver, descriptor)) === 'SCM_RIGHTS' ? 'SCM_RIGHTS' : undefined),
      },
    )
    return seen ?? 'no'
  }

/** Enough for a number, and for any message of the queues. */
const ROOM = 128

export default defineProperty({
  id: 'P34',
  name: 'passing-descriptors',
  experiments: {
    ...each(['ustream', 'udgram', 'useq'], async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      const { error } = await pass(sender.actor, sender.fd ?? -1, await descriptorOf(sender.actor))
      if (error !== undefined) return error
      stage.intend('It is on its way, and outlives who sent it.')
      await sender.actor.kill()
      return passed(receiver.actor, receiver.fd ?? -1)
    }),
    ...each(
      ['pipe', 'fifo', 'tcp', 'udp', 'mcast', ...QUEUES, ...MEMORY],
      numberAlone(async ({ sender, receiver }, number) => {
        await sender.actor.must(sender.send(String(number)))
        return Number.parseInt((await receiver.actor.must(receiver.receive(ROOM))).text, 10)
      }),
    ),
    ...each(
      [...SEMAPHORES, ...SIGNALS],
      numberAlone(async ({ sender, receiver }, number) => {
        await sender.actor.must(sender.send(''))
        await receiver.actor.must(receiver.receive())
        return number
      }),
    ),
  },
})
