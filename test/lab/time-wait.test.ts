import { expect, test } from 'vitest'
import { LEFT } from '../../demos/network/time-wait.js'
import { played, samplesOf, transitions } from './played.js'

const trace = played('time-wait')

test('who closes first is in TIME_WAIT: the client twice, the server once', (context) => {
  const waits = (side: 'A' | 'B') => transitions(trace(context), side).filter((text) => text.endsWith('→ TIME_WAIT')).length
  expect([waits('A'), waits('B')]).toEqual([2, 1])
})

test('a lost ACK has the FIN sent again, which TIME_WAIT acknowledges', (context) => {
  const packets = trace(context).events.flatMap(({ side, packet }) => (packet === undefined ? [] : { side, ...packet }))
  const lost = packets.findIndex(({ fate }) => fate === 'lost')
  expect(packets[lost]).toMatchObject({ side: 'A', text: 'ACK' })
  const [fin, again, acknowledged] = [packets[lost - 1], ...packets.slice(lost + 1)]
  expect(fin).toMatchObject({ side: 'B', text: 'FIN ACK' })
  expect(again).toMatchObject({ side: 'B', text: 'FIN ACK', sequence: fin?.sequence })
  expect(acknowledged).toMatchObject({ side: 'A', text: 'ACK', fate: 'delivered', acknowledgment: (fin?.sequence ?? 0) + 1 })
})

test('the timer of 60 s falls, and begins anew with the second FIN', (context) => {
  const values = samplesOf(trace(context), LEFT)
  expect(Math.max(...values)).toBeLessThanOrEqual(60)
  const rises = values.filter((value, at) => value > (values[at - 1] ?? value))
  expect(rises).toHaveLength(1)
  expect(values.length).toBeGreaterThan(3)
})
