import type { Actor } from '../../stage/actor.js'
import { call, counter, filling } from '../../stage/call.js'
import { either, K, mode } from '../../stage/constants.js'
import type { Stage } from '../../stage/stage.js'
import type { MemoryEnd } from '../subjects/memory.js'
import { smallBuffers } from '../subjects/stream-sockets.js'
import type { End } from '../subjects/subject.js'
import { defineProperty, type Experiment, each, MEMORY, QUEUES, SIGNALS } from './property.js'

const A = 0x41
const B = 0x42

/** Bytes that a pipe takes whole or not at all. pipe(7) PIPE_BUF */
const PIPE_BUF = 4096

/** More than a stream's buffer. */
const LARGE = 1 << 19

/** Two processes write `blocks` each, of their own letter, through one end; answers how many boundaries lie within a block. */
async function torn(stage: Stage, sender: End, receiver: End, second: Actor, block: number, blocks: number): Promise<number> {
  const writing = [sender.actor.begin(sender.send(filling(block, A)), blocks), second.begin(sender.send(filling(block, B)), blocks)]
  const pieces: Uint8Array[] = []
  for (let missing = 2 * block * blocks; missing > 0; missing -= pieces.at(-1)?.length ?? 0)
    pieces.push((await receiver.actor.must(receiver.receive(Math.min(missing, 1 << 18)))).data)
  for (const { outcome } of writing) await outcome
  const count = tears(Buffer.concat(pieces), block)
  stage.observe(`${blocks} blocks of ${block} bytes of each: ${count} boundaries within a block`)
  return count
}

/** Where the letter changes although a block has not come to its end. */
function tears(bytes: Uint8Array, block: number): number {
  let count = 0
  let start = 0
  for (let at = 1; at < bytes.length; at++)
    if (bytes[at] !== bytes[start]) {
      if ((at - start) % block !== 0) count++
      start = at
    }
  return count
}

/** Each message comes whole, of one writer alone. */
const messages =
  (count: number): Experiment =>
  async (stage, subject) => {
    const { sender, receiver } = await subject.meet(stage)
    const second = await sender.actor.fork('second sender')
    const writing = [sender.actor.begin(sender.send(filling(BYTES, A)), count), second.begin(sender.send(filling(BYTES, B)), count)]
    const { each: found } = await receiver.actor.repeat(2 * count, receiver.receive())
    for (const { outcome } of writing) await outcome
    const whole = found.filter((bytes) => bytes.length === BYTES && bytes.every((byte) => byte === bytes[0]))
    stage.observe(`${whole.length} of ${found.length} messages are whole`)
    return whole.length === 2 * count ? 'atomic per message' : 'torn'
  }

/** A message that any of the queues takes. */
const BYTES = 128

const POSTS = 5000
const SIGNALS_SENT = 5
const ADDITIONS = 20_000

/** What is stored into memory, and how often, until the letters of both stand in one block. */
const BLOCK = 2048
const ROUNDS = 20_000
const TRIES = 10

export default defineProperty({
  id: 'P17',
  name: 'several-writers',
  experiments: {
    ...each(['pipe', 'fifo'], async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      const second = await sender.actor.fork('second sender')
      const small = await torn(stage, sender, receiver, second, PIPE_BUF, 50)
      const large = await torn(stage, sender, receiver, second, 32 * PIPE_BUF, 4)
      if (small > 0) return 'not atomic'
      return large > 0 ? `atomic <= PIPE_BUF (${PIPE_BUF})` : 'atomic'
    }),

    ...each(['ustream', 'tcp'], async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      await smallBuffers(stage, sender, receiver)
      const second = await sender.actor.fork('second sender')
      return (await torn(stage, sender, receiver, second, LARGE, 2)) > 0 ? 'not promised' : 'atomic'
    }),

    ...each([...QUEUES, 'udgram', 'useq'], messages(1000)),
    // So few that the receiver has room for all.
    ...each(['udp', 'mcast'], messages(20)),

    psem: async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      const second = await sender.actor.fork('second sender')
      const posting = [sender.actor, second].map((actor) => actor.begin(sender.send(''), POSTS))
      for (const { outcome } of posting) await outcome
      const value = (await receiver.actor.must(call('sem_getvalue', ...receiver.receive().args))).number('value')
      return value === 2 * POSTS ? 'atomic' : `${value} of ${2 * POSTS}`
    },

    svsem: async (stage) => {
      const actor = await stage.actor('first')
      const id = (await actor.must(call('semget', await stage.key('sysv-sem'), 2, either(K.IPC_CREAT, K.IPC_EXCL, mode(0o600))))).result
      await actor.must(call('semctl', id, 0, K.SETVAL, 0))
      await actor.must(call('semctl', id, 1, K.SETVAL, 1))
      stage.intend('The values are 0 and 1. One operation takes of both: the second semaphore first, which alone would do.')
      const both = await actor.do(call('semop', id, 1, -1, K.IPC_NOWAIT, 0, -1, K.IPC_NOWAIT))
      const left = (await actor.must(call('semctl', id, 1, K.GETVAL, 0))).result
      if (both.error !== 'EAGAIN' || left !== 1) return `${both}, ${left} left: one by one`
      stage.intend('Two processes move a permit to and fro between the two, each way in one operation.')
      const second = await stage.actor('second')
      const forth = actor.begin(call('semop', id, 1, -1, 0, 0, 1, 0), POSTS)
      const back = second.begin(call('semop', id, 0, -1, 0, 1, 1, 0), POSTS)
      for (const { outcome } of [forth, back]) await outcome
      const values = [await actor.must(call('semctl', id, 0, K.GETVAL, 0)), await actor.must(call('semctl', id, 1, K.GETVAL, 0))]
      return values.map(({ result }) => result).join() === '0,1' ? 'atomic array' : values.join()
    },

    ...each(SIGNALS, async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      await receiver.waits(false)
      const senders = [sender.actor, await sender.actor.fork('second sender')]
      const sending = senders.map((actor) => actor.begin(sender.send(counter()), SIGNALS_SENT))
      for (const { outcome } of sending) await outcome
      const taken = await receiver.actor.repeat(2 * SIGNALS_SENT, receiver.receive())
      const [pids, values] = [taken.numbers('sender'), taken.numbers('value')]
      stage.observe(`taken: ${pids.map((pid, at) => `${values[at]} of ${pid}`).join(', ')}`)
      if (subject.key === 'sig') return taken.times === 1 && senders.some(({ pid }) => pid === pids[0]) ? 'atomic' : `${taken.times} taken`
      const whole = senders.every(({ pid }) => values.filter((_, at) => pids[at] === pid).every((value, at) => value === at))
      return taken.times === 2 * SIGNALS_SENT && whole ? 'atomic' : `${taken.times} taken`
    }),

    ...each(MEMORY, async (stage, subject) => {
      const { sender, receiver } = (await subject.meet(stage)) as { sender: MemoryEnd; receiver: MemoryEnd }
      const writers = [sender.actor, await sender.actor.fork('second sender')]
      stage.intend('Both add to one word.')
      const adding = writers.map((actor) => actor.begin(call('exchange_add', sender.address, 1), ADDITIONS))
      for (const { outcome } of adding) await outcome
      const { result: word } = await receiver.actor.must(call('exchange_add', receiver.address, 0))
      if (word !== 2 * ADDITIONS) return `a word: ${word} of ${2 * ADDITIONS}`
      stage.intend('Both store blocks of their own letter at one place, each on a processor of its own, where there are two.')
      for (const [at, writer] of writers.entries()) await writer.do(call('pin', at))
      for (let tries = 0; tries < TRIES; tries++) {
        const storing = writers.map((writer, at) => writer.begin(call('contend', sender.address, BLOCK, at === 0 ? A : B, ROUNDS)))
        for (const { outcome } of storing) if ((await outcome).result > 0) return 'aligned word only'
      }
      return 'atomic'
    }),
  },
})
