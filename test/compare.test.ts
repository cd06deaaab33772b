import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { BenchRecord, Launch } from '../src/bench/record.js'
import { compareReports, isRegression } from '../src/report/compare.js'
import { renderComparison } from '../src/report/comparison-text.js'
import type { Measured } from '../src/report/figures.js'
import type { Report } from '../src/report/model.js'
import { ReportFileError, readReport } from '../src/report/read.js'
import { digamma, holm, leastDifference, meansDiffer, moderated, trigamma } from '../src/report/statistics.js'
import { writeReport } from '../src/report/write.js'
import { studentP, studentQuantile } from '../src/statistics/student.js'
import { report, roundsOf } from './fixtures/report.js'
import { cli } from './support/run.js'

const folder = mkdtempSync(join(tmpdir(), 'ipc-compare-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('Student’s t', () => {
  // Two-sided, as in every table.
  test.each([
    [12.706, 1, 0.05],
    [3.1824, 3, 0.05],
    [4.6041, 4, 0.01],
    [2.2281, 10, 0.05],
    [4.5869, 10, 0.001],
    [2.0423, 30, 0.05],
    [1.95996, Number.POSITIVE_INFINITY, 0.05],
    [4.89164, Number.POSITIVE_INFINITY, 1e-6],
  ])('%f with %f degrees of freedom has a p of %f', (t, freedom, p) => {
    expect(studentP(t, freedom) / p).toBeCloseTo(1, 3)
    expect(studentP(-t, freedom)).toBe(studentP(t, freedom))
    expect(studentQuantile(p, freedom) / t).toBeCloseTo(1, 4)
  })

  test('keeps its head in the tail', () => {
    expect(studentP(0, 5)).toBe(1)
    // One degree of freedom is Cauchy's distribution, two have a formula as well.
    for (const t of [0.1, 1, 30, 1e4]) {
      expect(studentP(t, 1) / ((2 * Math.atan(1 / t)) / Math.PI)).toBeCloseTo(1, 9)
      expect(studentP(t, 2) / (2 / (2 + t * t) / (1 + t / Math.sqrt(2 + t * t)))).toBeCloseTo(1, 9)
    }
  })
})

/** Numbers of a normal distribution, the same each time. */
function normals(seed: number): () => number {
  let state = seed
  const uniform = () => {
    // Numerical Recipes' generator, whose upper bits are good enough.
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return (state + 0.5) / 2 ** 32
  }
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform())
}

describe('variances of a kind', () => {
  const EULER = 0.5772156649015329

  test('rest on the derivatives of the gamma function', () => {
    expect(digamma(1)).toBeCloseTo(-EULER, 10)
    expect(digamma(0.5)).toBeCloseTo(-EULER - 2 * Math.LN2, 10)
    expect(trigamma(1)).toBeCloseTo(Math.PI ** 2 / 6, 10)
    expect(trigamma(0.5)).toBeCloseTo(Math.PI ** 2 / 2, 10)
  })

  const FREEDOM = 6
  /** What the samples of so many records say of their variances. */
  const estimates = (count: number, normal: () => number, deviation: () => number) =>
    Array.from({ length: count }, () => {
      const own = deviation()
      const squares = Array.from({ length: FREEDOM }, () => (own * normal()) ** 2)
      return { variance: squares.reduce((a, b) => a + b, 0) / FREEDOM, freedom: FREEDOM }
    })

  test('that are one and the same are told together', () => {
    const normal = normals(1)
    for (const { variance, freedom } of moderated(estimates(400, normal, () => 3))) {
      expect(variance).toBeGreaterThan(6)
      expect(variance).toBeLessThan(15)
      expect(freedom).toBeGreaterThan(4 * FREEDOM)
    }
  })

  test('that differ are drawn towards each other, the less the more they differ', () => {
    const normal = normals(2)
    const kind = (spread: number) => moderated(estimates(400, normal, () => Math.exp(spread * normal())))
    const [near, far] = [kind(0.3), kind(1.5)]
    expect(near[0]?.freedom).toBeGreaterThan(1.8 * FREEDOM)
    expect(far[0]?.freedom).toBeLessThan(1.3 * FREEDOM)
    expect(far[0]?.freedom).toBeGreaterThan(FREEDOM)
  })

  test('of few records stay as they are', () => {
    const few = estimates(7, normals(3), () => 1)
    expect(moderated(few)).toEqual(few)
  })

  test('that are equal, or nothing, are no trouble', () => {
    const equal = Array(10).fill({ variance: 4, freedom: 6 })
    for (const { variance, freedom } of moderated(equal)) {
      expect(freedom).toBe(Number.POSITIVE_INFINITY)
      expect(variance).toBeGreaterThan(3)
    }
    expect(moderated(Array(10).fill({ variance: 0, freedom: 6 }))).toHaveLength(10)
    expect([meansDiffer(0, [4, 4], { variance: 0, freedom: 6 }), meansDiffer(1, [4, 4], { variance: 0, freedom: 6 })]).toEqual([1, 0])
  })

  test('the least difference that is found is found', () => {
    const one = { variance: 0.01, freedom: 9 }
    expect(meansDiffer(leastDifference(0.001, [4, 4], one), [4, 4], one)).toBeCloseTo(0.001, 9)
  })
})

test('Holm’s correction multiplies by how many are left, and keeps the order', () => {
  expect(holm([0.01, 0.04, 0.03])).toEqual([0.03, 0.06, 0.06])
  expect(holm([0.5, 0.001])).toEqual([0.5, 0.002])
  expect(holm([])).toEqual([])
})

const ALONE = report.records.findIndex(({ adapter, workload }) => adapter === 'message-queue/sysv' && workload === 'round-trip')
/** With C beside them. */
const TIME = report.records.findIndex(({ adapter, workload }) => adapter === 'pipe/anonymous' && workload === 'round-trip')
const RATE = report.records.findIndex(({ adapter, workload }) => adapter === 'pipe/anonymous' && workload === 'throughput')

/** The report with one record changed. */
function changed(index: number, change: (record: Measured) => BenchRecord): Report {
  return { ...report, records: report.records.map((record, i) => (i === index && record.status === 'measured' ? change(record) : record)) }
}
const withLaunches = (change: (launch: Launch, at: number) => Launch) => (record: Measured) => ({
  ...record,
  launches: record.launches.map(change),
})
const timesAs = (factor: number) => withLaunches((launch) => ({ ...launch, rounds: launch.rounds.map((figure) => factor * figure) }))

describe('a comparison', () => {
  test('of a report with itself finds nothing', () => {
    const comparison = compareReports(report, report)
    expect(comparison).toMatchObject({
      regressions: [],
      improvements: [],
      broken: [],
      mended: [],
      states: [],
      unclear: [],
      unmatched: 0,
      environment: [],
    })
    expect(comparison.compared + comparison.alone.length).toBe(report.records.filter(({ status }) => status === 'measured').length)
    expect(comparison.compared).toBeGreaterThan(40)
    expect(isRegression(comparison)).toBe(false)
    expect(renderComparison(comparison)).toContain('no change by more than 5 %')
  })

  test('tells what is slower from what is faster, for times and for rates', () => {
    const cases = [
      [TIME, 1.3, 'regressions', 1.3],
      [TIME, 0.7, 'improvements', 0.7],
      [RATE, 0.5, 'regressions', 2],
      [RATE, 2, 'improvements', 0.5],
    ] as const
    for (const [index, factor, list, worse] of cases) {
      const comparison = compareReports(report, changed(index, timesAs(factor)))
      expect(comparison[list]).toHaveLength(1)
      expect(comparison[list][0]).toMatchObject({ conditions: { adapter: 'pipe/anonymous' } })
      expect(comparison[list][0]?.worse).toBeCloseTo(worse, 6)
      expect(comparison[list][0]?.p).toBeLessThan(0.01)
      expect(isRegression(comparison)).toBe(list === 'regressions')
    }
  })

  test('does not compare what no C ran beside: nothing tells what befell the machine', () => {
    const comparison = compareReports(report, changed(ALONE, timesAs(2)))
    expect(comparison.regressions).toEqual([])
    expect(comparison.alone).toContainEqual(expect.objectContaining({ adapter: 'message-queue/sysv' }))
    expect(renderComparison(comparison)).toContain('Not compared: no C ran by turns with it')
  })

  test('takes a small change for none, however certain', () => {
    expect(isRegression(compareReports(report, changed(TIME, timesAs(1.04))))).toBe(false)
    expect(isRegression(compareReports(report, changed(TIME, timesAs(1.06))))).toBe(true)
  })

  test('takes a large change for none where the launches scatter as much, however alike the rounds of one are', () => {
    const wild = (factors: readonly number[]) =>
      withLaunches((launch, at) => ({ ...launch, rounds: launch.rounds.map((figure) => (factors[at] ?? 1) * figure) }))
    const alone = (whole: Report): Report => ({ ...whole, records: whole.records.filter((_, i) => i === TIME) })
    const [from, to] = [changed(TIME, wild([1, 2, 1, 1])), changed(TIME, wild([2, 1, 2, 2]))]
    expect(compareReports(alone(from), alone(to))).toMatchObject({ compared: 1, regressions: [], improvements: [] })
  })

  test('corrects for how many records there are', () => {
    const scattered = (factor: number) =>
      withLaunches((launch, at) => ({ ...launch, rounds: launch.rounds.map((us) => factor * (1 + 0.08 * (at % 2)) * us) }))
    const [from, to] = [changed(TIME, scattered(1)), changed(TIME, scattered(1.25))]
    const alone = (whole: Report): Report => ({ ...whole, records: whole.records.filter((_, i) => i === TIME) })
    const one = compareReports(alone(from), alone(to))
    expect(one.regressions).toHaveLength(1)
    const records = Array.from({ length: 400 }, (_, i) => ({ payloadBytes: i }))
    const many = (whole: Report): Report => ({
      ...whole,
      records: records.map((over, i) => ({ ...(i === 0 ? whole.records[TIME] : report.records[TIME]), ...over })) as BenchRecord[],
    })
    // The others do not tell how far launches of this one scatter: they are of another placement.
    const apart = (whole: Report): Report => ({
      ...many(whole),
      records: many(whole).records.map((record, i) => (i === 0 ? { ...record, placement: 'free' } : record)),
    })
    expect(compareReports(apart(from), apart(to))).toMatchObject({ compared: 400, regressions: [] })
  })

  test('compares ratios: a machine that drifts is no change', () => {
    const drifted = changed(
      TIME,
      withLaunches(({ rounds, floorRounds = [], probesNs }) => ({
        rounds: rounds.map((figure) => 2 * figure),
        floorRounds: floorRounds.map((figure) => 2 * figure),
        probesNs,
      })),
    )
    expect(compareReports(report, drifted)).toMatchObject({ regressions: [], improvements: [] })
    const slower = compareReports(report, changed(TIME, timesAs(1.2)))
    expect(renderComparison(slower)).toMatch(
      /pipe\/anonymous, round trip, 64 B, same core, blocking: 1\.12 → 1\.34 × C \(20 % slower, p [^;]+; spin probe 170 → 170 ns\)/,
    )
  })

  test('says which state of the machine differed, instead of comparing across the two; tells of the machine whatever changed', () => {
    const slow = changed(TIME, (record) => withLaunches((launch) => ({ ...launch, probesNs: roundsOf(830, 13) }))(timesAs(3)(record)))
    const busy = { ...slow, environment: { ...slow.environment, load: 2.5 } }
    const comparison = compareReports({ ...report, environment: { ...report.environment, load: 0.25 } }, busy)
    expect(isRegression(comparison)).toBe(false)
    expect(comparison).toMatchObject({
      states: [{ conditions: { adapter: 'pipe/anonymous' } }],
      machine: { load: { from: 0.25, to: 2.5 } },
    })
    const text = renderComparison(comparison)
    expect(text).toMatch(/another state\n {2}pipe\/anonymous, round trip, .*: spin probe 17\d → 8\d\d ns/)
    expect(text).toMatch(
      /The machine\n {2}spin probe on one processor: 170 \(167 to 173\) → 17\d \(\d+ to \d+\) ns\n {2}spin probe between/,
    )
    expect(text).toContain('load before the run: 0.250 → 2.50')
    // Where one launch of either was in the state of the other, their scatter tells.
    const mixed = changed(
      TIME,
      withLaunches((launch, at) => (at === 0 ? launch : { ...launch, probesNs: roundsOf(830, 13) })),
    )
    expect(compareReports(report, mixed)).toMatchObject({ states: [], compared: comparison.compared + 1 })
  })

  /** Launches of so many records that scatter each in its own way; `moved` says how the records of the second run differ. */
  function runs(normal: () => number, moved: (at: number) => number = () => 1): [Report, Report] {
    const base = report.records[TIME] as Measured
    const scatters = Array.from({ length: 75 }, (_, at) => ({ at, scatter: Math.exp(0.8 * normal()) * (at % 3 === 0 ? 0.015 : 0.08) }))
    const run = (factor: (at: number) => number): Report => ({
      ...report,
      records: scatters.map(({ at, scatter }) => ({
        ...base,
        payloadBytes: at,
        placement: at % 3 === 0 ? 'same-core' : at % 3 === 1 ? 'cross-core' : 'free',
        launches: Array.from({ length: 4 }, () => {
          const us = factor(at) * Math.exp(scatter * normal())
          return { rounds: roundsOf(us, 6), floorRounds: roundsOf(1, 6), probesNs: [170] }
        }),
      })),
    })
    return [run(() => 1), run(moved)]
  }

  test('finds hardly ever a change in two runs of the same, and what is 30 % slower where launches are alike', () => {
    const normal = normals(7)
    let wrong = 0
    for (let i = 0; i < 100; i++) {
      const comparison = compareReports(...runs(normal))
      if (comparison.regressions.length + comparison.improvements.length > 0) wrong++
    }
    // Of 100 one is to be expected, and five or more once in three hundred times.
    expect(wrong).toBeLessThan(5)
    let found = 0
    for (let i = 0; i < 20; i++) {
      const { regressions } = compareReports(...runs(normal, (at) => (at === 0 ? 1.3 : 1)))
      if (regressions.some(({ conditions }) => conditions.payloadBytes === 0)) found++
    }
    expect(found).toBeGreaterThan(17)
  })

  test('says from which change on it would have seen one', () => {
    const comparison = compareReports(...runs(normals(11)))
    const factors = Object.fromEntries(comparison.seen.map(({ placement, factor }) => [placement, factor]))
    expect(factors['same-core']).toBeLessThan(1.3)
    expect(factors.free).toBeGreaterThan(factors['same-core'] ?? 0)
    expect(renderComparison(comparison)).toMatch(
      /half of the records would show a change of \d+ % \(same core\), \d+ % \(cross core\), \d+ % \(free\)/,
    )
  })

  test('a trial that fails now is a regression; one that is measured again is told', () => {
    const failing = changed(TIME, ({ adapter, mechanism, workload, payloadBytes, placement, wait }) => ({
      adapter,
      mechanism,
      workload,
      payloadBytes,
      placement,
      wait,
      status: 'failed',
      reason: 'a wrong byte',
    }))
    const worse = compareReports(report, failing)
    expect(worse.broken).toMatchObject([{ reason: 'a wrong byte', conditions: { adapter: 'pipe/anonymous' } }])
    expect(isRegression(worse)).toBe(true)
    const better = compareReports(failing, report)
    expect(better.mended).toHaveLength(1)
    expect(isRegression(better)).toBe(false)
  })

  test('says what cannot be compared, and what of the environment differs', () => {
    const other = changed(TIME, (record) => ({ ...record, launches: record.launches.slice(0, 1) }))
    const comparison = compareReports(report, {
      ...other,
      records: other.records.slice(0, -1),
      environment: { ...report.environment, node: 'v24.0.0' },
    })
    expect(comparison).toMatchObject({ unclear: [{ adapter: 'pipe/anonymous' }], unmatched: 1 })
    expect(comparison.environment).toEqual([{ name: 'Node.js', from: 'v20.20.2', to: 'v24.0.0' }])
  })
})

describe('a file', () => {
  const write = (name: string, text: string): string => {
    const path = join(folder, name)
    writeFileSync(path, text)
    return path
  }

  test('that was written is read', () => {
    expect(readReport(writeReport(report, join(folder, 'whole')).json)).toEqual(report)
  })

  const [first] = report.records
  test.each<[string, string, RegExp]>([
    ['cut', JSON.stringify(report).slice(0, 1000), /is damaged, or no report: /],
    ['empty', '', /is damaged, or no report/],
    ['foreign', '{"name":"ipc-playground","version":"0.1.0"}', /is no report\.json of ipc-playground/],
    ['list', '[]', /is no report\.json/],
    ['older', JSON.stringify({ ...report, version: 1 }), /is a report of version 1, and this reads version 3: measure again/],
    ['nothing', JSON.stringify({ ...report, records: [null] }), /is damaged: record 0 is no record/],
    [
      'unnamed',
      JSON.stringify({ ...report, records: [first, { ...first, workload: 'hovering' }] }),
      /record 1 has the unknown workload "hovering"/,
    ],
    ['inherited', JSON.stringify({ ...report, records: [{ ...first, placement: 'toString' }] }), /record 0 has an unknown placement/],
    [
      'texts',
      JSON.stringify({ ...report, records: [{ ...first, launches: [{ rounds: ['1'], probesNs: [] }] }] }),
      /record 0 has no launches/,
    ],
    [
      'floor',
      JSON.stringify({ ...report, records: [{ ...first, floor: { status: 'measured' } }] }),
      /record 0 has a floor without a ratio/,
    ],
    ['nowhere', JSON.stringify({ ...report, environment: {} }), /the environment is not complete/],
  ])('that is wrong is named with the reason: %s', (name, text, why) => {
    const path = write(`${name}.json`, text)
    expect(() => readReport(path)).toThrow(ReportFileError)
    expect(() => readReport(path)).toThrow(why)
    expect(() => readReport(path)).toThrow(path)
  })

  test('that is not there is named', () => {
    expect(() => readReport(join(folder, 'none.json'))).toThrow(/none\.json cannot be read: ENOENT/)
  })
})

describe('the command', () => {
  const written = (name: string, one: Report): string => writeReport(one, join(folder, name)).json

  test('exits with 0 where nothing became worse, with 1 where something did', async () => {
    const [old, slow] = [written('old', report), written('slow', changed(TIME, timesAs(1.5)))]
    const same = await cli(['compare', old, old])
    expect(same).toMatchObject({ status: 0, stderr: '' })
    expect(same.stdout).toContain('no change')
    const worse = await cli(['compare', old, slow])
    expect(worse).toMatchObject({ status: 1, stderr: '' })
    expect(worse.stdout).toMatch(/^Slower\n {2}pipe\/anonymous, round trip/)
    const faster = await cli(['compare', slow, old, '--json'])
    expect(faster.status).toBe(0)
    expect(JSON.parse(faster.stdout)).toMatchObject({ regressions: [], improvements: [{ conditions: { adapter: 'pipe/anonymous' } }] })
  })

  test.each(['bench', 'report'])('%s --compare with a wrong file measures nothing: status 2', async (command) => {
    const path = join(folder, 'wrong.json')
    writeFileSync(path, '{}')
    const { status, stdout, stderr } = await cli([command, 'pipe/anonymous', '--compare', path])
    expect([status, stdout]).toEqual([2, ''])
    expect(stderr).toBe(`ipc-playground: ${path} is no report.json of ipc-playground\n`)
  })

  test('compare with a file that is not there: status 2', async () => {
    const { status, stderr } = await cli(['compare', join(folder, 'none.json'), join(folder, 'none.json')])
    expect(status).toBe(2)
    expect(stderr).toContain('none.json cannot be read')
  })
})
