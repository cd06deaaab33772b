import { type Call, call, counter, filling, type Outcome } from '../../stage/call.js'
import { K } from '../../stage/constants.js'
import type { Stage } from '../../stage/stage.js'
import type { MemoryEnd } from '../subjects/memory.js'
import type { PosixSemaphoreEnd } from '../subjects/posix-semaphore.js'
import type { End, Pair } from '../subjects/subject.js'
import type { SysvSemaphoreEnd } from '../subjects/sysv-semaphore.js'
import { defineProperty, type Experiment, each, MEMORY, QUEUES, SIGNALS } from './property.js'

/** More than any buffer holds. */
const LARGE = 8 << 20

/** The sender is killed where it sleeps in one large write. What comes of it, and what is behind that? */
async function cut(stage: Stage, { sender, receiver }: Pair): Promise<{ readonly bytes: number; readonly end: string }> {
  const pending = sender.actor.begin(sender.send(filling(LARGE)))
  if ((await pending.settled()) === 'returned') return { bytes: LARGE, end: String(await pending.outcome) }
  await sender.actor.kill()
  let bytes = 0
  for (;;) {
    const { result, error } = await receiver.actor.do(call('drain', receiver.fd ?? -1, LARGE))
    if (result > 0) bytes += result
    else {
      stage.observe(`${bytes} of ${LARGE} bytes came`)
      return { bytes, end: error ?? 'EOF' }
    }
  }
}

const part = (bytes: number): string => (bytes > 0 && bytes < LARGE ? 'prefix' : `${bytes} bytes`)

const stream: Experiment = async (stage, subject) => {
  const { bytes, end } = await cut(stage, await subject.meet(stage))
  return `${part(bytes)} then ${end}`
}

const MESSAGE_BYTES = 128
/** More such messages than any queue holds. */
const MANY = 2000

/** Whether the messages are the first ones that were sent, each whole and in its place. */
const whole = (messages: readonly Uint8Array[], bytes: number): boolean =>
  messages.every((message, index) => message.length === bytes && new DataView(message.buffer).getUint32(0, true) === index)

/** The sender is killed where it waits for room for one more message. */
const queued: Experiment = async (stage, subject) => {
  const { sender, receiver } = await subject.meet(stage)
  const pending = sender.actor.begin(sender.send(counter(MESSAGE_BYTES)), MANY)
  if ((await pending.settled()) === 'returned') return String(await pending.outcome)
  await sender.actor.kill()
  await receiver.waits(false)
  const { each: messages } = await receiver.actor.repeat(MANY, receiver.receive())
  const come = messages.filter(({ length }) => length > 0) // a sequence of records ends with one of no length
  stage.observe(`${come.length} messages are there, and of the one that waited nothing`)
  return come.length > 0 && whole(come, MESSAGE_BYTES) ? 'whole or nothing' : 'torn'
}

/** What a datagram over the loopback interface carries without being cut into fragments. */
const DATAGRAM_BYTES = 32_768
/** More sends that never wait than a process makes before it is killed. */
const ENDLESS = 1_000_000

/** Sends that never wait: as soon as the first has come, the sender is killed among the others. Answers what came then. */
async function amid({ sender, receiver }: Pair, sends: Call, times: number, take: () => Call): Promise<readonly [Outcome, Outcome]> {
  sender.actor.begin(sends, times)
  const first = await receiver.actor.must(receiver.receive(1))
  await sender.actor.kill()
  await receiver.waits(false)
  return [first, await receiver.actor.repeat(times, take())]
}

const datagrams: Experiment = async (stage, subject) => {
  const pair = await subject.meet(stage)
  const take = () => pair.receiver.receive(2 * DATAGRAM_BYTES)
  const [, { each: come }] = await amid(pair, pair.sender.send(filling(DATAGRAM_BYTES)), ENDLESS, take)
  stage.observe(`${come.length} more datagrams are there`)
  return come.every(({ length }) => length === DATAGRAM_BYTES) ? 'whole or nothing' : 'torn'
}

/** A process has posted, and is killed where it waits for more permits than there are. */
const semaphore =
  (permits: (survivor: End) => Promise<number>): Experiment =>
  async (stage, subject) => {
    const { sender, receiver } = await subject.meet(stage)
    await sender.actor.must(sender.send(''))
    const pending = sender.actor.begin(sender.receive(), 2)
    if ((await pending.settled()) === 'returned') return String(await pending.outcome)
    const before = await permits(receiver)
    await sender.actor.kill()
    const after = await permits(receiver)
    if (after !== before) return `${before} before, ${after} after`
    stage.intend('Control: the next post is for who lives.')
    await receiver.actor.must(receiver.send(''))
    await receiver.waits(false)
    const taken = await receiver.actor.do(receiver.receive())
    return taken.error === undefined ? 'as at kill' : `the next post is lost: ${taken}`
  }

const [OLD, NEW] = ['oldold', 'newnew']
/** The record stands behind its sequence number, which is odd while it is being written. */
const RECORD = 4

export default defineProperty({
  id: 'P29',
  name: 'writer-killed',
  experiments: {
    ...each(['pipe', 'fifo', 'ustream'], stream),
    tcp: async (stage, subject) => {
      const { bytes, end } = await cut(stage, await subject.meet(stage))
      stage.intend('Again, with a writer that was sent something that it never read.')
      const pair = await subject.meet(stage)
      await pair.receiver.actor.must(pair.receiver.send('unread'))
      const reset = await cut(stage, pair)
      const first = `${part(bytes)} then ${end === 'EOF' ? 'FIN' : end}`
      return reset.end === 'ECONNRESET' ? `${first} (or RST)` : first
    },
    ...each([...QUEUES, 'udgram', 'useq'], queued),
    ...each(['udp', 'mcast'], datagrams),
    ...each(MEMORY, async (stage, subject) => {
      const { sender, receiver } = (await subject.meet(stage)) as { sender: MemoryEnd; receiver: MemoryEnd }
      const writer = sender.actor
      const write = async (text: string) => {
        await writer.must(call('exchange_add', sender.address, 1))
        await writer.must(call('store', sender.address + RECORD, text))
      }
      await write(OLD)
      await writer.must(call('exchange_add', sender.address, 1))
      stage.intend('The writer of the next record is killed when half of it is stored.')
      await write(NEW.slice(0, NEW.length / 2))
      await writer.kill()
      const sequence = await receiver.actor.must(call('exchange_add', receiver.address, 0))
      const { text } = await receiver.actor.must(call('load', receiver.address + RECORD, OLD.length))
      if (text === OLD || text === NEW) return `whole: ${text}`
      return sequence.result % 2 === 1 ? 'torn bytes stay' : `torn, and nothing tells: ${text}`
    }),
    psem: semaphore(async (survivor) => {
      const { address } = survivor as PosixSemaphoreEnd
      return (await survivor.actor.must(call('sem_getvalue', address))).number('value')
    }),
    svsem: semaphore(async (survivor) => {
      const { id } = survivor as SysvSemaphoreEnd
      return (await survivor.actor.must(call('semctl', id, 0, K.GETVAL, 0))).result
    }),
    ...each(SIGNALS, async (stage, subject) => {
      const pair = await subject.meet(stage)
      const { sender, receiver } = pair
      const limit = (await receiver.actor.must(call('getrlimit', K.RLIMIT_SIGPENDING))).number('soft')
      const times = subject.key === 'sig' ? ENDLESS : Math.min(MANY, Math.ceil(limit / 2))
      const come = await amid(pair, sender.send(counter()), times, () => receiver.receive())
      const values = come.flatMap((outcome) => outcome.numbers('value'))
      const senders = come.flatMap((outcome) => outcome.numbers('sender'))
      stage.observe(`${values.length} signals came`)
      const inOrder = subject.key === 'sig' || values.every((value, index) => value === index)
      return inOrder && senders.every((pid) => pid === sender.actor.pid) ? 'sent or not' : 'torn'
    }),
  },
})
