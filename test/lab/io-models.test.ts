import { expect, test } from 'vitest'
import { played, samplesOf } from './played.js'

const trace = played('io-models')

/** System calls and switches a message. */
const COSTS = {
  blocking: [2, 1],
  select: [3, 1],
  poll: [3, 1],
  epoll: [3, 1],
  'signal-driven': [5, 1],
} as const

test.for(Object.entries(COSTS))('a message costs %s %j system calls and switches', ([model, [calls, switches]], context) => {
  expect(samplesOf(trace(context), `${model}: system calls a message`)).toEqual([calls])
  expect(samplesOf(trace(context), `${model}: switches a message`)).toEqual([switches])
})

test('who does not block asks in vain, and never sleeps', (context) => {
  expect(samplesOf(trace(context), 'non-blocking: switches a message')).toEqual([0])
  const [reads = 0] = samplesOf(trace(context), 'non-blocking: read')
  const [writes = 0] = samplesOf(trace(context), 'non-blocking: write')
  expect(writes).toBe(20)
  expect(reads).toBeGreaterThan(10 * writes)
})

test('io_uring takes one system call a message, and one to begin', (context) => {
  const calls = samplesOf(trace(context), 'io_uring: io_uring_enter')
  if (calls.length === 0) context.skip('this kernel lets us use no io_uring')
  expect(calls).toEqual([21])
  expect(samplesOf(trace(context), 'io_uring: switches a message')).toEqual([1])
})

test('strace counts the same', (context) => {
  const models = Object.keys(COSTS) as (keyof typeof COSTS)[]
  const seen = models.map((model) => samplesOf(trace(context), `${model}: strace`))
  if (seen.every((counts) => counts.length === 0)) context.skip('strace may not trace here')
  expect(seen).toEqual(models.map((model) => [COSTS[model][0] * 4]))
})
