import { expect, test } from 'vitest'
import type { TracedPacket } from '../../src/lab/trace.js'
import { played } from './played.js'

const trace = played('datagrams')

const packets = (context: Parameters<typeof trace>[0], text: RegExp): readonly TracedPacket[] =>
  trace(context).events.flatMap(({ packet }) => (packet !== undefined && text.test(packet.text) ? packet : []))

test('the largest datagram comes in 45 fragments, whose offsets leave no gap', (context) => {
  const fragments = packets(context, /fragment at/).slice(0, 45)
  const offsets = fragments.map(({ text }) => Number(text.split(' ').at(-1)))
  expect(offsets).toEqual(fragments.map((_, at) => at * 1480))
  expect(fragments.reduce((sum, { length }) => sum + length, 0)).toBe(65_507)
})

test('of a datagram that lost a fragment the others arrive, and the wire sees nothing of it again', (context) => {
  const fragments = packets(context, /fragment at/).slice(45)
  expect(fragments.map(({ length, fate }) => `${length} ${fate}`)).toEqual([
    '1472 delivered',
    '1480 delivered',
    '1048 delivered',
    '1472 delivered',
    '1480 lost',
    '1048 delivered',
  ])
})

test('two datagrams are damaged: one behind a checksum, one without', (context) => {
  expect(packets(context, /^udp/).filter(({ fate }) => fate === 'corrupted')).toHaveLength(2)
})

test('every datagram of the burst arrives at the host; its socket keeps some and drops the rest', (context) => {
  const value = (name: string) => trace(context).events.find(({ sample }) => sample?.name === name)?.sample?.value ?? 0
  expect(packets(context, /^udp 4 bytes$/).filter(({ arrived }) => arrived !== undefined).length).toBeGreaterThanOrEqual(200)
  const queue = trace(context).events.flatMap(({ sample }) => (sample?.name === 'queue (bytes)' ? sample.value : []))
  expect(queue.length).toBeGreaterThan(100)
  expect(queue).toEqual([...queue].sort((a, b) => a - b))
  expect(value('datagrams kept')).toBeGreaterThan(1)
  expect(value('datagrams kept') + value('datagrams dropped')).toBe(200)
})

test('each datagram to a port where nobody listens brings an ICMP message', (context) => {
  const { events } = trace(context)
  const unreachable = events.filter(({ side, packet }) => side === 'B' && packet?.text === 'icmp type 3 code 3')
  expect(unreachable).toHaveLength(3)
  expect(events.filter(({ note }) => note?.includes('recv(') && note.endsWith('ECONNREFUSED'))).toHaveLength(2)
})
