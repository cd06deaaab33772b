import { expect, test } from 'vitest'
import { framesOf, played } from './played.js'

const trace = played('arp')

test('the first datagram waits for a question to all and an answer to one', (context) => {
  const [request, answer, datagram] = trace(context).events.flatMap(({ packet }) => packet ?? [])
  expect(request?.text).toBe('who has 192.0.2.2? tell 192.0.2.1')
  expect(request?.frame).toMatchObject({ destination: 'ff:ff:ff:ff:ff:ff', to: ['B', 'C'] })
  expect(answer?.text).toBe('192.0.2.2 is at 02:00:00:00:00:0b')
  expect(answer?.frame).toMatchObject({ destination: '02:00:00:00:00:0a', to: ['A'] })
  expect(datagram?.frame).toMatchObject({ destination: '02:00:00:00:00:0b', to: ['B'] })
})

test('three datagrams take two questions: the entry was deleted once', (context) => {
  expect(framesOf(trace(context), 'who has 192.0.2.2?')).toHaveLength(2)
  expect(framesOf(trace(context), '→ 192.0.2.2:7000 udp')).toHaveLength(3)
})

test('nobody is asked for three times, and no SYN leaves', (context) => {
  expect(framesOf(trace(context), 'who has 192.0.2.9?')).toHaveLength(3)
  expect(framesOf(trace(context), '→ 192.0.2.9')).toEqual([])
})
