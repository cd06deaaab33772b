import { describe, expect, test } from 'vitest'
import type { BenchRecord, Ratio } from '../src/bench/record.js'
import type { Measured } from '../src/report/figures.js'
import type { Report } from '../src/report/model.js'
import { renderPerformance } from '../src/report/performance.js'
import { isReached, TARGETS } from '../src/report/targets.js'
import { report } from './fixtures/report.js'

/** The rows of the first table: mark, exchange, reach, measured. */
const rowsOf = (text: string): string[][] =>
  text
    .slice(text.indexOf('## What to reach'), text.indexOf('## Why'))
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| |') && !line.startsWith('| ---'))
    .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '')))

const rowOf = (text: string, exchange: string): string[] => rowsOf(text).find(([, title]) => title?.includes(exchange)) ?? []

const withRecords = (change: (record: Measured) => BenchRecord | undefined): Report => ({
  ...report,
  records: report.records.flatMap((record) => (record.status === 'measured' ? (change(record) ?? []) : [record])),
})
const withRatio = (ratio: Ratio) => (record: Measured) =>
  record.floor?.status === 'measured' ? { ...record, floor: { ...record.floor, ratio } } : record

describe('docs/performance.md', () => {
  test('has every row of what to reach, in order', () => {
    const rows = rowsOf(renderPerformance(report, ''))
    expect(rows.map(([, exchange]) => exchange)).toEqual(TARGETS.map(({ exchange }) => exchange))
    for (const row of rows) expect(row).toHaveLength(4)
  })

  test('says the farthest of the records that a row is about, with its interval, and who has no C beside it', () => {
    expect(rowOf(renderPerformance(report, ''), '`sync` round trip')).toEqual([
      '✓',
      '`sync` round trip of every mechanism with a system call per message, same core',
      '≤ 1.15 × C',
      'all of 8; farthest semaphore/posix, 0 B: ×1.14 (1.11–1.19) (without C: message-queue/sysv)',
    ])
  })

  test('tells what is reached from what is not', () => {
    const mark = (value: number, exchange: string) =>
      rowOf(renderPerformance(withRecords(withRatio({ value, low: value, high: value, launches: 4 })), ''), exchange)[0]
    expect([mark(1.25, 'ring, spinning'), mark(1.26, 'ring, spinning')]).toEqual(['✓', '✗'])
    expect([mark(0.95, '64 KiB, copied'), mark(0.94, '64 KiB, copied')]).toEqual(['✓', '✗'])
    expect([mark(0.9, 'POSIX and System V'), mark(0.89, 'POSIX and System V')]).toEqual(['✓', '✗'])
  })

  test('says of a row without records what it needs', () => {
    const none = renderPerformance(
      withRecords(() => undefined),
      '',
    )
    for (const [mark, , , measured] of rowsOf(none))
      expect([mark, measured]).toEqual(['?', expect.stringMatching(/^not in the report, needs /)])
  })

  test('compares the adaptive tail with C spinning, and throughput with the peers of equal payload', () => {
    const [tail] = TARGETS.find(({ exchange }) => exchange.includes('adaptive'))?.criteria[0]?.evidence(report) ?? []
    const ring = (wait: string) =>
      report.records.find(
        (record): record is Measured => record.status === 'measured' && record.wait === wait && record.workload === 'round-trip',
      )
    const floor = ring('spin')?.floor
    expect(tail?.value).toBe((ring('adaptive')?.timesUs?.p99 ?? 0) / (floor?.status === 'measured' ? (floor.timesUs?.p99 ?? 0) : 0))

    const ahead = TARGETS.flatMap(({ criteria }) => criteria).find(({ unit }) => unit === '× the fastest peer')
    const evidence = ahead?.evidence(report) ?? []
    expect(evidence.length).toBe(7)
    for (const { record, value } of evidence) {
      const peers = report.records.filter(
        (peer): peer is Measured =>
          peer.status === 'measured' &&
          peer.mechanism === 'peer' &&
          peer.workload === 'throughput' &&
          peer.payloadBytes === record.payloadBytes,
      )
      expect(value).toBeCloseTo(
        (record.messagesPerSecond ?? 0) / Math.max(...peers.map(({ messagesPerSecond = 0 }) => messagesPerSecond)),
        9,
      )
    }
  })

  test('says what the channel adds to a call, with its interval', () => {
    expect(rowOf(renderPerformance(report, ''), '`Channel` wrapper')).toEqual([
      '✗',
      'cost of the `Channel` wrapper over the raw native call',
      '≤ 50 ns a message',
      '1 of 2; farthest socket/tcp, 64 B: 62.5 (60.6–65.0) ns a message',
    ])
  })

  test('says from which change on another run would be found to differ', () => {
    expect(renderPerformance(report, '')).toMatch(/compare` tests \d+ of these records.* changed by \d+ % \(same core\)/)
    expect(renderPerformance({ ...report, records: [] }, '')).not.toContain('compare`')
  })

  test('takes the event loop for hot only where each side has a processor', () => {
    const hot = TARGETS.find(({ exchange }) => exchange.includes('while hot'))?.criteria[0]?.evidence(report) ?? []
    expect(hot.map(({ record: { adapter, placement, wait } }) => [adapter, placement, wait].join(' '))).toEqual([
      'shared-memory/ring cross-core poll',
    ])
    expect(hot[0]?.value).toBeLessThan(0.5)
  })

  test('garbage that is not a byte is none', () => {
    const garbage = TARGETS.at(-1)?.criteria[0]
    if (garbage === undefined) throw new Error('no such row')
    const one = withRecords((record) => ({ ...record, garbageBytesPerMessage: record.adapter === 'socket/tcp' ? 48 : 0.01 }))
    const missed = garbage.evidence(one).filter((evidence) => !isReached(garbage, evidence))
    expect(new Set(missed.map(({ record }) => record.adapter))).toEqual(new Set(['socket/tcp']))
  })

  test('names every record, includes the notes and says where it was measured', () => {
    const text = renderPerformance(report, '### The tail\n\nBecause.\n')
    expect(text).toContain('## Why, where it is not reached\n\n### The tail\n\nBecause.\n\n## Every record')
    expect(text).toContain('| ✓ | pipe/anonymous | 64 B | round trip | same core, blocking | ×1.12 (1.09–1.16) |')
    expect(text).toContain('- Processor: Example CPU @ 2.50GHz, virtualized')
    expect(text).not.toMatch(/NaN|undefined|Infinity/)
  })
})
