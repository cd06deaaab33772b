import { call } from '../../stage/call.js'
import { K } from '../../stage/constants.js'
import type { Stage } from '../../stage/stage.js'
import { DescriptorEnd } from '../subjects/descriptor-end.js'
import { makeFifo, openFifo } from '../subjects/fifo.js'
import { bound, inetAddress, LOOPBACK, unixAddress } from '../subjects/sockets.js'
import type { End, Pair } from '../subjects/subject.js'
import { defineProperty, type Experiment, each, MEMORY, QUEUES, SEMAPHORES, SIGNALS } from './property.js'

const shutdown = (end: End) => end.actor.must(call('shutdown', end.fd ?? -1, K.SHUT_WR))

/** It waits for the end of what the other says, and answers then. */
const answering: Experiment = async (stage, subject) => {
  const { sender, receiver } = await subject.meet(stage)
  await sender.actor.must(sender.send('question'))
  await receiver.actor.must(receiver.receive())
  await shutdown(sender)
  const end = await receiver.actor.must(receiver.receive())
  if (end.result !== 0) return `no end: ${end}`
  const said = await sender.actor.do(sender.send('more'))
  if (said.error !== 'EPIPE') return `${said} after its end`
  stage.intend('The other direction is open.')
  await receiver.actor.must(receiver.send('answer'))
  const answer = await sender.actor.do(sender.receive())
  return answer.text === 'answer' ? 'yes' : String(answer)
}

/** Each of two processes writes to one pipe and reads from the other. */
interface Conversation {
  readonly asks: { readonly out: End; readonly in: End }
  readonly answers: { readonly out: End; readonly in: End }
}

async function overTwo(stage: Stage, { asks, answers }: Conversation): Promise<string> {
  await asks.out.actor.must(asks.out.send('question'))
  await answers.in.actor.must(answers.in.receive())
  stage.intend('One of the two pipes is closed. The other is still there for the answer.')
  await asks.out.close()
  const end = await answers.in.actor.must(answers.in.receive())
  if (end.result !== 0) return `no end: ${end}`
  await answers.out.actor.must(answers.out.send('answer'))
  const answer = await asks.in.actor.do(asks.in.receive())
  return answer.text === 'answer' ? 'by design' : String(answer)
}

/** The sender shuts its direction down; who learns of that? */
async function shutDown({ sender, receiver }: Pair): Promise<string | undefined> {
  await sender.actor.must(sender.send('question'))
  await receiver.actor.must(receiver.receive())
  await shutdown(sender)
  await receiver.waits(false)
  const told = await receiver.actor.do(receiver.receive())
  if (told.error !== 'EAGAIN') return `the other is told: ${told}`
  const said = await sender.actor.do(sender.send('more'))
  return said.error === 'EPIPE' ? undefined : `${said} after its end`
}

/** More than an answer needs over the loopback interface. */
const PATIENCE_MS = 2000

/** Whether `receiver` can still send to the address of `sender`. */
async function answered({ sender, receiver }: Pair): Promise<boolean> {
  await receiver.actor.must(call('sendto', receiver.fd ?? -1, 'answer', 0, await nameOf(sender)))
  await sender.actor.must(call('poll', sender.fd ?? -1, K.POLLIN, PATIENCE_MS))
  return (await sender.actor.do(sender.receive())).text === 'answer'
}

const datagrams =
  (named: (stage: Stage, sender: End) => Promise<void>): Experiment =>
  async (stage, subject) => {
    const pair = await subject.meet(stage)
    await named(stage, pair.sender)
    const seen = await shutDown(pair)
    if (seen !== undefined) return seen
    stage.intend('The other direction is open.')
    return (await answered(pair)) ? 'local only' : 'both directions'
  }

const nameOf = async ({ actor, fd = -1 }: End) => (await actor.must(call('getsockname', fd))).bytes('address')

/** Room for a message of a queue; of memory, a part of it. */
const ROOM = 128

/** Giving its end up is all that a sender can do, and another may send in its place. */
const nobodyIsTold: Experiment = async (stage, subject) => {
  const { sender, receiver } = await subject.meet(stage)
  const other = await sender.actor.fork('another sender')
  await receiver.waits(false)
  const look = async () => {
    const { result, error, text } = await receiver.actor.do(receiver.receive(ROOM))
    return error ?? `${result} ${text}`
  }
  const before = await look()
  stage.intend('The sender gives its end up, where it has one: it has said all that it had to say.')
  await sender.close()
  const seen = await stage.unless(
    async () => {
      const after = await look()
      return after === before ? undefined : after
    },
    {
      text: 'who sends now, is heard: no direction was closed',
      see: async () => {
        await other.must(sender.send('x'))
        return (await look()) === before ? undefined : 'heard'
      },
    },
  )
  return seen ?? 'no'
}

export default defineProperty({
  id: 'P28',
  name: 'half-close',
  experiments: {
    ...each(['ustream', 'useq', 'tcp'], answering),
    pipe: async (stage) => {
      const asking = await stage.actor('sender')
      const [there, back] = [await asking.must(call('pipe2', 0)), await asking.must(call('pipe2', 0))]
      const answering = await asking.spawn('receiver')
      await asking.must(call('close', there.number('read')))
      await asking.must(call('close', back.number('write')))
      await answering.must(call('close', there.number('write')))
      await answering.must(call('close', back.number('read')))
      return overTwo(stage, {
        asks: { out: new DescriptorEnd(asking, there.number('write')), in: new DescriptorEnd(asking, back.number('read')) },
        answers: { out: new DescriptorEnd(answering, back.number('write')), in: new DescriptorEnd(answering, there.number('read')) },
      })
    },
    fifo: async (stage) => {
      const [asking, answering] = [await stage.actor('sender'), await stage.actor('receiver')]
      const [there, back] = [await makeFifo(stage, asking), await makeFifo(stage, asking)]
      const [heard, answered] = [await openFifo(answering, there, 'read'), await openFifo(asking, back, 'read')]
      return overTwo(stage, {
        asks: { out: await openFifo(asking, there, 'write'), in: answered },
        answers: { out: await openFifo(answering, back, 'write'), in: heard },
      })
    },
    udgram: datagrams(async (stage, sender) => {
      stage.intend('The sender takes an address, so that it can be answered.')
      await sender.actor.must(call('bind', sender.fd ?? -1, unixAddress(await stage.path())))
    }),
    udp: datagrams(async () => {}),
    mcast: async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      await sender.actor.must(sender.send('question'))
      await receiver.actor.must(receiver.receive())
      stage.intend('Is there another direction to leave open? A member answers the sender.')
      const open = await bound(sender.actor, K.AF_INET, K.SOCK_DGRAM, inetAddress(LOOPBACK, 0))
      const reply = async (address: Uint8Array) => receiver.actor.must(call('sendto', receiver.fd ?? -1, 'answer', 0, address))
      await reply(await nameOf(sender))
      const seen = await stage.unless(
        async () => {
          await sender.waits(false)
          const answer = await sender.actor.do(sender.receive())
          return answer.error === 'EAGAIN' ? undefined : 'yes'
        },
        {
          text: 'a socket of its own gets what the sender of the group does not',
          see: async () => {
            await reply(open.address)
            return (await sender.actor.must(call('recv', open.fd, 64, 0))).text
          },
        },
      )
      return seen ?? 'no'
    },
    ...each([...QUEUES, ...SEMAPHORES, ...MEMORY, ...SIGNALS], nobodyIsTold),
  },
})
