/** The echo task between two processes: the server in one model of I/O, a client that waits until the server sleeps. */
import type { Lab } from '../../../src/lab/lab.js'
import { call, type Outcome } from '../../../src/stage/call.js'
import type { Pair } from './pairs.js'

/**
 * In the order in which Stevens has them (UNIX Network Programming, volume 1, 6.2). io_uring comes last: the kernel takes
 * a closed ring down later, and interrupts what the process sleeps in then.
 */
export const MODELS = ['blocking', 'non-blocking', 'select', 'poll', 'epoll', 'signal-driven', 'io_uring'] as const
export type Model = (typeof MODELS)[number]

/** What the loop of the server calls, by the names of strace(1). */
const CALLS = ['read', 'write', 'select', 'poll', 'epoll_wait', 'rt_sigsuspend', 'rt_sigreturn', 'io_uring_enter'] as const

/** How often the loop called each system call; of those alone that it did call. */
export const callsOf = (outcome: Outcome): ReadonlyMap<string, number> =>
  new Map(CALLS.flatMap((name) => (outcome.numbers(name).length > 0 ? [[name, outcome.number(name)] as const] : [])))

export const totalOf = (calls: ReadonlyMap<string, number>): number => [...calls.values()].reduce((sum, count) => sum + count, 0)

/**
 * So many messages, one at a time: the next is sent when the kernel shows that the server sleeps again, unless it never
 * does. The outcome has an `error` where this kernel does not let the server use the model.
 */
export async function echo(lab: Lab, pair: Pair, model: Model, messages: number, idle = 0): Promise<Outcome> {
  const { server, client, accepted, connected } = pair
  const echoing = server.begin(call('echo', model, accepted, messages, idle))
  if (model !== 'non-blocking' && (await echoing.settled()) === 'returned') return echoing.outcome
  return lab.stage.story.hush(async () => {
    for (let message = 0; message < messages; message++) {
      if (message > 0 && model !== 'non-blocking') await echoing.settled()
      await client.must(call('send', connected, 'hello', 0))
      await client.must(call('recv', connected, 16, 0))
    }
    return echoing.outcome
  })
}
