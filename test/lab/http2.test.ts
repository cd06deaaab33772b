import { expect, test } from 'vitest'
import { stallOf } from '../../demos/network/support/stall.js'
import type { Trace } from '../../src/lab/trace.js'
import { played } from './played.js'

const trace = played('http2')

const frames = ({ events }: Trace, side: 'A' | 'B') =>
  events.flatMap((event) => (event.side === side && event.message ? [event.message] : []))

test('all streams are on one connection', (context) => {
  const sockets = trace(context).events.flatMap(({ side, state }) => (side === 'B' && state?.to === 'ESTABLISHED' ? [state.socket] : []))
  expect(sockets).toHaveLength(1)
})

test('each side begins with its settings and confirms the other’s', (context) => {
  expect(frames(trace(context), 'A').slice(0, 2)).toMatchObject([{ text: 'PRI * HTTP/2.0' }, { text: 'SETTINGS', stream: 0 }])
  expect(frames(trace(context), 'B')[0]).toMatchObject({ text: 'SETTINGS', stream: 0 })
  for (const side of ['A', 'B'] as const)
    expect(frames(trace(context), side)).toContainEqual({ protocol: 'http/2', text: 'SETTINGS ACK', stream: 0 })
})

test('frames of three answers alternate, and every byte is in one of them', (context) => {
  const data = frames(trace(context), 'B').filter(({ text, stream = 0 }) => text.startsWith('DATA') && stream <= 5)
  expect(new Set(data.slice(0, 3).map(({ stream }) => stream))).toEqual(new Set([1, 3, 5]))
  expect(data.reduce((sum, { text }) => sum + Number(text.split(' ')[1]), 0)).toBe(300_000)
})

test('a stream that was opened later ends first', (context) => {
  const ended = frames(trace(context), 'B').flatMap(({ text, stream }) => (text.endsWith('END_STREAM') ? [stream] : []))
  expect(ended.indexOf(9)).toBeLessThan(ended.indexOf(7))
})

test('one lost packet holds every stream back until it is there again', (context) => {
  const since = trace(context).events.find(({ note }) => note?.includes('is lost, once'))?.t
  const stall = stallOf(trace(context), since ?? 0)
  expect(stall.streamsBehind).toBeGreaterThan(1)
  expect(stall.arrivedBehind).toBeGreaterThan(stall.sentBefore)
  expect(stall.read).toBeLessThanOrEqual(stall.sentBefore)
})
