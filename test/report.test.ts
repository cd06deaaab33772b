import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import type { BenchRecord } from '../src/bench/record.js'
import { formatBytes, formatCount, formatNumber } from '../src/report/format.js'
import { renderMarkdown } from '../src/report/markdown.js'
import { makeReport, modelOf, type Report } from '../src/report/model.js'
import { notesOn } from '../src/report/notes.js'
import { renderTerminal, terminalOptions } from '../src/report/terminal.js'
import { ReportFolderError, writeReport } from '../src/report/write.js'
import { HOSTILE, notRun, report } from './fixtures/report.js'
import { describePage } from './support/chromium.js'

const folder = mkdtempSync(join(tmpdir(), 'ipc-report-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
afterEach(() => {
  vi.unstubAllEnvs()
})

const model = modelOf(report)

describe('the model', () => {
  test('ranks rows only among those of equal placement and wait mode', () => {
    const blocking = [
      'semaphore/posix',
      'pipe/anonymous',
      'fifo/native',
      'message-queue/posix',
      'shared-memory/ring',
      'message-queue/sysv',
      'signal/realtime',
      'socket/unix',
      'socket/udp',
      'socket/tcp',
      'message-queue/posix-mq',
    ]
    expect(model.groups.map(({ placement, wait, rows }) => [placement, wait, rows.map((row) => row.adapter)])).toEqual([
      ['same-core', 'block', blocking],
      ['cross-core', 'block', blocking],
      [
        'free',
        'poll',
        [
          'semaphore/posix',
          'pipe/anonymous',
          'peer/net-unix',
          'fifo/native',
          'message-queue/posix',
          'shared-memory/ring',
          'message-queue/sysv',
          'peer/process-send-json',
          'pipe/stdio',
          'signal/realtime',
          'socket/unix',
          'socket/udp',
          'socket/tcp',
          'peer/zeromq-ipc',
          'message-queue/posix-mq',
          'peer/nats',
        ],
      ],
      ['cross-core', 'spin', ['shared-memory/ring']],
      ['cross-core', 'adaptive', ['shared-memory/ring']],
      ['cross-core', 'poll', ['shared-memory/ring']],
    ])
    for (const { placement, wait, rows } of model.groups) for (const row of rows) expect(row).toMatchObject({ placement, wait })
  })

  test('compares the smallest payload and 64 KiB, whatever else was measured', () => {
    const ring = model.groups[0]?.rows.find(({ adapter }) => adapter === 'shared-memory/ring')
    expect([ring?.payloadBytes, ring?.roundTrip, ring?.throughput, ring?.bulk]).toMatchObject([
      64,
      { payloadBytes: 64 },
      { payloadBytes: 64 },
      { payloadBytes: 65_536 },
    ])
  })

  test('says who is left out of a group and why', () => {
    const stdio = [{ adapter: 'pipe/stdio', reason: 'has no blocking calls, only the event loop' }]
    expect(model.groups.map(({ leftOut }) => leftOut)).toEqual([stdio, stdio, [], [], [], []])
  })

  test('says of the rows what a figure needs to be understood', () => {
    const [group, , , spinning] = model.groups
    if (group === undefined || spinning === undefined) throw new Error('no group')
    expect(notesOn(spinning)).toEqual([
      { adapters: ['shared-memory/ring'], status: 'measured', text: 'round trip: too short for the clock, so each time is the mean of 64' },
    ])
    expect(notesOn(group)).toEqual([
      { adapters: ['semaphore/posix'], status: 'impossible', text: '64 KiB throughput not measured: events carry no bytes' },
      {
        adapters: ['fifo/native'],
        status: 'measured',
        text: '64 KiB throughput: no ratio to C, whose side failed: the other side read a wrong byte',
      },
      { adapters: ['fifo/native'], status: 'failed', text: `throughput failed: ${HOSTILE}` },
      {
        adapters: ['message-queue/posix', 'message-queue/sysv'],
        status: 'impossible',
        text: '64 KiB throughput not measured: a message has at most 8192 bytes',
      },
      { adapters: ['signal/realtime'], status: 'impossible', text: '64 KiB throughput not measured: a message has at most 4 bytes' },
      { adapters: ['socket/udp'], status: 'measured', text: 'throughput: 17 of 33350 messages were lost, which this mechanism may do' },
      {
        adapters: ['socket/udp'],
        status: 'measured',
        text: '64 KiB throughput: 17 of 33350 messages were lost, which this mechanism may do',
      },
      { adapters: ['message-queue/posix-mq'], status: 'unavailable', text: 'unavailable: the native addon is not built' },
      { adapters: ['pipe/stdio'], status: 'impossible', text: 'not here: has no blocking calls, only the event loop' },
    ])
  })

  test('is partial where a trial was not run', () => {
    expect(report.partial).toBe(false)
    const [first] = report.records
    if (first === undefined) throw new Error('no record')
    const ended = makeReport({ ...report, createdAt: new Date(0), records: [notRun(first)] })
    expect(ended.partial).toBe(true)
    expect(renderTerminal(modelOf(ended))).toMatch(/^Partial:/)
    expect(renderMarkdown(modelOf(ended))).toContain('**Partial**')
  })

  test('has no table in which nothing was tried, and says of what is impossible why', () => {
    const spinning = report.records.filter(({ wait }) => wait === 'spin')
    const ended = makeReport({ ...report, createdAt: new Date(0), conformance: [], records: spinning.map(notRun) })
    expect(renderTerminal(modelOf(ended))).not.toContain('Cross core, spinning')
    const impossible = spinning.map((record) => ({
      ...notRun(record),
      status: 'impossible' as const,
      reason: 'a message has at most 4 bytes',
    }))
    const text = renderTerminal(modelOf(makeReport({ ...report, createdAt: new Date(0), conformance: [], records: impossible })))
    expect(text).toContain('shared-memory/ring: not here: a message has at most 4 bytes')
  })

  test('stands without any record', () => {
    const empty = modelOf(makeReport({ environment: report.environment, records: [] }))
    expect(empty.groups).toEqual([])
    expect(renderTerminal(empty)).toContain('Example CPU')
  })
})

test.each([
  [0, '0'],
  [0.01234, '0.0123'],
  [1.642, '1.64'],
  [99.96, '100'],
  [4321, '4321'],
])('%d is written %s', (value, text) => {
  expect(formatNumber(value)).toBe(text)
})

test.each([
  [12, '12.0'],
  [999.9, '1.00 k'],
  [830_123, '830 k'],
  [12_500_000, '12.5 M'],
])('a count of %d is written %s', (value, text) => {
  expect(formatCount(value)).toBe(text)
})

test('bytes are written in the largest whole unit', () => {
  expect([0, 4, 64, 65_536, 1 << 20, 4097].map(formatBytes)).toEqual(['0 B', '4 B', '64 B', '64 KiB', '1 MiB', '4097 B'])
})

describe('the terminal', () => {
  test('shows every column where there is room, and names placement and wait mode in each row', () => {
    const text = renderTerminal(model, { columns: 200 })
    expect(text).toMatch(/^adapter +size +RTT p50 +×C +p99 +p99.9 +msgs\/s +×C +GB\/s +CPU +core +wait +conformance$/m)
    expect(text).toMatch(/^pipe\/anonymous +64 B +1.65 +1.12 +3.13 +11.7 +2.37 M +0.89 +5.78 +1.25 +same +block +40 ✓ 1 ○$/m)
    expect(text).toMatch(/^fifo\/native .* failed .* 40 ✓ 1 ✗ 1 !$/m)
    expect(text).toMatch(/^message-queue\/posix-mq +64 B +unavailable +– +– +– +– +– .* unavailable$/m)
  })

  test('has no column of ratios where nothing was run in C', () => {
    const records = report.records.flatMap((record) => {
      if (record.status !== 'measured') return []
      const { floor, ...rest } = record
      return floor === undefined ? [record] : [rest]
    })
    expect(renderTerminal(modelOf({ ...report, records }), { columns: 200 })).toMatch(/^adapter +size +RTT p50 +p99 /m)
  })

  test('has a table of each other workload', () => {
    const text = renderTerminal(model, { columns: 200 })
    expect(text).toMatch(/^One way at a fixed rate$/m)
    expect(text).toMatch(/^shared-memory\/ring +64 B +7.60 +14.4 +54.0 +×1.30 \(1.26–1.35\) +20.0 k of 20.0 k .* free +event loop$/m)
    expect(text).toMatch(/^✗ socket\/node-ipc: failed: reached 11204 messages a second of 20000$/m)
    expect(text).toMatch(/^adapter +payload +1 sender +2 senders +4 senders +8 senders +placement +wait mode$/m)
    expect(text).toMatch(/^message-queue\/posix +17.0 .* 128 +88.0 KiB +4.00 +free +event loop$/m)
    expect(text).toMatch(/^shared-memory\/ring +64 B +0\.400 +363 +37\.5 \(36\.4–39\.0\) +0 +same core +spinning$/m)
    expect(text).toMatch(/^Throughput over the payload: same core, blocking$/m)
    expect(text).toMatch(/^adapter +64 B +1 KiB +4 KiB +64 KiB +1 MiB +16 MiB +ns\/B$/m)
    expect(renderMarkdown(model)).toContain('`message-queue/posix`: no more than 128 channels: fs.mqueue.queues\\_max is 256')
  })

  test('tells failures and what is unavailable a line each, and leaves the rest to report.md', () => {
    const text = renderTerminal(model, { columns: 200, details: 'report.md' })
    expect(text.match(/^✗ fifo\/native: throughput failed: .*$/gm)).toHaveLength(3)
    expect(text).toMatch(/^ {2}✗ fifo\/native, promise 4, a full FIFO waits: /m)
    expect(text).toMatch(/^ {2}! fifo\/native, promise 9, try never waits: the package queues$/m)
    expect(text.match(/^Unavailable here: .*$/gm)).toEqual([
      'Unavailable here: message-queue/posix-mq: the native addon is not built',
      'Unavailable here: peer/nats: nats-server is not installed: apt-get install nats-server',
    ])
    expect(text).not.toContain('has no blocking calls')
    expect(text).toContain('8 remarks on what cannot be measured: see report.md')
    expect(renderMarkdown(model)).toContain('has no blocking calls')
    expect(renderTerminal(model, { columns: 200 })).toContain('pipe/stdio: not here: has no blocking calls')
  })

  test.each([100, 120, 160])('names placement and wait mode in each row of %i columns', (columns) => {
    expect(renderTerminal(model, { columns })).toMatch(/^pipe\/anonymous .* same +block\b/m)
    expect(renderTerminal(model, { columns })).toMatch(/^pipe\/anonymous .* free +poll\b/m)
  })

  test.each([60, 80, 100, 120, 160])('fits its %i columns', (columns) => {
    const words = HOSTILE.split(/\s/).map((word) => word.length)
    for (const line of renderTerminal(model, { columns }).split('\n')) expect(line.length).toBeLessThanOrEqual(Math.max(columns, ...words))
  })

  test('has colours only where asked, and the same text with them', () => {
    const plain = renderTerminal(model, { columns: 120 })
    const painted = renderTerminal(model, { columns: 120, color: true })
    expect(plain).not.toContain('\x1b')
    expect(painted).toContain('\x1b[')
    expect(stripVTControlCharacters(painted)).toBe(plain)
  })

  test('colours a terminal, but no file, and none with NO_COLOR', () => {
    vi.stubEnv('NO_COLOR', '')
    expect(terminalOptions({ isTTY: true, columns: 90 })).toEqual({ columns: 90, color: true })
    expect(terminalOptions({})).toMatchObject({ color: false })
    vi.stubEnv('NO_COLOR', '1')
    expect(terminalOptions({ isTTY: true, columns: 90 })).toMatchObject({ color: false })
  })
})

test('the Markdown has whole tables and no markup of others', () => {
  const text = renderMarkdown(model)
  const tables = text.split(/\n\n/).filter((part) => part.startsWith('|'))
  expect(tables.length).toBeGreaterThan(10)
  for (const table of tables)
    expect(
      new Set(
        table
          .trim()
          .split('\n')
          .map((line) => line.split(/(?<!\\)\|/).length),
      ).size,
    ).toBe(1)
  expect(text).not.toContain('<script')
  expect(text).toContain('a\\|b \\`c\\` &lt;b&gt;\\*d\\*&lt;/b&gt; &amp;')
  expect(text).toContain(
    '| pipe/anonymous | 64 B | 1.65 | ×1.12 (1.09–1.16) | 3.13 | 11.7 | 2.37 M | ×0.89 (0.87–0.93) | 5.78 | 1.25 | same core | blocking | 40 ✓ 1 ○ |',
  )
})

describe('the folder', () => {
  test('holds the three forms, whatever was there; other files stay', () => {
    const target = join(folder, 'a', 'latest')
    writeReport({ ...report, createdAt: 'before' }, target)
    writeFileSync(join(target, 'notes.txt'), 'mine')
    const written = writeReport(report, target)
    expect(readdirSync(target).sort()).toEqual(['index.html', 'notes.txt', 'report.json', 'report.md'])
    expect(JSON.parse(readFileSync(written.json, 'utf8'))).toEqual(report)
    expect(readFileSync(written.markdown, 'utf8')).toBe(renderMarkdown(model))
  })

  test('that cannot be written is named in the error', () => {
    const file = join(folder, 'file')
    writeFileSync(file, '')
    expect(() => writeReport(report, join(file, 'latest'))).toThrow(ReportFolderError)
    expect(() => writeReport(report, join(file, 'latest'))).toThrow(/cannot write the report to .*latest \(.*choose another folder/)
  })
})

describePage(
  () => writeReport(report, join(folder, 'page')).html,
  (open) => {
    const choose = (page: Page, choices: Readonly<Record<string, string>>) =>
      Promise.all(
        Object.entries(choices).map(([name, value]) => page.locator(`input[name="${name}"][value="${value}"]`).check({ force: true })),
      )
    const visibleRecords = (page: Page) =>
      page.evaluate<number[]>(
        `[...document.querySelectorAll('tr[data-record]:not([hidden])')].map((row) => Number(row.dataset.record)).sort((a, b) => a - b)`,
      )
    const indexesOf = (fits: (record: BenchRecord) => boolean) => report.records.flatMap((record, i) => (fits(record) ? [i] : []))
    /** What each visible chart draws: the figures of its datasets, and the records that they are of. */
    const drawn = (page: Page) =>
      page.evaluate<{ chart: string; label: string; data: unknown[]; records: BenchRecord[] }[]>(`
      [...document.querySelectorAll('figure:not([hidden]) canvas')].flatMap((canvas) =>
        Chart.getChart(canvas).data.datasets.map(({ label, data, records }) => ({ chart: canvas.dataset.chart, label, data, records })))`)

    test('opens without a complaint, asks nothing of the network, and runs no script of others', async () => {
      const { page, complaints } = await open()
      expect(await page.title()).toBe('IPC on this machine')
      expect(await page.locator('canvas:visible').count()).toBe(10)
      expect(complaints).toEqual([])
      await page.close()
    })

    test('shows the figures of report.json', async () => {
      const { page } = await open()
      // Expressions, since what runs in the page has other types than what runs here.
      const embedded = await page.evaluate<Report>(`JSON.parse(document.getElementById('report').textContent)`)
      expect(embedded).toEqual(JSON.parse(readFileSync(join(folder, 'page', 'report.json'), 'utf8')))
      const cells = await page.evaluate<[number, string, number][]>(`
      [...document.querySelectorAll('td[data-value]')].map((cell) => [
        Number(cell.closest('tr').dataset.record), cell.dataset.figure, Number(cell.dataset.value)])`)
      const expected = report.records.flatMap((record, i) => {
        if (record.status !== 'measured') return []
        const { timesUs, floor, switchesPerMessage, rate, idle, wrapper } = record
        return [
          [i, 'p50', timesUs?.p50],
          [i, 'p99', timesUs?.p99],
          [i, 'p999', timesUs?.p999],
          [i, 'max', timesUs?.max],
          [i, 'rate', record.messagesPerSecond],
          [i, 'bulk', record.gigabytesPerSecond],
          [i, 'ratio', floor?.status === 'measured' ? floor.ratio.value : undefined],
          [i, 'reached', rate?.reached],
          [i, 'channels', idle?.channels],
          [i, 'memory', idle?.bytesPerChannel],
          [i, 'descriptors', idle?.descriptorsPerChannel],
          [i, 'endpoint', wrapper?.endpointNs],
          [i, 'added', wrapper?.addedNs.value],
          [i, 'cpu', record.cpuUsPerMessage],
          [i, 'voluntary', switchesPerMessage?.voluntary],
          [i, 'involuntary', switchesPerMessage?.involuntary],
          [i, 'syscalls', record.syscallsPerMessage],
          [i, 'garbage', record.garbageBytesPerMessage],
          [i, 'rss', record.peakRssBytes],
          [i, 'lost', record.lost === 0 ? undefined : record.lost],
        ].filter(([, , value]) => value !== undefined)
      })
      const order = (list: unknown[]) => list.map((entry) => JSON.stringify(entry)).sort()
      expect(order(cells)).toEqual(order(expected))
      // Every record has its row, also what was not measured, with the reason.
      expect(await page.locator('tr[data-record]').count()).toBe(report.records.length)
      const [nats] = indexesOf(({ adapter }) => adapter === 'peer/nats')
      expect(await page.locator(`tr[data-record="${nats}"]`).textContent()).toContain('nats-server is not installed')
      await page.close()
    })

    test('the filters filter every chart and table at once', async () => {
      const { page, complaints } = await open()
      // At first the conditions with the most beside C, for others do not compare.
      expect(await page.evaluate("Chart.getChart('chart-rtt').data.datasets.map(({ label }) => label)")).toEqual(['µs', 'the same in C'])
      expect(await visibleRecords(page)).toEqual(indexesOf(({ placement, wait }) => placement === 'free' && wait === 'poll'))
      const steps: [Readonly<Record<string, string>>, (record: BenchRecord) => boolean][] = [
        [{ placement: 'cross-core' }, ({ placement, wait }) => placement === 'cross-core' && wait === 'poll'],
        [{ wait: 'spin' }, ({ placement, wait }) => placement === 'cross-core' && wait === 'spin'],
        [{ placement: 'all', wait: 'block' }, ({ wait }) => wait === 'block'],
        [{ size: '65536' }, ({ wait, payloadBytes }) => wait === 'block' && payloadBytes === 65_536],
        [{ size: '64', wait: 'all' }, ({ payloadBytes }) => payloadBytes <= 64],
      ]
      for (const [choices, fits] of steps) {
        await choose(page, choices)
        expect(await visibleRecords(page)).toEqual(indexesOf(fits))
        for (const { records } of await drawn(page)) expect(records.filter((record) => !fits(record))).toEqual([])
      }
      await page.locator('#everything').click()
      expect(await visibleRecords(page)).toEqual(indexesOf(() => true))
      await page.getByRole('button', { name: 'none' }).click()
      expect(await visibleRecords(page)).toEqual([])
      expect(await page.locator('canvas:visible').count()).toBe(0)
      expect(await page.locator('#setting').textContent()).toBe('Nothing was measured with these filters.')
      expect(await page.locator('.none:visible').count()).toBe(7)
      await page.locator('input[name="mechanism"][value="fifo"]').check({ force: true })
      expect(await visibleRecords(page)).toEqual(indexesOf(({ mechanism }) => mechanism === 'fifo'))
      expect(await page.locator('#conformance tr[data-mechanism]:visible').count()).toBe(1)
      expect(complaints).toEqual([])
      await page.close()
    })

    test('the keyboard filters, too, and reads the records of a chart', async () => {
      const { page, complaints } = await open()
      await page.locator('input[name="placement"]:checked').focus()
      await page.keyboard.press('ArrowLeft')
      expect(await visibleRecords(page)).toEqual(indexesOf(({ placement, wait }) => placement === 'cross-core' && wait === 'poll'))
      await page.keyboard.press('ArrowRight')
      const chart = page.locator('#chart-rtt')
      await chart.focus()
      await page.keyboard.press('ArrowDown')
      expect(await page.locator('#record').textContent()).toMatch(
        /^semaphore\/posix, 0 B, free, event loop; p50 µs: 7.75; .*× C \(95 % interval\): ×1.14 /,
      )
      await page.keyboard.press('ArrowUp')
      expect(await page.locator('#record').textContent()).toMatch(/^peer\/zeromq-ipc, 64 B/)
      await page.keyboard.press('Escape')
      expect(await page.locator('#record').textContent()).toBe('')
      expect(complaints).toEqual([])
      await page.close()
    })

    test('pointing at a bar shows its record', async () => {
      const { page } = await open()
      await page.evaluate(`document.getElementById('chart-rtt').scrollIntoView({ block: 'center' })`)
      const box = await page.locator('#chart-rtt').boundingBox()
      if (box === null) throw new Error('no chart')
      await page.mouse.move(box.x + 300, box.y + 24)
      const body = await page.evaluate<string[]>(`Chart.getChart('chart-rtt').tooltip.body.flatMap(({ lines }) => lines)`)
      expect(body).toContain('p50 µs: 7.75')
      expect(body.join()).toContain('C: p50 6.80 µs')
      await page.close()
    })

    test('a mark of the conformance table tells its cases when it is chosen, and again when not', async () => {
      const { page, complaints } = await open()
      const why = page.locator('#why')
      expect(await why.isVisible()).toBe(false)
      await page.locator('.mark .failed').click()
      expect(await why.textContent()).toContain('fifo/native, promise 4: nothing dropped when full')
      expect(await why.textContent()).toContain(`✗ a full FIFO waits: ${HOSTILE}`)
      await page.locator('.mark .failed').click()
      expect(await why.isVisible()).toBe(false)
      expect(complaints).toEqual([])
      await page.close()
    })

    test('draws the figures of report.json', async () => {
      const { page } = await open()
      await choose(page, { placement: 'same-core', wait: 'block' })
      const charts = await drawn(page)
      const figures = (chart: string, at = 0) => {
        const dataset = charts.filter((other) => other.chart === chart)[at]
        return (dataset?.records ?? []).map((record, i) => [record, dataset?.data[i]] as const)
      }
      const measured = (record: BenchRecord) => (record.status === 'measured' ? record : undefined)
      const floor = (record: BenchRecord) =>
        record.status === 'measured' && record.floor?.status === 'measured' ? record.floor : undefined
      expect(figures('rtt').length).toBe(10)
      for (const [record, value] of figures('rtt')) expect(value).toBe(measured(record)?.timesUs?.p50)
      for (const [record, value] of figures('rtt', 1)) expect(value).toBe(floor(record)?.timesUs?.p50 ?? null)
      for (const [record, value] of figures('ratio')) expect(value).toBe(floor(record)?.ratio.value)
      for (const [record, value] of figures('ratio', 1)) expect(value).toEqual([floor(record)?.ratio.low, floor(record)?.ratio.high])
      for (const [record, value] of figures('rate-ratio')) expect(value).toBe(floor(record)?.ratio.value)
      for (const [record, value] of figures('rate')) expect(value).toBe(measured(record)?.messagesPerSecond)
      for (const [record, value] of figures('cost'))
        expect(value).toEqual({ x: measured(record)?.timesUs?.p50, y: measured(record)?.cpuUsPerMessage })
      for (const [record, value] of figures('sizes'))
        expect(value).toEqual({ x: record.payloadBytes, y: measured(record)?.gigabytesPerSecond })
      for (const [i, [record, value]] of figures('percentiles').entries())
        expect(value).toMatchObject({
          percentile: measured(record)?.timesUs?.curve?.[i]?.[0],
          y: measured(record)?.timesUs?.curve?.[i]?.[1],
        })
      await page.close()
    })

    test('the chooser answers otherwise where the needs are others, and says why', async () => {
      const { page, complaints } = await open()
      const taken = () => page.locator('#answer ol > li').evaluateAll((items) => items.map((item) => item.getAttribute('data-adapter')))
      const answer = page.locator('#answer')
      const first = await taken()
      expect(first[0]).toBe('pipe/anonymous')
      expect(await answer.textContent()).toContain('round trip of 64 B: 8.21 µs (free, event loop)')
      await choose(page, { spin: 'yes' })
      expect((await taken())[0]).toBe('shared-memory/ring')
      expect(await answer.textContent()).toContain('(cross core, spinning)')
      await choose(page, { hosts: 'many' })
      expect(await taken()).toEqual(['socket/tcp', 'socket/udp'])
      expect(await answer.textContent()).toContain('mind: loses what it has no room for')
      await page.locator('summary').click()
      expect(await page.locator('#answer details').textContent()).toContain('pipe/anonymous stays on one host')
      await choose(page, { payloadBytes: '16777216', kind: 'stream' })
      expect(await taken()).toEqual(['socket/tcp'])
      expect(complaints).toEqual([])
      await page.close()
    })

    test.each([
      { name: 'light', colorScheme: 'light', width: 1280 },
      { name: 'dark', colorScheme: 'dark', width: 1280 },
      { name: 'phone', colorScheme: 'dark', width: 390 },
    ] as const)('is readable in $name', async ({ colorScheme, width }) => {
      const { page, complaints } = await open({ colorScheme, width })
      // Only tables scroll sideways, each in its own frame.
      expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
      const [ink, paper] = await page.evaluate<[string, string]>(
        `[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]`,
      )
      expect(contrast(ink, paper)).toBeGreaterThan(7)
      expect(complaints).toEqual([])
      await page.close()
    })
  },
)

/** WCAG 2 contrast of two `rgb(…)`. */
function contrast(one: string, other: string): number {
  const luminance = (color: string) => {
    const [r = 0, g = 0, b = 0] = (color.match(/[\d.]+/g) ?? []).map((channel) => {
      const c = Number(channel) / 255
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a)
  return (light + 0.05) / (dark + 0.05)
}

test('the report needs nothing that runs anything', () => {
  const imports = readdirSync('src/report')
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) =>
      [...readFileSync(join('src/report', name), 'utf8').matchAll(/^import (?!type\b).*from '([^']+)'/gm)].map((match) => match[1] ?? ''),
    )
  expect(imports.filter((name) => !/^(node:(crypto|fs|path)|\.\/[\w-]+\.js|\.\.\/statistics\/[\w-]+\.js)$/.test(name))).toEqual([])
})
