import { expect, test } from 'vitest'
import { closingsOf, probesOf } from '../../demos/network/zero-window.js'
import { seenBy } from '../../src/lab/seen.js'
import { played, samplesOf } from './played.js'

const trace = played('zero-window')
const PORT = 7011

const seenOf = (context: Parameters<typeof trace>[0]) => seenBy(trace(context).events, 'A', PORT)

test('the window closes to 0, and what is unread stays at what fitted it', (context) => {
  const seen = seenOf(context)
  const closed = seen.findIndex(({ sent, window, flags }) => !sent && window === 0 && !flags.includes('SYN'))
  const offered = seen.slice(0, closed + 1).flatMap(({ sent, flags, window }) => (sent || flags.includes('SYN') ? [] : window))
  expect(offered).toEqual([...offered].sort((one, other) => other - one))
  expect(samplesOf(trace(context), 'queue (bytes) to read')).toContain((seen[closed]?.acknowledgment ?? 0) - 1)
})

test('a window update opens it, and data follows at once', (context) => {
  const seen = seenOf(context)
  const [closed = 0] = closingsOf(seen)
  const opened = seen.findIndex(({ t, sent, window }) => t > closed && !sent && window > 0)
  expect(seen[opened]).toMatchObject({ length: 0 })
  expect(seen.slice(opened).find(({ sent }) => sent)?.length).toBeGreaterThan(0)
})

test('closed again, it is probed three times, each after twice the wait; the last finds it open', (context) => {
  const seen = seenOf(context)
  const closings = closingsOf(seen)
  expect(closings).toHaveLength(2)
  const [first, second, third, ...more] = probesOf(seen, closings[1] ?? 0)
  if (first === undefined || second === undefined || third === undefined) throw new Error('there are fewer than three')
  expect(more).toEqual([])
  const ratio = (third.t - second.t) / (second.t - first.t)
  expect(ratio).toBeGreaterThan(1.6)
  expect(ratio).toBeLessThan(2.4)
  const answers = [first, second, third].map((probe) => seen.find(({ t, sent }) => !sent && t > probe.t)?.window)
  expect(answers.slice(0, 2)).toEqual([0, 0])
  expect(answers[2]).toBeGreaterThan(0)
})

test('no byte leaves while it is closed', (context) => {
  const seen = seenOf(context)
  for (const closed of closingsOf(seen)) {
    const opened = seen.find(({ t, sent, window }) => t > closed && !sent && window > 0)?.t ?? 0
    expect(opened).toBeGreaterThan(closed)
    expect(seen.filter(({ t, sent, length }) => sent && length > 0 && t > closed && t < opened)).toEqual([])
  }
})

test('the window update is what was lost', (context) => {
  const lost = trace(context).events.flatMap(({ side, packet }) => (packet?.fate === 'lost' ? [{ side, ...packet }] : []))
  expect(lost).toHaveLength(1)
  expect(lost[0]).toMatchObject({ side: 'B', length: 0, flags: ['ACK'] })
  expect(lost[0]?.window).toBeGreaterThan(0)
})
