import type { Actor } from '../../stage/actor.js'
import { call } from '../../stage/call.js'
import { either, K } from '../../stage/constants.js'
import type { Stage } from '../../stage/stage.js'
import { membership } from '../subjects/datagram-sockets.js'
import { makeFifo, openFifo } from '../subjects/fifo.js'
import { socketEnd } from '../subjects/sockets.js'
import type { End, Pair, Subject } from '../subjects/subject.js'
import { DATAGRAMS, defineProperty, type Experiment, each, MEMORY, notApplicable, QUEUES, SEMAPHORES, SIGNALS } from './property.js'

const UNREAD = 'unread'
/** More than the loopback interface takes. */
const PATIENCE_MS = 5000

/** Six bytes have come to the receiver. */
async function delivered(stage: Stage, subject: Subject): Promise<Pair> {
  const { sender, receiver } = await subject.meet(stage)
  await sender.actor.must(sender.send(UNREAD))
  await receiver.actor.must(call('poll', receiver.fd ?? -1, K.POLLIN, PATIENCE_MS))
  return { sender, receiver }
}

/** What the sender receives once the receiver has closed. */
async function afterClose({ sender, receiver }: Pair): Promise<string> {
  await receiver.close()
  await sender.actor.must(call('poll', sender.fd ?? -1, K.POLLIN, PATIENCE_MS))
  const { result, error } = await sender.actor.do(sender.receive())
  return error ?? (result === 0 ? 'EOF' : `${result} bytes`)
}

const connection: Experiment = async (stage, subject) => {
  const unread = await afterClose(await delivered(stage, subject))
  stage.intend('For comparison: another receiver reads what came before it closes.')
  const pair = await delivered(stage, subject)
  await pair.receiver.actor.must(pair.receiver.receive())
  const read = await afterClose(pair)
  return read === 'EOF' ? unread : `${unread}, and ${read} where all was read`
}

/** The receiver closes, then the sender; before that and after it `latecomer` opens the pipe anew, by `path`. */
async function reopened(stage: Stage, { sender, receiver }: Pair, latecomer: Actor, path: string): Promise<string> {
  const reopen = () => latecomer.do(call('open', path, either(K.O_RDONLY, K.O_NONBLOCK), 0))
  await sender.actor.must(call('ignore', K.SIGPIPE))
  await sender.actor.must(sender.send(UNREAD))
  await receiver.close()
  const told = await sender.actor.do(sender.send('x'))
  if (told.error !== 'EPIPE') return `the writer is told ${told}`
  stage.intend('Control: as long as the writer has its end, the bytes are in the pipe, for whoever can open it.')
  const { result: early } = await reopen()
  const { text } = await latecomer.must(call('read', early, 1))
  if (text !== UNREAD[0]) return 'data discarded before the writer closed'
  await latecomer.must(call('close', early))
  stage.intend('The writer closes as well: now nobody has an end.')
  await sender.close()
  const late = await reopen()
  if (late.error === 'ENOENT') return 'data discarded'
  const { result } = await latecomer.must(call('read', late.result, UNREAD.length))
  return result === 0 ? 'data discarded' : 'kept'
}

/** Another process takes the address over, which its owner has given up. */
async function successor(stage: Stage, { key }: Subject, address: Uint8Array): Promise<End> {
  const heir = await stage.actor('successor')
  const [family = 0] = address
  const fd = (await heir.must(call('socket', family, K.SOCK_DGRAM, 0))).result
  if (key === 'udgram') await heir.must(call('unlink', Buffer.from(address.subarray(2, address.indexOf(0, 2))).toString()))
  await heir.must(call('bind', fd, address))
  if (key === 'mcast')
    await heir.must(call('setsockopt', fd, K.IPPROTO_IP, K.IP_ADD_MEMBERSHIP, membership(address.subarray(4, 8).join('.'))))
  return socketEnd(heir, fd)
}

export default defineProperty({
  id: 'P27',
  name: 'close-with-unread',
  experiments: {
    ...each(['ustream', 'useq', 'tcp'], connection),
    pipe: async (stage, subject) => {
      const pair = await subject.meet(stage)
      return reopened(stage, pair, pair.sender.actor, `/proc/self/fd/${pair.sender.fd}`)
    },
    fifo: async (stage) => {
      const [sender, receiver] = [await stage.actor('sender'), await stage.actor('receiver')]
      const path = await makeFifo(stage, sender)
      const reading = await openFifo(receiver, path, 'read')
      return reopened(stage, { sender: await openFifo(sender, path, 'write'), receiver: reading }, receiver, path)
    },
    ...each(DATAGRAMS, async (stage, subject) => {
      const { sender, receiver } = await delivered(stage, subject)
      const address = (await receiver.actor.must(call('getsockname', receiver.fd ?? -1))).bytes('address')
      await receiver.close()
      stage.intend('Is the sender told?')
      await sender.waits(false)
      const told = await sender.actor.do(sender.receive())
      if (told.error !== 'EAGAIN') return `the sender is told ${told}`
      stage.intend('Another takes the address over: is the datagram still there for it?')
      const heir = await successor(stage, subject, address)
      await heir.waits(false)
      const seen = await stage.unless(
        async () => {
          const { error, text } = await heir.actor.do(heir.receive())
          return error === 'EAGAIN' ? undefined : `kept ${text}`
        },
        {
          text: 'what is sent now arrives',
          see: async () => {
            await sender.actor.must(call('connect', sender.fd ?? -1, address))
            await sender.actor.must(sender.send('next'))
            await heir.waits(true)
            return (await heir.actor.must(heir.receive())).text
          },
        },
      )
      return seen ?? 'silently lost'
    }),
    ...each(QUEUES, async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      const other = await sender.actor.fork('another reader')
      await sender.actor.must(sender.send(UNREAD))
      await receiver.close()
      await receiver.actor.exit()
      await sender.waits(false)
      const { text, error } = await other.do(sender.receive())
      return text === UNREAD ? 'kept' : (error ?? text)
    }),
    ...notApplicable(SEMAPHORES, 'a semaphore carries no data'),
    ...notApplicable(SIGNALS, 'there is nothing to close'),
    ...notApplicable(MEMORY, 'nothing in memory is unread: it is no queue'),
  },
})
