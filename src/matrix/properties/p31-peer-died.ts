import type { Actor } from '../../stage/actor.js'
import { type Call, call } from '../../stage/call.js'
import { K } from '../../stage/constants.js'
import type { Stage } from '../../stage/stage.js'
import type { MemoryEnd } from '../subjects/memory.js'
import { bound, connected, inetAddress, LOOPBACK } from '../subjects/sockets.js'
import type { End, Pair } from '../subjects/subject.js'
import type { Observation } from '../vocabulary.js'
import { defineProperty, type Experiment, each, MEMORY, QUEUES, SEMAPHORES, SIGNALS } from './property.js'

/** More than the kernel needs to tell the survivor. */
const PATIENCE_MS = 2000

/** The peer is killed while the survivor waits for whatever may happen at its descriptor. */
async function killed({ sender, receiver }: Pair): Promise<Observation> {
  const waiting = receiver.actor.begin(call('poll', receiver.fd ?? -1, K.POLLIN, PATIENCE_MS))
  if ((await waiting.settled()) === 'returned') return { value: `poll returned before: ${await waiting.outcome}` }
  const started = performance.now()
  const told = waiting.outcome.then(() => performance.now() - started)
  await sender.actor.kill()
  const ms = Math.ceil(await told)
  if ((await waiting.outcome).result === 0) return { value: 'none' }
  const { result, error } = await receiver.actor.do(receiver.receive())
  return result === 0 ? { value: 'event', figures: { ms } } : { value: `an event, but no end: ${error ?? result}` }
}

const event: Experiment = async (stage, subject) => killed(await subject.meet(stage))

/** Two processes on a network of their own, which can be cut. */
async function onNetwork(stage: Stage): Promise<{ survivor: Actor; peer: Actor; network: Actor }> {
  const survivor = await stage.apart('survivor', K.CLONE_NEWNET)
  await survivor.must(call('interface_up', 'lo'))
  return { survivor, peer: await survivor.fork('peer'), network: await survivor.fork('network') }
}

/** The peer's host vanishes: no segment says that its process has ended. */
async function vanished(stage: Stage): Promise<string> {
  const { survivor, peer, network } = await onNetwork(stage)
  const { fd: listener, address } = await bound(survivor, K.AF_INET, K.SOCK_STREAM, inetAddress(LOOPBACK, 0))
  await survivor.must(call('listen', listener, 1))
  await connected(peer, K.AF_INET, K.SOCK_STREAM, address)
  const accepted = (await survivor.must(call('accept', listener, 0))).result
  const waiting = survivor.begin(call('poll', accepted, K.POLLIN, -1))
  await waiting.settled()
  await network.must(call('interface_down', 'lo'))
  await peer.kill()
  const seen = await stage.unless(async () => ((await waiting.settled()) === 'blocked' ? undefined : 'returned'), {
    text: 'when the network is back, the end arrives',
    see: async () => {
      await network.must(call('interface_up', 'lo'))
      return (await waiting.outcome).number('revents')
    },
  })
  return seen ?? 'nothing'
}

/** The survivor waits for the peer. Nothing wakes it when the peer is killed; another process does. */
const unwoken =
  (wait: (survivor: End) => Call, wake: (other: End) => Call): Experiment =>
  async (stage, subject) => {
    const { sender, receiver } = await subject.meet(stage)
    const other = await sender.actor.fork('another sender')
    const waiting = receiver.actor.begin(wait(receiver))
    if ((await waiting.settled()) === 'returned') return `returned before: ${await waiting.outcome}`
    await sender.actor.kill()
    const seen = await stage.unless(async () => ((await waiting.settled()) === 'blocked' ? undefined : String(await waiting.outcome)), {
      text: 'another process wakes it',
      see: async () => {
        await other.must(wake(sender))
        return (await waiting.outcome).result
      },
    })
    return seen ?? 'none'
  }

/** The survivor sends: nothing had told it before. */
const onSend: Experiment = async (stage, subject) => {
  const { sender: survivor, receiver: peer } = await subject.meet(stage)
  await peer.actor.kill()
  const fd = survivor.fd ?? -1
  const before = await survivor.actor.must(call('poll', fd, K.POLLIN, 0))
  await survivor.waits(false)
  const read = await survivor.actor.do(survivor.receive())
  if (before.result !== 0 || read.error !== 'EAGAIN') return `told without a send: ${read}`
  stage.intend('Nothing tells the survivor. It sends.')
  const first = await survivor.actor.do(survivor.send('x'))
  if (first.error === undefined) await survivor.actor.must(call('poll', fd, K.POLLIN, PATIENCE_MS))
  const told = first.error ?? (await survivor.actor.do(survivor.receive())).error
  return told === 'ECONNREFUSED' ? 'only on next send' : (told ?? 'never')
}

export default defineProperty({
  id: 'P31',
  name: 'peer-died',
  experiments: {
    ...each(['pipe', 'fifo', 'ustream', 'useq'], event),
    tcp: async (stage, subject) => {
      const seen = await killed(await subject.meet(stage))
      stage.intend('Again, but the network is cut first, as where a host loses its power.')
      return (await vanished(stage)) === 'nothing' ? { ...seen, value: `${seen.value} (same host)` } : seen
    },
    ...each(['udgram', 'udp'], onSend),
    ...each(
      [...QUEUES, ...SEMAPHORES, ...SIGNALS, 'mcast'],
      unwoken(
        (survivor) => survivor.receive(),
        (other) => other.send('x'),
      ),
    ),
    ...each(
      MEMORY,
      unwoken(
        (survivor) => call('futex_wait', (survivor as MemoryEnd).address, 0, -1),
        (other) => call('futex_wake', (other as MemoryEnd).address, 1),
      ),
    ),
  },
})
