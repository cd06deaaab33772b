import { expect, test } from 'vitest'
import { TCP_STATES } from '../../src/lab/tcp-state.js'
import { packetsOf, played, transitions } from './played.js'

const trace = played('tcp-states')

test('the handshake takes three packets, and the client is established first', (context) => {
  const { events } = trace(context)
  if (trace(context).backend === 'wire') {
    expect(packetsOf(trace(context), 'A').slice(0, 2)).toEqual(['SYN', 'ACK'])
    expect(packetsOf(trace(context), 'B')[0]).toBe('SYN ACK')
  }
  const established = (side: string) => events.findIndex((event) => event.side === side && event.state?.to === 'ESTABLISHED')
  expect(established('A')).toBeLessThan(established('B'))
})

test('who closes first passes FIN_WAIT1, FIN_WAIT2 and TIME_WAIT; the other CLOSE_WAIT and LAST_ACK', (context) => {
  expect(transitions(trace(context), 'A')).toEqual(
    expect.arrayContaining(['ESTABLISHED → FIN_WAIT1', 'FIN_WAIT1 → FIN_WAIT2', 'FIN_WAIT2 → TIME_WAIT']),
  )
  expect(transitions(trace(context), 'B')).toEqual(
    expect.arrayContaining(['ESTABLISHED → CLOSE_WAIT', 'CLOSE_WAIT → LAST_ACK', 'LAST_ACK → CLOSE']),
  )
})

test.for(['A', 'B'] as const)('closing at once takes %s through CLOSING to TIME_WAIT', (side, context) => {
  if (trace(context).backend !== 'wire') context.skip('a gate cannot let two FINs cross')
  expect(transitions(trace(context), side)).toEqual(expect.arrayContaining(['FIN_WAIT1 → CLOSING', 'CLOSING → TIME_WAIT']))
})

test.for(['A', 'B'] as const)('opening at once takes %s from SYN_SENT through SYN_RECV', (side, context) => {
  expect(transitions(trace(context), side)).toEqual(expect.arrayContaining(['SYN_SENT → SYN_RECV', 'SYN_RECV → ESTABLISHED']))
})

test('every state is seen, but for CLOSING behind a gate', (context) => {
  const seen = new Set([...transitions(trace(context), 'A'), ...transitions(trace(context), 'B')].map((text) => text.split(' → ')[1]))
  expect(seen).toEqual(new Set(TCP_STATES.filter((state) => state !== 'CLOSING' || trace(context).backend === 'wire')))
})
