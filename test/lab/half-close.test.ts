import { expect, test } from 'vitest'
import { packetsOf, played, samplesOf, transitions } from './played.js'

const trace = played('half-close')

test('1 MiB comes back behind the FIN, and nothing goes out any more', (context) => {
  const { events, backend } = trace(context)
  expect(samplesOf(trace(context), 'bytes behind the FIN')).toEqual([1 << 20])
  if (backend !== 'wire') return
  const [first = '', ...later] = events.flatMap(({ state, side }) => (side === 'B' && state?.to === 'CLOSE_WAIT' ? state.socket : []))
  expect(later).toHaveLength(2)
  const answer = events.slice(
    events.findIndex(({ state }) => state?.socket === first && state.to === 'CLOSE_WAIT'),
    events.findIndex(({ state }) => state?.socket === first && state.to === 'LAST_ACK'),
  )
  const bytes = (side: string) => answer.reduce((sum, event) => sum + (event.side === side ? (event.packet?.length ?? 0) : 0), 0)
  expect(bytes('B')).toBeGreaterThanOrEqual(1 << 20)
  expect(bytes('A')).toBe(0)
})

test('who closes half waits in FIN_WAIT2, the other in CLOSE_WAIT, until that closes', (context) => {
  expect(transitions(trace(context), 'A')).toEqual(expect.arrayContaining(['FIN_WAIT1 → FIN_WAIT2', 'FIN_WAIT2 → TIME_WAIT']))
  expect(transitions(trace(context), 'B')).toEqual(expect.arrayContaining(['ESTABLISHED → CLOSE_WAIT', 'CLOSE_WAIT → LAST_ACK']))
})

test('FIN_WAIT2 without a descriptor lasts tcp_fin_timeout, 1 s', (context) => {
  const { events } = trace(context)
  const over = events.filter(({ side, state }) => side === 'A' && state?.from === 'FIN_WAIT2' && state.to === 'CLOSE')
  expect(over).toHaveLength(1)
  const socket = over[0]?.state?.socket
  const began = events.find(({ side, state }) => side === 'A' && state?.socket === socket && state?.to === 'FIN_WAIT2')
  const lasted = (over[0]?.t ?? 0) - (began?.t ?? 0)
  expect(lasted).toBeGreaterThan(500)
})

test('bytes for the orphan are answered with RST', (context) => {
  if (trace(context).backend !== 'wire') context.skip('only a wire sees packets')
  expect(packetsOf(trace(context), 'A').filter((text) => text.startsWith('RST'))).toHaveLength(1)
})
