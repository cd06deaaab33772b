import { expect, test } from 'vitest'
import { CLIENTS, FEW } from '../../demos/network/reuse-port.js'
import { played, transitions } from './played.js'

const trace = played('reuse-port')

test('both workers have a good part of the connections, and together all', (context) => {
  const counts = trace(context).events.flatMap(({ sample }) => (sample?.name.endsWith(': accepted') ? sample.value : []))
  expect(counts).toHaveLength(2)
  expect(counts.reduce((all, count) => all + count, 0)).toBe(CLIENTS)
  for (const count of counts) expect(count).toBeGreaterThan(FEW)
})

test('what waits for a worker that ends is reset', (context) => {
  const reset = transitions(trace(context), 'A').filter((text) => text === 'ESTABLISHED → CLOSE').length
  expect(reset).toBeGreaterThan(0)
  const { events, backend } = trace(context)
  if (backend === 'wire') expect(events.filter(({ side, packet }) => side === 'B' && packet?.flags?.includes('RST'))).toHaveLength(reset)
})
