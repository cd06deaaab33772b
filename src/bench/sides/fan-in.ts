/** Throughput of several senders, each a process, to this one receiver: with a channel each, or to an object that they share. */
import type { AdapterId, Address, Channel, Peer } from '../../core/channel.js'
import { runFolder } from '../../core/janitor.js'
import { adapterById } from '../../core/registry.js'
import { listen, openReceiver } from '../../core/rendezvous.js'
import { spawnPeer } from '../../core/spawn.js'
import { ended, type Run } from '../exchange.js'
import { answer } from '../exchanges.js'
import { fail, type Order } from '../order.js'
import { portOver } from '../port.js'
import { SharedReceiver } from '../shared.js'
import type { Side } from '../side.js'
import type { Trial } from '../trial.js'

const SENDER = new URL('../fan-in-sender.js', import.meta.url)

export async function start(order: Order): Promise<Side> {
  const { trial } = order
  const adapter = await adapterById(trial.adapter)
  if (adapter.temporary === undefined) throw new Error(`${trial.adapter} has no address`)
  const address = { adapter: trial.adapter as AdapterId, ...adapter.temporary(runFolder()) } as Address
  const { arrived, close, ...meeting } = trial.shared
    ? await share(address, adapter.format(address as never), trial)
    : await serve(address, trial)
  const senders = await Promise.all(
    Array.from({ length: trial.senders ?? 1 }, (_, i) =>
      spawnPeer(SENDER, { args: [JSON.stringify(order), meeting.url, ...(trial.shared ? [String(i)] : [])] }),
    ),
  )
  let total = 0
  for (const sender of senders) await heard(sender) // that it has connected
  return {
    others: senders.map(({ pid }) => pid),
    batch: 1,
    async run(durationMs) {
      const word = Buffer.from(String(durationMs))
      const begin = performance.now()
      for (const sender of senders) await sender.channel.send(word)
      const runs = (await Promise.all(senders.map(heard))) as Run[]
      const sum = (figure: 'count' | 'lost') => runs.reduce((total, run) => total + run[figure], 0)
      total += sum('count')
      await arrived?.(total)
      const elapsedMs = arrived === undefined ? Math.max(...runs.map((run) => run.elapsedMs)) : performance.now() - begin
      return { count: sum('count'), lost: sum('lost'), elapsedMs }
    },
    warmedUp() {},
    times: () => undefined,
    async close() {
      await Promise.all(senders.map((sender) => sender[Symbol.asyncDispose]()))
      await close()
    },
  }
}

interface Meeting {
  readonly url: string
  /** Settles when so many messages have arrived, where no acknowledgement tells the senders. */
  readonly arrived?: (total: number) => Promise<void>
  close(): Promise<void>
}

async function serve(address: Address, trial: Trial): Promise<Meeting> {
  const server = await listen(address)
  const bytes = Math.max(trial.payloadBytes, trial.ackBytes)
  const answerAll = async () => {
    for await (const channel of server) answer(portOver(channel as Channel, trial.wait, bytes), trial).catch(fail)
  }
  answerAll().catch(fail)
  return { url: server.address, close: () => server.close() }
}

async function share(address: Address, url: string, trial: Trial): Promise<Meeting> {
  const receiver = await openReceiver(address, { create: 'exclusive', endAfterLastWriter: false })
  const messages = new SharedReceiver(receiver, trial)
  messages.failed.catch(fail)
  return { url, arrived: (total) => messages.arrived(total), close: async () => receiver.destroy() }
}

async function heard({ channel }: Peer): Promise<unknown> {
  const word = await channel.receive()
  if (word === null) throw ended()
  return JSON.parse(Buffer.from(word).toString())
}
