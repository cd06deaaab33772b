import { expect, test } from 'vitest'
import { LOST_PACKETS, PORTS } from '../../demos/network/congestion.js'
import { ALGORITHMS, type Algorithm } from '../../demos/network/support/congestion-checks.js'
import { courseOf } from '../../demos/network/support/congestion-course.js'
import { played, samplesOf } from './played.js'

const trace = played('congestion')

function course(context: Parameters<typeof trace>[0], algorithm: Algorithm) {
  const { events } = trace(context)
  if (samplesOf(trace(context), `cwnd ${algorithm}`).length === 0) context.skip(`this kernel has no ${algorithm}`)
  return courseOf(events, PORTS[algorithm], algorithm)
}

test.for(ALGORITHMS)('%s loses the same packets, and sends each of them once more, without a timeout', (algorithm, context) => {
  const { losses, timeouts } = course(context, algorithm)
  expect(losses).toHaveLength(LOST_PACKETS.length)
  expect(timeouts).toBe(0)
  const again = trace(context).events.flatMap(({ packet }) =>
    packet?.ports?.[1] === PORTS[algorithm] && packet.length > 0 ? (packet.sequence ?? []) : [],
  )
  expect(again.length - new Set(again).size).toBe(LOST_PACKETS.length)
})

test.for(
  ALGORITHMS,
)('%s: acknowledgements ask for what is lost before it is sent again, and new packets leave meanwhile', (algorithm, context) => {
  for (const { duplicates, newMeanwhile } of course(context, algorithm).losses) {
    expect(duplicates).toBeGreaterThan(0)
    expect(newMeanwhile).toBeGreaterThan(0)
  }
})

test('reno opens with ten packets and doubles them each round trip', (context) => {
  const [first = 0, second = 0, third = 0] = course(context, 'reno').opening
  expect(first).toBe(10)
  for (const ratio of [second / first, third / second]) {
    expect(ratio).toBeGreaterThan(1.6)
    expect(ratio).toBeLessThan(2.4)
  }
})

test.for([
  ['reno', 0.5],
  ['cubic', 0.7],
] as const)('%s keeps %d of what was under way at a loss', ([algorithm, part], context) => {
  for (const { threshold, flight } of course(context, algorithm).losses) {
    expect(threshold / flight).toBeGreaterThan(part * 0.8)
    expect(threshold / flight).toBeLessThan(part * 1.2)
  }
})

test('reno adds a segment for each window that is acknowledged between losses', (context) => {
  for (const { growth, threshold } of course(context, 'reno').losses.slice(0, -1)) {
    expect(growth.windows.length).toBeGreaterThan(4)
    expect(growth.windows[0]).toBeGreaterThanOrEqual(threshold)
    expect(growth.windows[0]).toBeLessThan(1.2 * threshold)
    expect(growth.acknowledged / growth.windowfuls).toBeGreaterThan(0.8)
    expect(growth.acknowledged / growth.windowfuls).toBeLessThan(1.2)
  }
})

test('bbr has its window again after a loss', (context) => {
  for (const { before, after } of course(context, 'bbr').losses) expect(after).toBeGreaterThanOrEqual(0.8 * before)
})

test.for(ALGORITHMS)('%s: window, state and round trip are in the trace, to be plotted', (algorithm, context) => {
  course(context, algorithm)
  for (const what of ['cwnd', 'ca_state', 'rtt (ms)']) expect(samplesOf(trace(context), `${what} ${algorithm}`).length).toBeGreaterThan(3)
})
