/** One task, an echo, in each model of I/O: what it costs is told by system calls and context switches. */
import type { Lab } from '../../src/lab/lab.js'
import { defineStory } from '../../src/lab/story.js'
import { countedByStrace } from '../../src/lab/strace.js'
import { call, type Outcome } from '../../src/stage/call.js'
import { Skip } from '../../src/stage/stage.js'
import { callsOf, echo, MODELS, type Model, totalOf } from './support/echo.js'
import { tcpPair, unixEnds } from './support/pairs.js'

const MESSAGES = 20
/** Under strace, which stops the process twice a call. */
const FEW = 4

/** What so many messages take, exactly; a reader that does not block asks as often as it can. */
const expected: Readonly<Record<Exclude<Model, 'non-blocking'>, (messages: number) => Readonly<Record<string, number>>>> = {
  blocking: (n) => ({ read: n, write: n }),
  select: (n) => ({ read: n, write: n, select: n }),
  poll: (n) => ({ read: n, write: n, poll: n }),
  epoll: (n) => ({ read: n, write: n, epoll_wait: n }),
  // It reads until there is nothing more: before the first signal, and after each message but the last.
  'signal-driven': (n) => ({ read: 2 * n, write: n, rt_sigsuspend: n, rt_sigreturn: n }),
  // The first call asks for the first message; each other sends an answer, and asks for the next message.
  io_uring: (n) => ({ io_uring_enter: n + 1 }),
}

const manner: Readonly<Record<Model, string>> = {
  blocking: 'Blocking: read(2) sleeps until a message is there.',
  'non-blocking': 'Non-blocking (O_NONBLOCK): read(2) never sleeps; EAGAIN says that there is nothing yet, and the server asks again.',
  select: 'Multiplexed by select(2): the server sleeps until one of its descriptors is readable, then reads.',
  poll: 'Multiplexed by poll(2): the same, without select’s limit of 1,024 descriptors.',
  epoll: 'Multiplexed by epoll(7): the same; the kernel keeps the list of descriptors.',
  'signal-driven':
    'Signal-driven (O_ASYNC, F_SETOWN): SIGIO says that something came; the server reads until EAGAIN, for it cannot know how much.',
  io_uring: 'Asynchronous (io_uring): the kernel reads and writes by itself; one call hands over an answer and the next read.',
}

export default defineStory({
  name: 'io-models',
  title: 'An echo server in every model of I/O',
  prediction:
    'a message costs a blocking reader 2 system calls and 1 context switch, one that multiplexes 3 and 1, one driven by signals 5 and 1, io_uring 1 and 1; who does not block never sleeps, and asks in vain again and again',
  citation: 'Stevens, UNIX Network Programming 1, 6.2; select(2), poll(2), epoll(7), fcntl(2) F_SETOWN, io_uring(7)',
  async play(lab) {
    await oneReaderTwoClients(lab)
    const pair = await tcpPair(lab)
    lab.intend(`A server ${pair.server.pid}, a client ${pair.client.pid}, ${MESSAGES} messages: the next when the server sleeps again.`)
    for (const model of MODELS) {
      lab.intend(manner[model])
      verify(lab, model, await echo(lab, pair, model, MESSAGES))
    }
    await held(lab)
  },
})

/** Why there are other models than the first. */
async function oneReaderTwoClients(lab: Lab): Promise<void> {
  lab.intend('A server of two clients reads from the first, by a call that blocks; the second is who speaks.')
  const server = await lab.stage.actor('server')
  const [first, second] = [await unixEnds(server), await unixEnds(server)]
  const clients = await server.fork('clients')
  const reading = server.begin(call('read', first.accepted, 16))
  await clients.must(call('send', second.connected, 'hello', 0))
  lab.expect((await reading.settled()) === 'blocked', 'the server sleeps on, beside a message that nobody reads')
  await clients.must(call('send', first.connected, 'at last', 0))
  await reading.outcome
  lab.expect((await server.must(call('read', second.accepted, 16))).text === 'hello', 'only when the first has spoken, the second is heard')
  await clients.exit()
}

function verify(lab: Lab, model: Model, outcome: Outcome): void {
  if (outcome.error !== undefined) {
    if (model !== 'io_uring') throw new Error(`no ${model}: ${outcome.error}`)
    lab.intend(`This kernel lets us use no io_uring (${outcome.error}): left out.`)
    return
  }
  const calls = callsOf(outcome)
  const switches = outcome.number('switches')
  for (const [name, count] of calls) lab.recorder.write({ sample: { name: `${model}: ${name}`, value: count } })
  lab.recorder.write({ sample: { name: `${model}: system calls a message`, value: totalOf(calls) / MESSAGES } })
  lab.recorder.write({ sample: { name: `${model}: switches a message`, value: switches / MESSAGES } })
  const told = `system calls a message: ${rounded(totalOf(calls) / MESSAGES)}, context switches: ${rounded(switches / MESSAGES)} (${worded(calls)})`
  if (model === 'non-blocking') lab.expect(switches === 0 && (calls.get('read') ?? 0) > 10 * MESSAGES, told)
  else lab.expect(switches === MESSAGES && same(calls, expected[model](MESSAGES)), told)
}

const rounded = (value: number): string => value.toLocaleString('en', { maximumFractionDigits: 2 })

const worded = (calls: ReadonlyMap<string, number>): string => [...calls].map(([name, count]) => `${rounded(count)} × ${name}`).join(', ')

const same = (calls: ReadonlyMap<string, number>, wanted: Readonly<Record<string, number>>): boolean =>
  calls.size === Object.keys(wanted).length && Object.entries(wanted).every(([name, count]) => calls.get(name) === count)

/** The same counts by strace, which stands outside; of a new server, for the old one has had a ring. */
async function held(lab: Lab): Promise<void> {
  const pair = await tcpPair(lab)
  lab.intend(`What the server says of itself, held against strace -c: ${FEW} messages in each model that sleeps.`)
  for (const model of MODELS) {
    if (model === 'non-blocking') continue
    try {
      let outcome: Outcome | undefined
      const seen = await countedByStrace(pair.server, async () => {
        outcome = await lab.stage.story.hush(() => echo(lab, pair, model, FEW))
      })
      if (outcome === undefined || outcome.error !== undefined) continue
      const counted = new Map([...callsOf(outcome).keys()].map((name) => [name, seen.get(kernelName(name, seen)) ?? 0]))
      lab.recorder.write({ sample: { name: `${model}: strace`, value: totalOf(counted) } })
      lab.expect(same(counted, expected[model](FEW)), `${model}: ${worded(counted)}`)
    } catch (error) {
      if (!(error instanceof Skip)) throw error
      lab.intend(`Left out: ${error.message}.`)
      return
    }
  }
}

/** The C library may call the younger of two calls that do the same; some processors have no other. */
function kernelName(name: string, seen: ReadonlyMap<string, number>): string {
  const younger: Readonly<Record<string, string>> = { select: 'pselect6', poll: 'ppoll', epoll_wait: 'epoll_pwait' }
  const other = younger[name]
  return other !== undefined && seen.has(other) ? other : name
}
