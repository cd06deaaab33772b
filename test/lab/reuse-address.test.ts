import { expect, test } from 'vitest'
import { played } from './played.js'

const trace = played('reuse-address')

test.for([
  [7001, 1, 'neither sets it'],
  [7002, 1, 'the new server alone sets it'],
  [7003, 1, 'the old server alone set it'],
  [7004, 2, 'both set it'],
  [7005, 2, 'the client closed first'],
  [7006, 1, 'two want to listen at once'],
] as const)('on port %i there are %i listeners, one after the other: %s', ([port, listeners], context) => {
  const came = trace(context).events.filter(({ state }) => state?.to === 'LISTEN' && state.socket.startsWith(`192.0.2.2:${port} `))
  expect(came).toHaveLength(listeners)
})

test('TIME_WAIT is at the server where it closed first, and at the client where that did', (context) => {
  const waiting = (side: string) =>
    trace(context).events.flatMap((event) => (event.side === side && event.state?.to === 'TIME_WAIT' ? event.state.socket : []))
  expect(waiting('B').map((socket) => socket.split(/[ :]/)[1])).toEqual(['7001', '7002', '7003', '7004'])
  expect(waiting('A').map((socket) => socket.split(':').at(-1))).toEqual(['7005'])
})
