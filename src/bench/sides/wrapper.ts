/**
 * What a channel adds to the endpoint below it: both ends of one connection in this process, a message sent
 * and received by the calls of the channels, by turns with the same calls of their endpoints. The native
 * calls are in both, and the frames over a byte stream, which C has to make, too.
 */
import type { Endpoint } from '../../core/adapter.js'
import { BaseChannel, DEFAULT_MESSAGE_BYTES } from '../../core/base-channel.js'
import { type Bytes, type Channel, Result } from '../../core/channel.js'
import { framed } from '../../core/framing.js'
import { runFolder } from '../../core/janitor.js'
import { KeepAlive } from '../../core/keep-alive.js'
import { adapterById } from '../../core/registry.js'
import { medianOf } from '../../statistics/sample.js'
import { garbageMeter, tellGarbage } from '../garbage.js'
import { TimeHistogram } from '../histogram.js'
import type { Order } from '../order.js'
import { Pattern, WrongMessage } from '../payload.js'
import type { Side } from '../side.js'

/** Messages of one turn: about 100 µs, shorter than what disturbs it. */
const TURN = 100

export async function start({ trial, garbageOf }: Order): Promise<Side> {
  const { ends, close } = await connectedEndpoints(trial.adapter)
  const { id: adapter, capabilities } = await adapterById(trial.adapter)
  const over = (end: Endpoint) => new BaseChannel(end, { adapter, capabilities, framing: 'message' })
  const [out, into] = [over(ends[0]), over(ends[1])] as unknown as [Channel, Channel]
  const pattern = new Pattern(trial.payloadBytes)
  const target: Bytes = new Uint8Array(trial.payloadBytes)
  const byEndpoints = turnOf(
    pattern,
    target,
    (data) => ends[0].trySend(data, 0),
    () => ends[1].tryReceiveInto(target),
  )
  const byChannels = turnOf(
    pattern,
    target,
    (data) => out.trySend(data),
    () => into.tryReceiveInto(target),
  )
  if (garbageOf !== undefined) tellGarbage(await mostGarbage(waysOf(out, into, target), garbageOf))
  const round = new TimeHistogram()
  const all = new TimeHistogram()
  const endpointNs: number[] = []
  const addedNs: number[] = []
  return {
    others: undefined,
    batch: TURN,
    async run(durationMs) {
      const endpoints: number[] = []
      const added: number[] = []
      const begin = performance.now()
      round.reset()
      do {
        const endpointMs = byEndpoints()
        const channelMs = byChannels()
        round.record(channelMs)
        endpoints.push(1e6 * endpointMs)
        added.push(1e6 * (channelMs - endpointMs))
      } while (performance.now() - begin < durationMs)
      all.add(round)
      endpointNs.push(medianOf(endpoints))
      addedNs.push(medianOf(added))
      return { count: TURN * round.count, lost: 0, elapsedMs: performance.now() - begin, p50: round.at(50) }
    },
    warmedUp() {
      all.reset()
      endpointNs.length = 0
      addedNs.length = 0
    },
    times: () => all,
    remarks: () => ({ wrapper: { endpointNs: medianOf(endpointNs), addedNs } }),
    async close() {
      out.destroy()
      into.destroy()
      close()
    },
  }
}

/** Milliseconds a message, of so many that were sent, received and verified one after the other. */
function turnOf(pattern: Pattern, target: Bytes, send: (data: Uint8Array) => number, receive: () => number): () => number {
  let sequence = 0
  return () => {
    const before = performance.now()
    for (let i = 0; i < TURN; i++) {
      demand(send(pattern.message(sequence)), target.length)
      demand(receive(), target.length)
      pattern.check(target, sequence++)
    }
    return (performance.now() - before) / TURN
  }
}

function demand(result: number, bytes: number): void {
  if (result !== bytes) throw new WrongMessage(`a call that has nothing to wait for answered ${result}`)
}

/** Each way in which a message that need not be waited for is sent and received. */
function waysOf(out: Channel, into: Channel, target: Bytes): (() => unknown)[] {
  const data = new Uint8Array(target.length)
  const [writer, reader] = [out.zeroCopy, into.zeroCopy]
  return [
    () => {
      out.trySend(data)
      into.tryReceiveInto(target)
    },
    () => {
      out.trySend(data)
      return into.receiveInto(target)
    },
    ...(writer === undefined || reader === undefined
      ? []
      : [
          () => {
            if (writer.tryClaim(target.length) !== Result.WOULD_BLOCK) writer.commit(target.length)
            if (reader.tryBorrow() !== Result.WOULD_BLOCK) reader.release()
          },
        ]),
  ]
}

/** Of the way that leaves the most. */
async function mostGarbage(ways: readonly (() => unknown)[], messages: number): Promise<number | string> {
  let most = 0
  for (const way of ways) {
    let told: number | string | undefined
    const count = garbageMeter(messages, (answer) => {
      told = answer
    })
    while (told === undefined) {
      way()
      count()
    }
    await way() // nothing of it was refused
    if (typeof told === 'string') return told
    most = Math.max(most, told)
  }
  return most
}

interface Connected {
  readonly ends: readonly [Endpoint, Endpoint]
  close(): void
}

/** Two endpoints of messages that met in this process, at an address of their own. */
async function connectedEndpoints(id: string): Promise<Connected> {
  const adapter = await adapterById(id)
  const address = adapter.temporary?.(runFolder())
  if (adapter.listen === undefined || adapter.connect === undefined || address === undefined) throw new Error(`${id} has no address`)
  const alive = new KeepAlive() // endpoints by themselves let the process end
  alive.hold(true)
  const whole = (end: Endpoint) =>
    adapter.capabilities.framing === 'stream' ? framed(end, DEFAULT_MESSAGE_BYTES, { adapter: adapter.id }) : end
  let accept: (endpoint: Endpoint) => void = () => {}
  let refuse: (error: unknown) => void = () => {}
  const accepted = new Promise<Endpoint>((resolve, reject) => {
    accept = resolve
    refuse = reject
  })
  const acceptor = await adapter.listen(address, {
    mode: 0o600,
    backlog: 1,
    maxMessageBytes: DEFAULT_MESSAGE_BYTES,
    allow: () => true,
    accept,
    done: (error) => error && refuse(error),
  })
  const signal = new AbortController().signal
  const own = adapter.parse(new URL(acceptor.address)) // with the port that the kernel chose
  const [connected, other] = await Promise.all([adapter.connect(own, { signal, maxMessageBytes: DEFAULT_MESSAGE_BYTES }), accepted])
  return {
    ends: [whole(connected), whole(other)],
    close() {
      acceptor.close()
      alive.hold(false)
    },
  }
}
