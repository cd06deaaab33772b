/** Throughput of several senders, each a process with a channel of its own, to this one receiver. */
import type { AdapterId, Address, Channel, Peer } from '../../core/channel.js'
import { runFolder } from '../../core/janitor.js'
import { adapterById } from '../../core/registry.js'
import { listen } from '../../core/rendezvous.js'
import { spawnPeer } from '../../core/spawn.js'
import { ended, type Run } from '../exchange.js'
import { answer } from '../exchanges.js'
import { fail, type Order } from '../order.js'
import { portOver } from '../port.js'
import type { Side } from '../side.js'

const SENDER = new URL('../fan-in-sender.js', import.meta.url)

export async function start(order: Order): Promise<Side> {
  const { trial } = order
  const adapter = await adapterById(trial.adapter)
  if (adapter.temporary === undefined) throw new Error(`${trial.adapter} has no address`)
  const server = await listen({ adapter: trial.adapter as AdapterId, ...adapter.temporary(runFolder()) } as Address)
  const bytes = Math.max(trial.payloadBytes, trial.ackBytes)
  const serve = async () => {
    for await (const channel of server) answer(portOver(channel as Channel, trial.wait, bytes), trial).catch(fail)
  }
  serve().catch(fail)
  const senders = await Promise.all(
    Array.from({ length: trial.senders ?? 1 }, () => spawnPeer(SENDER, { args: [JSON.stringify(order), server.address] })),
  )
  for (const sender of senders) await heard(sender) // that it has connected
  return {
    others: senders.map(({ pid }) => pid),
    batch: 1,
    async run(durationMs) {
      const word = Buffer.from(String(durationMs))
      for (const sender of senders) await sender.channel.send(word)
      const runs = (await Promise.all(senders.map(heard))) as Run[]
      const sum = (figure: 'count' | 'lost') => runs.reduce((total, run) => total + run[figure], 0)
      return { count: sum('count'), lost: sum('lost'), elapsedMs: Math.max(...runs.map(({ elapsedMs }) => elapsedMs)) }
    },
    warmedUp() {},
    times: () => undefined,
    async close() {
      await Promise.all(senders.map((sender) => sender[Symbol.asyncDispose]()))
      await server.close()
    },
  }
}

async function heard({ channel }: Peer): Promise<unknown> {
  const word = await channel.receive()
  if (word === null) throw ended()
  return JSON.parse(Buffer.from(word).toString())
}
