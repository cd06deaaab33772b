import { expect, test } from 'vitest'
import { PORT, repeatsOf } from '../../demos/network/timeout.js'
import { seenBy } from '../../src/lab/seen.js'
import { CONGESTION_STATES } from '../../src/lab/tcp-info.js'
import { played, samplesOf } from './played.js'

const trace = played('timeout')

test('the same packet is sent three times more, and only the last of them comes', (context) => {
  const repeats = repeatsOf(seenBy(trace(context).events, 'A', PORT)).slice(0, 3)
  expect(new Set(repeats.map(({ sequence }) => sequence)).size).toBe(1)
  expect(repeats.map(({ lost }) => lost)).toEqual([true, true, false])
})

test('the wait doubles', (context) => {
  const [first, second, third] = repeatsOf(seenBy(trace(context).events, 'A', PORT)).map(({ t }) => t)
  const ratio = ((third ?? 0) - (second ?? 0)) / ((second ?? 0) - (first ?? 0))
  expect(ratio).toBeGreaterThan(1.6)
  expect(ratio).toBeLessThan(2.4)
})

test('the window begins again at one segment, and doubles up to the threshold', (context) => {
  const windows = samplesOf(trace(context), 'cwnd')
  const thresholds = samplesOf(trace(context), 'ssthresh')
  expect(samplesOf(trace(context), 'ca_state')).toContain(CONGESTION_STATES.indexOf('Loss'))
  const anew = windows.slice(windows.lastIndexOf(1))
  expect(anew).toEqual([...anew].sort((one, other) => one - other))
  expect(thresholds[0]).toBeLessThan(Math.max(...windows.slice(0, windows.indexOf(1))))
  expect(anew.at(-1)).toBeGreaterThanOrEqual(thresholds.at(-1) ?? 0)
})
