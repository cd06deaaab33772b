import { expect, test } from 'vitest'
import { PORTS } from '../../demos/network/nagle.js'
import { isDelayed, keptOf, orderOf } from '../../demos/network/support/dialogue.js'
import { seenBy } from '../../src/lab/seen.js'
import { played } from './played.js'

const trace = played('nagle')

/** What an end saw of the connection behind its handshake. */
const seenAt = (context: Parameters<typeof trace>[0], port: number, side: 'A' | 'B' = 'A') =>
  seenBy(trace(context).events, side, port).slice(3)

test('the second write waits for the acknowledgement of the first, which is delayed', (context) => {
  expect(orderOf(seenAt(context, PORTS.both).slice(0, 3))).toBe('A 1, B ack, A 1')
  expect(keptOf(seenAt(context, PORTS.both, 'B'))[0]).toBeGreaterThan(0.8 * 40)
})

test('with TCP_NODELAY both leave at once', (context) => {
  expect(orderOf(seenAt(context, PORTS.noDelay).slice(0, 2))).toBe('A 1, A 1')
})

test('with TCP_QUICKACK the acknowledgement comes at once, but not for long', (context) => {
  const heads = keptOf(seenAt(context, PORTS.quickAck, 'B')).filter((_, at) => at % 2 === 0)
  expect(heads.slice(-2).map(isDelayed)).toEqual([false, true])
})

test('one write is one packet', (context) => {
  const [first, second] = seenAt(context, PORTS.oneWrite)
  expect(first).toMatchObject({ sent: true, length: 2 })
  expect(second?.sent).toBe(false)
})

test.for([
  ['tinygrams', [1, 9]],
  ['tinygramsNoDelay', [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]],
] as const)('ten writes of a byte as %s', ([name, lengths], context) => {
  expect(seenAt(context, PORTS[name]).flatMap(({ sent, length }) => (sent && length > 0 ? length : []))).toEqual(lengths)
})
