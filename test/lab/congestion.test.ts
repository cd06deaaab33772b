import { expect, test } from 'vitest'
import { ALGORITHMS, windowsOf } from '../../demos/network/congestion.js'
import { played } from './played.js'

const trace = played('congestion')

test('one packet is lost in each transfer, and sent again', (context) => {
  const { events } = trace(context)
  const lost = events.flatMap(({ packet }) => (packet?.fate === 'lost' ? [packet] : []))
  expect(lost).toHaveLength(new Set(events.flatMap(({ sample }) => sample?.name.split(' ')[1] ?? [])).size)
  for (const { sequence } of lost)
    expect(events.some(({ packet }) => packet?.fate === 'delivered' && packet.sequence === sequence && packet.length > 0)).toBe(true)
})

test('reno halves its window at the loss, and adds one segment a round trip from there', (context) => {
  const { windows, threshold } = windowsOf(trace(context), 'reno')
  const part = threshold / Math.max(...windows.slice(0, windows.indexOf(threshold)))
  expect(part).toBeGreaterThan(0.4)
  expect(part).toBeLessThan(0.6)
  expect(windows.at(-1)).toBeGreaterThan(threshold)
})

test.for(ALGORITHMS)('%s opens with ten segments', (algorithm, context) => {
  expect(windowsOf(trace(context), algorithm).windows[0] ?? 10).toBe(10)
})
