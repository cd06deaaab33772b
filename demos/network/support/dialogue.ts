/** A question and an answer over TCP, and what the ends waited for meanwhile. */
import type { Lab } from '../../../src/lab/lab.js'
import { type Seen, seenBy } from '../../../src/lab/seen.js'
import { call } from '../../../src/stage/call.js'
import { K } from '../../../src/stage/constants.js'
import type { Connected } from './connected.js'

/** The shortest for which Linux delays an acknowledgement. include/net/tcp.h, TCP_DELACK_MIN */
export const DELAYED_ACK_MS = 40

export interface Exchange {
  /** `A 1, B ack, A 1, B 2`: who sent how many bytes, in the client's order. */
  readonly order: string
  /** How often the client waited for a packet. */
  readonly trips: number
  readonly ms: number
  /** How long the server kept its first answer or acknowledgement. */
  readonly kept: number
}

/** A question in these writes of the client, and the server's answer. */
export async function exchange(lab: Lab, { client, server, port, fd, accepted }: Connected, ...writes: string[]): Promise<Exchange> {
  const began = lab.recorder.now()
  const asked = server.begin(call('recv', accepted, writes.join('').length, K.MSG_WAITALL))
  for (const text of writes) await client.must(call('send', fd, text, 0))
  await asked.outcome
  await server.must(call('send', accepted, 'OK', 0))
  await client.must(call('recv', fd, 2, 0))
  const since = lab.recorder.events.filter(({ t }) => t >= began)
  const all = seenBy(since, 'A', port)
  const question = all.slice(all.findIndex(({ sent, length }) => sent && length > 0))
  const seen = question.slice(0, 1 + question.findIndex(({ sent, length }) => !sent && length > 0))
  return {
    order: orderOf(seen),
    trips: seen.filter(({ sent }, at) => !sent && seen[at - 1]?.sent === true).length,
    ms: (seen.at(-1)?.t ?? 0) - (seen[0]?.t ?? 0),
    kept: keptOf(seenBy(since, 'B', port))[0] ?? 0,
  }
}

export const orderOf = (seen: readonly Seen[]): string =>
  seen.map(({ sent, length }) => `${sent ? 'A' : 'B'} ${length === 0 ? 'ack' : length}`).join(', ')

/** After how many ms each packet with bytes was followed by one from this end. */
export const keptOf = (seen: readonly Seen[]): readonly number[] =>
  seen.flatMap(({ sent, length, t }, at) => {
    const next = seen.slice(at).find((one) => one.sent)
    return sent || length === 0 || next === undefined ? [] : next.t - t
  })

/** Whether an acknowledgement was delayed. It may be late for other reasons too, but never early. */
export const isDelayed = (kept: number): boolean => kept >= 0.8 * DELAYED_ACK_MS
