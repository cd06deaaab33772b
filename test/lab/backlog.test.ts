import { expect, test } from 'vitest'
import type { TraceEvent } from '../../src/lab/trace.js'
import { played, samplesOf } from './played.js'

const trace = played('backlog')

const ofPort = (port: number) => (socket: string) => socket.endsWith(`:${port}`)

test('the queue takes one more than the backlog', (context) => {
  const lengths = samplesOf(trace(context), 'accept queue')
  expect(lengths).toEqual(expect.arrayContaining([1, 2, 3]))
  expect(Math.max(...lengths)).toBe(3)
})

test('one more is taken when there is room, after a SYN that was sent again', (context) => {
  const { events, backend } = trace(context)
  const isTaken = ({ side, state }: TraceEvent) => side === 'B' && state?.to === 'ESTABLISHED' && state.socket.includes(':7000 ')
  expect(events.filter(isTaken)).toHaveLength(4)
  if (backend !== 'wire') return
  const before = events.slice(0, events.findLastIndex(isTaken))
  expect(before.filter(({ packet }) => packet?.text === 'SYN').length).toBeGreaterThan(6)
})

test('the server resets a client that finds the queue full at its last ACK only where tcp_abort_on_overflow says so', (context) => {
  const reset = (port: number) =>
    trace(context).events.filter(
      ({ side, state }) => side === 'A' && state?.from === 'ESTABLISHED' && state.to === 'CLOSE' && ofPort(port)(state.socket),
    ).length
  expect([reset(7001), reset(7002)]).toEqual([0, 1])
})

test('a client may be ESTABLISHED while the server still has it in SYN_RECV', (context) => {
  const { events } = trace(context)
  const at = (side: string, to: string) =>
    events.flatMap(({ state, t }, index) => (events[index]?.side === side && state?.to === to && state.socket.includes(':7001') ? t : []))
  expect(Math.max(...at('B', 'ESTABLISHED'))).toBeGreaterThan(Math.max(...at('A', 'ESTABLISHED')))
})
