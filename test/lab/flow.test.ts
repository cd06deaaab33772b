import { expect, test } from 'vitest'
import { slideOf } from '../../demos/network/support/slide.js'
import { seenBy } from '../../src/lab/seen.js'
import { played, samplesOf } from './played.js'

const trace = played('flow')
const PORT = 7010

test('windows are in bytes, by the scale that the SYNs agreed on', (context) => {
  const own = seenBy(trace(context).events, 'A', PORT).filter(({ sent, flags }) => sent && !flags.includes('SYN'))
  expect(Math.min(...own.map(({ window }) => window))).toBeGreaterThan(16_384)
})

test('the receiver offers what its buffer is for', (context) => {
  const windows = seenBy(trace(context).events, 'A', PORT).flatMap(({ sent, flags, window }) =>
    sent || flags.includes('SYN') ? [] : window,
  )
  expect(windows.length).toBeGreaterThan(10)
  // SO_RCVBUF is 8192, of which the kernel makes twice as much.
  expect(Math.max(...windows)).toBeLessThanOrEqual(16_384)
  expect(Math.max(...windows)).toBeGreaterThan(4096)
})

test('the sender stays within the window, which never moves back, and uses all of it', (context) => {
  const { window, largestFlight, beyond, back } = slideOf(seenBy(trace(context).events, 'A', PORT))
  expect({ beyond, back }).toEqual({ beyond: 0, back: 0 })
  expect(largestFlight).toBeLessThanOrEqual(window)
  expect(largestFlight).toBeGreaterThan(0.8 * window)
})

test('the queues of both sockets are in the trace', (context) => {
  expect(Math.max(...samplesOf(trace(context), 'queue (bytes) to send'))).toBeGreaterThan(50_000)
  expect(samplesOf(trace(context), 'queue (bytes) to send').at(-1)).toBe(0)
  expect(samplesOf(trace(context), 'queue (bytes) to read')[0]).toBe(0)
})
