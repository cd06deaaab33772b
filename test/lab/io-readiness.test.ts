import { expect, test } from 'vitest'
import { played, samplesOf } from './played.js'

const trace = played('io-readiness')

test.for(['select', 'poll'])('%s is handed every descriptor, each time', (model, context) => {
  expect(samplesOf(trace(context), `${model}, 0 idle: entries a message`)).toEqual([1])
  expect(samplesOf(trace(context), `${model}, 1000 idle: entries a message`)).toEqual([1001])
})

test('epoll hands back the one that is ready, beside however many', (context) => {
  expect(samplesOf(trace(context), 'epoll, 0 idle: entries a message')).toEqual([1])
  expect(samplesOf(trace(context), 'epoll, 1000 idle: entries a message')).toEqual([1])
})

test.for(['select', 'poll'])('beside a thousand idle descriptors %s takes more processor time than epoll', (model, context) => {
  const spent = (name: string) => samplesOf(trace(context), `${name}, 1000 idle: µs of processor time a message`)[0] ?? Number.NaN
  expect(spent(model)).toBeGreaterThan(spent('epoll'))
})

test('a level is told each time, an edge once', (context) => {
  expect(samplesOf(trace(context), 'level-triggered: times told')).toEqual([3])
  expect(samplesOf(trace(context), 'edge-triggered: times told')).toEqual([1])
})

test('select has no bit of descriptor 1,024, which poll takes', (context) => {
  const polled = samplesOf(trace(context), 'poll of a high descriptor: messages')
  if (polled.length === 0) context.skip('no process here may have so many descriptors')
  expect(polled).toEqual([1])
  expect(samplesOf(trace(context), 'select of a high descriptor: messages')).toEqual([0])
})

test('what io_uring has read is in memory, without a call', (context) => {
  const bytes = samplesOf(trace(context), 'io_uring: bytes read without a call')
  if (bytes.length === 0) context.skip('this kernel lets us use no io_uring')
  expect(bytes).toEqual(['complete'.length])
})

test('three messages are one SIGIO and three real-time signals', (context) => {
  expect(samplesOf(trace(context), 'SIGIO of three messages')).toEqual([1])
  expect(samplesOf(trace(context), 'real-time signals of three messages')).toEqual([3])
})
