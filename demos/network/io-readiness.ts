/** What select, poll and epoll are handed, what an edge is, what is complete, and what a signal cannot say. */
import type { Lab } from '../../src/lab/lab.js'
import { defineStory } from '../../src/lab/story.js'
import { call } from '../../src/stage/call.js'
import { either, K } from '../../src/stage/constants.js'
import { Skip } from '../../src/stage/stage.js'
import { echo } from './support/echo.js'
import { completion, signals } from './support/notifications.js'
import { type Pair, tcpPair, unixPair } from './support/pairs.js'

const MESSAGES = 20
const IDLE = 1000
/** select(2) */
const FD_SETSIZE = 1024
const WAITS = ['select', 'poll', 'epoll'] as const

export default defineStory({
  name: 'io-readiness',
  title: 'Who is ready? A thousand idle descriptors, levels, edges, completions and signals',
  prediction:
    'beside 1,000 idle descriptors select and poll are handed 1,001 entries each time, epoll answers 1; an edge is told once, a level as long as bytes lie there; what is complete needs no read; three messages are one SIGIO, but three real-time signals',
  citation: 'select(2), poll(2), epoll(7) "Level-triggered and edge-triggered", io_uring(7), fcntl(2) F_SETSIG, signal(7)',
  async play(lab) {
    const joined = await tcpPair(lab)
    await idle(lab, joined)
    await highDescriptor(lab, joined)
    const pair = await unixPair(lab)
    await levelAndEdge(lab, pair)
    await completion(lab, pair)
    await signals(lab, pair)
  },
})

async function idle(lab: Lab, pair: Pair): Promise<void> {
  lab.intend(
    'What the server asks for stands in /proc/PID/syscall: of poll the second word is how many entries (0x3e9 is 1,001), of select the first is the highest descriptor and one.',
  )
  const spent = new Map<string, number>()
  for (const idle of [0, IDLE])
    for (const model of WAITS) {
      lab.intend(`${model}: ${MESSAGES} messages over one descriptor, beside ${idle.toLocaleString('en')} on which nothing comes.`)
      const outcome = await echo(lab, pair, model, MESSAGES, idle)
      if (outcome.error !== undefined) throw new Skip(`a process here may not have ${idle} descriptors open: ${outcome.error}`)
      const [entries, micros] = [outcome.number('entries') / MESSAGES, outcome.number('processor-ns') / MESSAGES / 1000]
      spent.set(`${model} ${idle}`, micros)
      lab.recorder.write({ sample: { name: `${model}, ${idle} idle: entries a message`, value: entries } })
      lab.recorder.write({ sample: { name: `${model}, ${idle} idle: µs of processor time a message`, value: micros } })
      lab.expect(
        entries === (model === 'epoll' ? 1 : idle + 1),
        `a message: ${entries.toLocaleString('en')} handed ${model === 'epoll' ? 'back by' : 'to'} the kernel, 1 of them ready; ${micros.toFixed(0)} µs of processor time`,
      )
    }
  const of = (model: string) => spent.get(`${model} ${IDLE}`) ?? 0
  lab.expect(
    of('select') > of('epoll') && of('poll') > of('epoll'),
    `beside ${IDLE.toLocaleString('en')} idle ones select takes ${(of('select') / of('epoll')).toFixed(1)}, poll ${(of('poll') / of('epoll')).toFixed(1)} times what epoll takes`,
  )
}

async function highDescriptor(lab: Lab, pair: Pair): Promise<void> {
  lab.intend(`The set of select has ${FD_SETSIZE.toLocaleString('en')} bits: what of the descriptor with that number?`)
  const { result: high, error } = await pair.server.do(call('fcntl', pair.accepted, K.F_DUPFD, FD_SETSIZE))
  if (error !== undefined) {
    lab.intend(`Left out: no process here may have so many descriptors (${error}).`)
    return
  }
  const selected = await echo(lab, { ...pair, accepted: high }, 'select', 1)
  const polled = await echo(lab, { ...pair, accepted: high }, 'poll', 1)
  lab.recorder.write({ sample: { name: 'select of a high descriptor: messages', value: selected.error === undefined ? 1 : 0 } })
  lab.recorder.write({ sample: { name: 'poll of a high descriptor: messages', value: polled.result } })
  lab.expect(
    selected.error === 'EINVAL' && polled.result === 1,
    'the server refuses to write behind the end of the set (FD_SET would); poll names descriptors, and takes any',
  )
}

async function levelAndEdge(lab: Lab, { server, client, accepted, connected }: Pair): Promise<void> {
  lab.intend('Level-triggered: eight bytes come, the server reads four of them.')
  const { result: epoll } = await server.must(call('epoll_create1', 0))
  await server.must(call('epoll_ctl', epoll, K.EPOLL_CTL_ADD, accepted, K.EPOLLIN))
  const ready = async () => (await server.must(call('epoll_wait', epoll, 0))).result
  const lying = async () => (await server.must(call('recv', accepted, 16, either(K.MSG_PEEK, K.MSG_DONTWAIT)))).text
  await client.must(call('send', connected, '12345678', 0))
  const level = [await ready()]
  await server.must(call('read', accepted, 4))
  level.push(await ready(), await ready())
  lab.expect(level.join() === '1,1,1', 'told each time, as long as something lies there')
  await server.must(call('read', accepted, 4))
  lab.expect((await ready()) === 0, 'and not when all is read')

  lab.intend('Edge-triggered (EPOLLET): the same eight bytes, the same four.')
  await server.must(call('epoll_ctl', epoll, K.EPOLL_CTL_MOD, accepted, either(K.EPOLLIN, K.EPOLLET)))
  await client.must(call('send', connected, '12345678', 0))
  const edge = [await ready()]
  await server.must(call('read', accepted, 4))
  edge.push(await ready(), await ready())
  lab.recorder.write({ sample: { name: 'level-triggered: times told', value: level.length } })
  lab.recorder.write({ sample: { name: 'edge-triggered: times told', value: edge.filter((told) => told === 1).length } })
  lab.expect(
    edge.join() === '1,0,0' && (await lying()) === '5678',
    'told once: four bytes lie there, and the server would sleep beside them for ever',
  )
  await client.must(call('send', connected, '9', 0))
  lab.expect((await ready()) === 1 && (await lying()) === '56789', 'told again only because more came: so read until EAGAIN')
  const drained = await server.repeat(IDLE, call('recv', accepted, 4, K.MSG_DONTWAIT))
  lab.expect(drained.error === 'EAGAIN' && drained.sum === 5, 'which is how all of it is read')
  await server.must(call('close', epoll))
}
