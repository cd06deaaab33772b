import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import type { BenchRecord } from '../src/bench/record.js'
import { compareReports, isRegression } from '../src/report/compare.js'
import { renderComparison } from '../src/report/comparison-text.js'
import type { Measured } from '../src/report/figures.js'
import type { Report } from '../src/report/model.js'
import { ReportFileError, readReport } from '../src/report/read.js'
import { deviationOfMost, holm, median, rankSum } from '../src/report/statistics.js'
import { writeReport } from '../src/report/write.js'
import { report, roundsOf } from './fixtures/report.js'
import { cli } from './support/run.js'

const folder = mkdtempSync(join(tmpdir(), 'ipc-compare-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the rank-sum test', () => {
  /** As it is defined: over every way to choose which of the values are the first sample's. */
  function bruteForce(one: readonly number[], other: readonly number[]): number {
    const values = [...one, ...other]
    const rank = (value: number) => values.filter((v) => v < value).length + (values.filter((v) => v === value).length + 1) / 2
    const ranks = values.map(rank)
    const mean = (one.length * (values.length + 1)) / 2
    const distance = (sum: number) => Math.abs(sum - mean)
    const seen = distance(ranks.slice(0, one.length).reduce((a, b) => a + b, 0))
    let all = 0
    let asFar = 0
    for (let mask = 0; mask < 1 << values.length; mask++) {
      const chosen = ranks.filter((_, i) => (mask >> i) & 1)
      if (chosen.length !== one.length) continue
      all++
      if (distance(chosen.reduce((a, b) => a + b, 0)) >= seen) asFar++
    }
    return asFar / all
  }

  const sample = (most: number) => fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: most })

  test('is what counting out every choice gives', () => {
    fc.assert(
      fc.property(sample(6), sample(6), (one, other) => {
        expect(rankSum(one, other)).toBeCloseTo(bruteForce(one, other), 12)
      }),
      { numRuns: 200 },
    )
  })

  test('does not care which sample is the first, nor on which scale they are', () => {
    fc.assert(
      fc.property(sample(30), sample(30), (one, other) => {
        const p = rankSum(one, other)
        expect(p).toBeGreaterThanOrEqual(0)
        expect(p).toBeLessThanOrEqual(1)
        expect(rankSum(other, one)).toBeCloseTo(p, 9)
        const scale = (values: number[]) => values.map((value) => Math.exp(value))
        expect(rankSum(scale(one), scale(other))).toBeCloseTo(p, 9)
      }),
    )
  })

  test('is near the exact one where it is approximated', () => {
    // 20 and 20 are counted out; with one value more in each they are not, and the p hardly moves.
    const low = roundsOf(100, 21, 0.05)
    const high = roundsOf(102, 21, 0.05)
    const exact = rankSum(low.slice(0, 20), high.slice(0, 20))
    expect(exact).toBeGreaterThan(0.001)
    expect(Math.abs(Math.log(rankSum(low, high) / exact))).toBeLessThan(0.7)
  })

  test('of equal samples it is 1, of samples apart as small as their sizes allow', () => {
    expect(rankSum([3, 3, 3], [3, 3])).toBe(1)
    expect(rankSum(new Array(40).fill(7), new Array(40).fill(7))).toBe(1)
    expect(rankSum([1, 2, 3, 4, 5], [6, 7, 8, 9, 10])).toBeCloseTo(2 / 252, 12)
    const apart = rankSum(
      Array.from({ length: 60 }, (_, i) => i),
      Array.from({ length: 60 }, (_, i) => 100 + i),
    )
    expect(apart).toBeGreaterThan(0)
    expect(apart).toBeLessThan(1e-18)
  })
})

test('Holm’s correction multiplies by how many are left, and keeps the order', () => {
  expect(holm([0.01, 0.04, 0.03])).toEqual([0.03, 0.06, 0.06])
  expect(holm([0.5, 0.001])).toEqual([0.5, 0.002])
  expect(holm([])).toEqual([])
})

test('the deviation of most values does not see the others', () => {
  const most = Array.from({ length: 21 }, (_, i) => (i - 10) / 10)
  expect(deviationOfMost(most)).toBeCloseTo(1.6 / 2.563, 9)
  expect(deviationOfMost([...most, ...new Array(4).fill(50)])).toBeCloseTo(2 / 2.563, 9)
})

test('the median is the middle, or the mean of the two about it', () => {
  expect([median([3, 1, 2]), median([4, 1, 2, 3]), median([5])]).toEqual([2, 2.5, 5])
})

const FIRST = report.records.findIndex(({ adapter, workload }) => adapter === 'message-queue/sysv' && workload === 'round-trip')
const RATE = report.records.findIndex(({ adapter, workload }) => adapter === 'message-queue/sysv' && workload === 'throughput')
const FLOORED = report.records.findIndex(({ adapter, workload }) => adapter === 'pipe/anonymous' && workload === 'round-trip')

/** The report with one record changed. */
function changed(index: number, change: (record: Measured) => BenchRecord): Report {
  return { ...report, records: report.records.map((record, i) => (i === index && record.status === 'measured' ? change(record) : record)) }
}
const timesAs = (factor: number) => (record: Measured) => ({ ...record, rounds: record.rounds.map((figure) => factor * figure) })

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
    expect(isRegression(comparison)).toBe(false)
    expect(renderComparison(comparison)).toContain('no change by more than 5 %')
  })

  test('tells what is slower from what is faster, for times and for rates', () => {
    const cases = [
      [FIRST, 1.3, 'regressions', 1.3],
      [FIRST, 0.7, 'improvements', 0.7],
      [RATE, 0.5, 'regressions', 2],
      [RATE, 2, 'improvements', 0.5],
    ] as const
    for (const [index, factor, list, worse] of cases) {
      const comparison = compareReports(report, changed(index, timesAs(factor)))
      expect(comparison[list]).toHaveLength(1)
      expect(comparison[list][0]).toMatchObject({ conditions: { adapter: 'message-queue/sysv' } })
      expect(comparison[list][0]?.worse).toBeCloseTo(worse, 6)
      expect(comparison[list][0]?.p).toBeLessThan(0.01)
      expect(isRegression(comparison)).toBe(list === 'regressions')
    }
  })

  test('does not compare what no C ran beside where the scheduler placed the sides: nothing tells what befell the machine', () => {
    const index = report.records.findIndex(
      ({ mechanism, placement, workload, status }) =>
        mechanism === 'peer' && placement === 'free' && workload === 'round-trip' && status === 'measured',
    )
    const comparison = compareReports(report, changed(index, timesAs(2)))
    expect(comparison.regressions).toEqual([])
    expect(comparison.alone).toContainEqual(expect.objectContaining({ adapter: report.records[index]?.adapter, placement: 'free' }))
    expect(renderComparison(comparison)).toContain('Not compared: no C ran by turns with it')
  })

  test('takes a small change for none, however certain', () => {
    expect(isRegression(compareReports(report, changed(FIRST, timesAs(1.04))))).toBe(false)
    expect(isRegression(compareReports(report, changed(FIRST, timesAs(1.06))))).toBe(true)
  })

  test('takes a large change for none where the rounds scatter as much', () => {
    const wild = (seed: number) => (record: Measured) => ({
      ...record,
      rounds: roundsOf(2, 12, 0.9).map((figure, i) => figure * (1 + ((i * seed) % 3) / 3)),
    })
    const [from, to] = [changed(FIRST, wild(1)), changed(FIRST, wild(2))]
    expect(compareReports(from, to)).toMatchObject({ regressions: [], improvements: [] })
  })

  test('corrects for how many records there are', () => {
    // Six against six rounds that lie apart: p is 2/924, which means something alone, and nothing among a hundred.
    const six = (median: number) => (record: Measured) => ({ ...record, rounds: roundsOf(median, 6) })
    const [from, to] = [changed(FIRST, six(2)), changed(FIRST, six(3))]
    expect(isRegression(compareReports(from, to))).toBe(false)
    const alone = (whole: Report): Report => ({ ...whole, records: whole.records.filter((_, i) => i === FIRST) })
    expect(isRegression(compareReports(alone(from), alone(to)))).toBe(true)
  })

  test('compares ratios where C was run beside: a machine that drifts is no change', () => {
    const drifted = changed(FLOORED, (record) => ({
      ...timesAs(2)(record),
      ...(record.floor?.status === 'measured' && {
        floor: { ...record.floor, rounds: (record.floor.rounds ?? []).map((figure) => 2 * figure) },
      }),
    }))
    expect(compareReports(report, drifted)).toMatchObject({ regressions: [], improvements: [] })
    const slower = compareReports(report, changed(FLOORED, timesAs(1.2)))
    expect(slower.regressions).toMatchObject([{ unit: '× C', conditions: { adapter: 'pipe/anonymous' } }])
    expect(renderComparison(slower)).toMatch(
      /pipe\/anonymous, round trip, 64 B, same core, blocking: 1\.12 → 1\.34 × C \(20 % slower, p [^;]+; spin probe 170 → 170 ns\)/,
    )
  })

  test('says which state of the machine differed, instead of comparing its rounds', () => {
    const slow = changed(FIRST, (record) => ({ ...timesAs(3)(record), probesNs: roundsOf(830, 25) }))
    const comparison = compareReports(report, slow)
    expect(isRegression(comparison)).toBe(false)
    expect(comparison.states).toHaveLength(1)
    expect(renderComparison(comparison)).toMatch(/another state\n {2}message-queue\/sysv, round trip, .*: spin probe 17\d → 8\d\d ns/)
  })

  test('does not compare ratios to C across two states either, and tells of the machine whatever changed', () => {
    const other = changed(FLOORED, (record) => ({ ...timesAs(1.4)(record), probesNs: roundsOf(830, 25) }))
    const busy = { ...other, environment: { ...other.environment, load: 2.5 } }
    const comparison = compareReports({ ...report, environment: { ...report.environment, load: 0.25 } }, busy)
    expect(comparison).toMatchObject({ regressions: [], states: [{ conditions: { adapter: 'pipe/anonymous' } }] })
    expect(comparison.machine).toMatchObject({ load: { from: 0.25, to: 2.5 }, probes: [{ processors: 'one' }, { processors: 'two' }] })
    const text = renderComparison(comparison)
    expect(text).toMatch(
      /The machine\n {2}spin probe on one processor: 170 \(167 to 173\) → 17\d \(\d+ to \d+\) ns\n {2}spin probe between/,
    )
    expect(text).toContain('load before the run: 0.250 → 2.50')
  })

  test('takes for no change what most records did by themselves, and finds what moved farther', () => {
    const moved = (own: number): Report => ({
      ...report,
      records: report.records.map((record, i) =>
        record.status === 'measured' ? timesAs(i === FIRST ? own : 1 + 0.09 * Math.sin(1.7 * i))(record) : record,
      ),
    })
    expect(compareReports(report, moved(1.15))).toMatchObject({ regressions: [], improvements: [] })
    expect(compareReports(report, moved(2)).regressions).toMatchObject([{ conditions: { adapter: 'message-queue/sysv' } }])
    const all = { ...report, records: report.records.map((record) => (record.status === 'measured' ? timesAs(1.2)(record) : record)) }
    expect(compareReports(report, all).regressions.length).toBeGreaterThan(20)
  })

  test('compares the rounds of the state that both reports have', () => {
    // Every other round in the slow state, where all takes three times as long; what else changed is in `factor`.
    const moody = (factor: number) => (record: Measured) => ({
      ...record,
      rounds: roundsOf(factor * 2, 24).map((figure, i) => (i % 8 < 4 ? figure : 3 * figure)),
      probesNs: Array.from({ length: 49 }, (_, i) => (i % 16 < 8 ? 170 : 830)),
    })
    const steady = (record: Measured) => ({ ...record, rounds: roundsOf(2, 24), probesNs: roundsOf(170, 49) })
    expect(compareReports(changed(FIRST, steady), changed(FIRST, moody(1)))).toMatchObject({ regressions: [], states: [] })
    expect(compareReports(changed(FIRST, steady), changed(FIRST, moody(1.5))).regressions).toHaveLength(1)
  })

  test('a trial that fails now is a regression; one that is measured again is told', () => {
    const failing = changed(FIRST, ({ adapter, mechanism, workload, payloadBytes, placement, wait }) => ({
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
    expect(worse.broken).toMatchObject([{ reason: 'a wrong byte', conditions: { adapter: 'message-queue/sysv' } }])
    expect(isRegression(worse)).toBe(true)
    const better = compareReports(failing, report)
    expect(better.mended).toHaveLength(1)
    expect(isRegression(better)).toBe(false)
  })

  test('says what cannot be compared, and what of the environment differs', () => {
    const other = changed(FIRST, (record) => ({ ...record, rounds: [1, 2] }))
    const comparison = compareReports(report, {
      ...other,
      records: other.records.slice(0, -1),
      environment: { ...report.environment, node: 'v24.0.0' },
    })
    expect(comparison).toMatchObject({ unclear: [{ adapter: 'message-queue/sysv' }], unmatched: 1 })
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
    ['older', JSON.stringify({ ...report, version: 1 }), /is a report of version 1, and this reads version 2: measure again/],
    ['nothing', JSON.stringify({ ...report, records: [null] }), /is damaged: record 0 is no record/],
    [
      'unnamed',
      JSON.stringify({ ...report, records: [first, { ...first, workload: 'hovering' }] }),
      /record 1 has the unknown workload "hovering"/,
    ],
    ['inherited', JSON.stringify({ ...report, records: [{ ...first, placement: 'toString' }] }), /record 0 has an unknown placement/],
    ['texts', JSON.stringify({ ...report, records: [{ ...first, rounds: ['1'] }] }), /record 0 has no rounds/],
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
    const [old, slow] = [written('old', report), written('slow', changed(FIRST, timesAs(1.5)))]
    const same = await cli(['compare', old, old])
    expect(same).toMatchObject({ status: 0, stderr: '' })
    expect(same.stdout).toContain('no change')
    const worse = await cli(['compare', old, slow])
    expect(worse).toMatchObject({ status: 1, stderr: '' })
    expect(worse.stdout).toMatch(/^Slower\n {2}message-queue\/sysv, round trip/)
    const faster = await cli(['compare', slow, old, '--json'])
    expect(faster.status).toBe(0)
    expect(JSON.parse(faster.stdout)).toMatchObject({ regressions: [], improvements: [{ conditions: { adapter: 'message-queue/sysv' } }] })
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
