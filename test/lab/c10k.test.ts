import { describe, expect, test } from 'vitest'
import { MODELS, nextRung, type Rung } from '../../demos/network/c10k/ladder.js'
import type { Trace } from '../../src/lab/trace.js'
import { played } from './played.js'

const trace = played('c10k', 120_000)

/** What was measured of a model, by the number of connections. */
const curve = ({ events }: Trace, name: string): ReadonlyMap<number, number> =>
  new Map(events.flatMap(({ sample }) => (sample?.name === name && sample.over !== undefined ? [[sample.over.value, sample.value]] : [])))

const last = (of: ReadonlyMap<number, number>): number => [...of.values()].at(-1) ?? Number.NaN

describe.for(Object.keys(MODELS))('%s', (model) => {
  test('climbs from ten connections, and says why it stops', (context) => {
    const latencies = curve(trace(context), `latency (ms) ${model}`)
    const rungs = [...latencies.keys()]
    expect(rungs[0]).toBe(10)
    expect(rungs).toEqual(rungs.toSorted((one, other) => one - other))
    for (const latency of latencies.values()) expect(latency).toBeGreaterThan(0)
    const [top] = trace(context).events.flatMap(({ sample }) => (sample?.name === `top (connections) ${model}` ? sample : []))
    expect(top?.value).toBe(rungs.at(-1))
    expect(top?.end).toMatch(/\w/)
  })
})

test.for(['process', 'thread'])('a %s a connection costs tasks, and far more memory than a reactor', (model, context) => {
  expect(last(curve(trace(context), `tasks a connection ${model}`))).toBeGreaterThanOrEqual(1)
  const [costly, cheap] = [model, 'reactor'].map((one) => last(curve(trace(context), `memory a connection (KiB) ${one}`)))
  expect(costly).toBeGreaterThan(20 * (cheap ?? Number.NaN))
})

test.for(['reactor', 'multi-reactor'])('a %s has no task more for any connection, and goes furthest', (model, context) => {
  for (const tasks of curve(trace(context), `tasks a connection ${model}`).values()) expect(tasks).toBe(0)
  const topOf = (one: string) => Math.max(...curve(trace(context), `latency (ms) ${one}`).keys())
  expect(topOf(model)).toBeGreaterThanOrEqual(Math.max(topOf('process'), topOf('thread')))
})

describe('the next rung', () => {
  const loaded = { openingMs: 100, first: { median: 1, p99: 2 }, latency: { median: 1, p99: 2 } }
  const rung = (connections: number, memory = 10): Rung => ({ connections, loaded, memory, tasks: 0, dealt: [] })
  const room = { ms: 10_000, memory: 100_000, descriptors: 20_000 }

  test('is the next where there is room for it', () => expect(nextRung(rung(100), room)).toBe(500))
  test('is as high as descriptors allow', () => expect(nextRung(rung(100), { ...room, descriptors: 264 })).toBe(200))
  test('is none where all descriptors are in use', () =>
    expect(nextRung(rung(200), { ...room, descriptors: 264 })).toMatch(/RLIMIT_NOFILE/))
  test('is none where it would cost too much memory', () => expect(nextRung(rung(100, 300), room)).toMatch(/146.5 MiB of memory/))
  test('is none where it would take too long', () => expect(nextRung(rung(100), { ...room, ms: 400 })).toMatch(/to open 500 would take/))
  test('is none at the top', () => expect(nextRung(rung(10_000), room)).toBe('the top of the ladder'))
})
