import { call } from '../../stage/call.js'
import { K } from '../../stage/constants.js'
import { serve, socketKind } from '../subjects/socket-kinds.js'
import { socketEnd } from '../subjects/sockets.js'
import { type End, newObject } from '../subjects/subject.js'
import { defineProperty, type Experiment, each, NAMELESS, notApplicable, SIGNALS } from './property.js'
import { receive } from './word.js'

const WORD = 'still'

/** What one sends, the other receives. */
async function reaches(one: End, other: End): Promise<boolean> {
  return (await one.actor.do(one.send(WORD))).error === undefined && (await receive(other, WORD)).arrived
}

const unlinked: Experiment = async (stage, subject) => {
  const [first, second, remover] = [await stage.actor('one'), await stage.actor('other'), await stage.actor('remover')]
  const object = await newObject(stage, subject)
  await object.make(first, true)
  const [one, other] = [await object.open(first), await object.open(second)]
  await other.waits(false)
  await object.remove(remover)
  const { error } = await object.find(remover)
  if (error !== 'ENOENT') return `${error ?? 'found'} by the name`
  stage.intend('Both go on; what is made under the name now is another object.')
  if (!(await reaches(one, other))) return 'of no use any more'
  await object.make(remover, true)
  const successor = await object.open(remover)
  await successor.waits(false)
  await first.must(one.send(WORD))
  if ((await receive(successor, WORD)).arrived) return 'the name leads to the old object'
  if (!(await reaches(successor, successor))) return 'nothing can be made under the name'
  stage.intend('One of the two ends: the object is there for the other, with what was sent last.')
  await first.exit()
  return (await receive(other, WORD)).arrived ? 'name goes at once, object at last close' : 'name goes at once, object with its maker'
}

/** One waits in it, another has its id, a third destroys it. */
const destroyed: Experiment = async (stage, subject) => {
  const [waiter, other, remover] = [await stage.actor('waiter'), await stage.actor('other'), await stage.actor('remover')]
  const object = await newObject(stage, subject)
  await object.make(waiter, true)
  const [waiting, having] = [await object.open(waiter), await object.open(other)]
  const pending = waiter.begin(waiting.receive())
  if ((await pending.settled()) === 'returned') return `${await pending.outcome} before it was removed`
  await object.remove(remover)
  if ((await pending.settled()) === 'blocked') return 'there, for who waits in it'
  const woken = (await pending.outcome).error
  const { error } = await other.do(having.send(WORD))
  stage.intend('The id of what is destroyed is no id (EINVAL), and the key is of nothing.')
  const found = (await object.find(other)).error
  if (woken === 'EIDRM' && error === 'EINVAL' && found === 'ENOENT') return 'destroyed at once'
  return `who waits gets ${woken}, who sends ${error}, who looks for it ${found}`
}

/** The path of a socket goes; who is connected goes on. */
const pathOnly =
  (accepts: boolean): Experiment =>
  async (stage, subject) => {
    const [owner, client, late] = [await stage.actor('owner'), await stage.actor('client'), await stage.actor('late')]
    const kind = socketKind(subject)
    const address = await kind.newAddress(stage, owner)
    const fd = await serve(owner, kind, address)
    const out = await kind.open(client)
    await client.must(call('connect', out, address))
    const receiver = socketEnd(owner, accepts ? (await owner.must(call('accept', fd, 0))).result : fd)
    const connect = async () => late.do(call('connect', await kind.open(late), address))
    stage.intend('Control: by its path it can be connected to.')
    const before = await connect()
    if (before.error !== undefined) return `${before} while the path was there`
    await kind.clear(late, address)
    const { error } = await connect()
    const goesOn = await reaches(socketEnd(client, out), receiver)
    return goesOn && error === 'ENOENT' ? 'path only' : `connected: ${goesOn}, by its path: ${error ?? 'still'}`
  }

const SHM_DEST = 0o1000

export default defineProperty({
  id: 'P21',
  name: 'unlink-in-use',
  experiments: {
    ...each(['fifo', 'psem', 'pmq', 'pshm'], unlinked),
    ...each(['svsem', 'svmq'], destroyed),
    svshm: async (stage, subject) => {
      const [first, second, remover] = [await stage.actor('one'), await stage.actor('other'), await stage.actor('remover')]
      const object = await newObject(stage, subject)
      await object.make(first, true)
      const { result: id } = await object.find(first)
      const [one, other] = [await object.open(first), await object.open(second)]
      await object.remove(remover)
      const state = await remover.do(call('shmctl', id, K.IPC_STAT))
      if (state.error !== undefined) return `destroyed at once: ${state}`
      const marked = (state.number('mode') & SHM_DEST) !== 0
      stage.observe(
        `its mode is 0${state.number('mode').toString(8)}, ${marked ? 'with' : 'without'} SHM_DEST (01000); ${state.number('attached')} are attached`,
      )
      const byKey = (await object.find(remover)).error
      const goesOn = await reaches(one, other)
      stage.intend('Who has the id attaches it even now, on Linux; the last that detaches it destroys it.')
      const late = await remover.do(call('shmat', id, 0))
      if (late.error === undefined) await remover.must(call('shmdt', late.result))
      await one.close()
      await other.close()
      const after = (await remover.do(call('shmctl', id, K.IPC_STAT))).error
      if (marked && goesOn && byKey === 'ENOENT' && late.error === undefined && after === 'EINVAL') return 'marked SHM_DEST'
      return `marked: ${marked}, in use: ${goesOn}, by its key: ${byKey}, by its id: ${late}, at last: ${after}`
    },
    ...each(['ustream', 'useq'], pathOnly(true)),
    udgram: pathOnly(false),
    ...notApplicable(NAMELESS, 'there is no name to remove'),
    ...notApplicable(SIGNALS, 'a pid is not removed while its process is there'),
    ...notApplicable(['tcp', 'udp', 'mcast'], 'a port is no object: it is taken for as long as a socket is bound to it'),
  },
})
