import { expect, test } from 'vitest'
import { played, transitions } from './played.js'

const trace = played('resets')

test('each of the four is a RST, three times the server’s and once the client’s', (context) => {
  const { events, backend } = trace(context)
  if (backend !== 'wire') context.skip('only a wire sees packets')
  expect(events.flatMap(({ side, packet }) => (packet?.flags?.includes('RST') ? side : []))).toEqual(['B', 'B', 'A', 'B'])
})

test('the only FIN is that of the server which has read everything', (context) => {
  const { events, backend } = trace(context)
  if (backend !== 'wire') context.skip('only a wire sees packets')
  expect(events.flatMap(({ side, packet }) => (packet?.flags?.includes('FIN') ? side : []))).toEqual(['B'])
})

test.for(['A', 'B'] as const)('%s has nothing in TIME_WAIT', (side, context) => {
  expect(transitions(trace(context), side).filter((text) => text.includes('TIME_WAIT'))).toEqual([])
})
