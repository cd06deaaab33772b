/** Many channels between two processes that carry nothing; then one of them, each time another, is woken. */
import { readdirSync } from 'node:fs'
import type { AdapterId, Address, Channel, Peer, Server } from '../../core/channel.js'
import { runFolder } from '../../core/janitor.js'
import { adapterById } from '../../core/registry.js'
import { listen } from '../../core/rendezvous.js'
import { spawnPeer } from '../../core/spawn.js'
import { fieldOf, textOf } from '../cost.js'
import { ended } from '../exchange.js'
import { TimeHistogram } from '../histogram.js'
import type { Order } from '../order.js'
import { Pattern } from '../payload.js'
import type { Side } from '../side.js'

const KEEPER = new URL('../idle-keeper.js', import.meta.url)
/** Whatever opens its channels more slowly gets fewer. */
const OPENING_MS = 6000
/** For one channel; a mechanism whose limit is reached may leave the other side waiting. */
const CHANNEL_MS = 1000
/** A prime: successive wake-ups are far apart. */
const STRIDE = 379

export async function start(order: Order): Promise<Side> {
  const { trial } = order
  const keeper = await spawnPeer(KEEPER, { args: [JSON.stringify(order)] })
  const others = [keeper.pid]
  const before = holdings(others)
  const opened = await openMany(trial.adapter as AdapterId, trial.channels ?? 1, keeper)
  const { channels } = opened
  if (channels.length === 0) throw new Error(opened.limit ?? 'no channel was opened')
  const after = holdings(others)
  const pattern = new Pattern(trial.payloadBytes)
  const sent = channels.map(() => 0)
  const round = new TimeHistogram()
  const all = new TimeHistogram()
  let at = 0

  async function wake(): Promise<void> {
    at = (at + STRIDE) % channels.length
    const channel = channels[at] as Channel
    const sequence = sent[at] ?? 0
    sent[at] = sequence + 1
    const begin = performance.now()
    await channel.send(pattern.message(sequence))
    const reply = await channel.receive()
    if (reply === null) throw ended()
    pattern.check(reply, sequence)
    round.record(performance.now() - begin)
  }

  return {
    others,
    batch: 1,
    async run(durationMs) {
      const begin = performance.now()
      round.reset()
      do await wake()
      while (performance.now() - begin < durationMs)
      all.add(round)
      return { count: round.count, lost: 0, elapsedMs: performance.now() - begin, p50: round.at(50) }
    },
    warmedUp: () => all.reset(),
    times: () => all,
    remarks: () => ({
      idle: {
        channels: channels.length,
        ...(opened.limit === undefined ? {} : { limit: opened.limit }),
        bytesPerChannel: (after.bytes - before.bytes) / channels.length,
        descriptorsPerChannel: (after.descriptors - before.descriptors) / channels.length,
      },
    }),
    async close() {
      for (const channel of channels) channel.destroy()
      await Promise.all(opened.servers.map((server) => server.close()))
      await keeper[Symbol.asyncDispose]()
    },
  }
}

interface Opened {
  readonly channels: readonly Channel[]
  readonly servers: readonly Server[]
  /** What did not let there be more. */
  readonly limit?: string
}

async function openMany(id: AdapterId, count: number, keeper: Peer): Promise<Opened> {
  const adapter = await adapterById(id)
  const channels: Channel[] = []
  const servers: Server[] = []
  const end = performance.now() + OPENING_MS
  try {
    while (channels.length < count) {
      if (performance.now() > end) return { channels, servers, limit: `${OPENING_MS / 1000} s were over` }
      if (servers.length === 0 || adapter.capabilities.peers === 'one') {
        const address = { adapter: id, ...adapter.temporary?.(runFolder()) } as Address
        servers.push((await listen(address)) as Server)
      }
      const server = servers.at(-1) as Server
      const [accepted] = await Promise.all([accept(server), join(keeper, server.address)])
      channels.push(accepted)
    }
    return { channels, servers }
  } catch (error) {
    return { channels, servers, limit: error instanceof Error ? error.message : String(error) }
  }
}

/** The next channel, without closing the server. */
async function accept(server: Server): Promise<Channel> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no channel was accepted within ${CHANNEL_MS} ms`)), CHANNEL_MS)
  })
  const next = await Promise.race([server[Symbol.asyncIterator]().next(), late]).finally(() => clearTimeout(timer))
  if (next.done === true) throw ended()
  return next.value
}

/** Has the keeper connect. */
async function join(keeper: Peer, address: string): Promise<void> {
  await keeper.channel.send(Buffer.from(address))
  const answer = await keeper.channel.receive()
  if (answer === null) throw ended()
  if (answer.length > 0) throw new Error(Buffer.from(answer).toString())
}

/** What this process and the others have, together. */
function holdings(others: readonly number[]): { bytes: number; descriptors: number } {
  let bytes = 0
  let descriptors = 0
  for (const pid of ['self', ...others]) {
    bytes += 1024 * fieldOf(textOf(`/proc/${pid}/status`), 'VmRSS')
    descriptors += readdirSync(`/proc/${pid}/fd`).length
  }
  return { bytes, descriptors }
}
