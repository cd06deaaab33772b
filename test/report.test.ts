import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { formatBytes, formatCount, formatNumber } from '../src/report/format.js'
import { renderMarkdown } from '../src/report/markdown.js'
import { makeReport, modelOf, notesOn, type Report } from '../src/report/model.js'
import { renderTerminal, terminalOptions } from '../src/report/terminal.js'
import { ReportFolderError, writeReport } from '../src/report/write.js'
import { HOSTILE, report } from './fixtures/report.js'

const folder = mkdtempSync(join(tmpdir(), 'ipc-report-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
afterEach(() => {
  vi.unstubAllEnvs()
})

const model = modelOf(report)

describe('the model', () => {
  test('ranks rows only among those of equal placement and wait mode', () => {
    expect(model.groups.map(({ placement, wait, rows }) => [placement, wait, rows.map((row) => row.adapter)])).toEqual([
      [
        'same-core',
        'block',
        [
          'shared-memory/ring',
          'pipe/anonymous',
          'fifo/native',
          'message-queue/posix',
          'message-queue/sysv',
          'socket/unix',
          'socket/udp',
          'semaphore/posix',
        ],
      ],
      [
        'free',
        'poll',
        [
          'shared-memory/ring',
          'pipe/anonymous',
          'fifo/native',
          'message-queue/posix',
          'message-queue/sysv',
          'socket/unix',
          'socket/udp',
          'pipe/stdio',
          'semaphore/posix',
        ],
      ],
    ])
    for (const { placement, wait, rows } of model.groups) for (const row of rows) expect(row).toMatchObject({ placement, wait })
  })

  test('says who is left out of a group and why', () => {
    expect(model.groups.map(({ leftOut }) => leftOut)).toEqual([
      [{ adapter: 'pipe/stdio', reason: 'has no blocking calls, only the event loop' }],
      [],
    ])
  })

  test('says of the rows what a figure needs to be understood', () => {
    const [group] = model.groups
    if (group === undefined) throw new Error('no group')
    expect(notesOn(group)).toEqual([
      { adapters: ['shared-memory/ring'], status: 'measured', text: 'round trip: too short for the clock, so each time is the mean of 64' },
      { adapters: ['fifo/native'], status: 'failed', text: `throughput failed: ${HOSTILE}` },
      {
        adapters: ['message-queue/posix', 'message-queue/sysv'],
        status: 'impossible',
        text: '64 KiB throughput not measured: a message has at most 8192 bytes',
      },
      { adapters: ['socket/udp'], status: 'measured', text: 'throughput: 17 of 33350 messages were lost, which this mechanism may do' },
      {
        adapters: ['socket/udp'],
        status: 'measured',
        text: '64 KiB throughput: 17 of 33350 messages were lost, which this mechanism may do',
      },
      { adapters: ['semaphore/posix'], status: 'unavailable', text: 'unavailable: the native addon is not built' },
      { adapters: ['pipe/stdio'], status: 'impossible', text: 'not here: has no blocking calls, only the event loop' },
    ])
  })

  test('is partial where a trial was not run', () => {
    expect(report.partial).toBe(false)
    const [first] = report.records
    if (first === undefined) throw new Error('no record')
    const { adapter, mechanism, workload, payloadBytes, placement, wait } = first
    const ended = makeReport({
      ...report,
      createdAt: new Date(0),
      records: [{ adapter, mechanism, workload, payloadBytes, placement, wait, status: 'not-run', reason: 'ended' }],
    })
    expect(ended.partial).toBe(true)
    expect(renderTerminal(modelOf(ended))).toMatch(/^Partial:/)
    expect(renderMarkdown(modelOf(ended))).toContain('**Partial**')
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
    expect(text).toMatch(/^adapter +size +RTT p50 +p99 +p99.9 +msgs\/s +GB\/s +CPU +core +wait +conformance$/m)
    expect(text).toMatch(/^pipe\/anonymous +64 B +1.64 +3.11 +11.7 +2.40 M +5.90 +1.25 +same +block +40 ✓ 1 ○$/m)
    expect(text).toMatch(/^fifo\/native .* failed .* 40 ✓ 1 ✗ 1 !$/m)
    expect(text).toMatch(/^semaphore\/posix +64 B +unavailable +– +– +– +– +– .* unavailable$/m)
  })

  test('tells failures and what is unavailable a line each, and leaves the rest to report.md', () => {
    const text = renderTerminal(model, { columns: 200, details: 'report.md' })
    expect(text.match(/^✗ fifo\/native: throughput failed: .*$/gm)).toHaveLength(2)
    expect(text).toMatch(/^ {2}✗ fifo\/native, promise 4, a full FIFO waits: /m)
    expect(text).toMatch(/^ {2}! fifo\/native, promise 9, try never waits: the package queues$/m)
    expect(text.match(/^Unavailable here: .*$/gm)).toEqual(['Unavailable here: semaphore/posix: the native addon is not built'])
    expect(text).not.toContain('has no blocking calls')
    expect(text).toContain('6 remarks on what cannot be measured: see report.md')
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
  const widths = text
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) => line.split(/(?<!\\)\|/).length)
  expect(new Set(widths)).toEqual(new Set([13, 4]))
  expect(text).not.toContain('<script')
  expect(text).toContain('a\\|b \\`c\\` &lt;b&gt;\\*d\\*&lt;/b&gt; &amp;')
  expect(text).toContain('| pipe/anonymous | 64 B | 1.64 | 3.11 | 11.7 | 2.40 M | 5.90 | 1.25 | same core | blocking | 40 ✓ 1 ○ |')
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

const CHROMIUM = '/usr/bin/chromium'
const missing = existsSync(CHROMIUM) ? undefined : `needs ${CHROMIUM}: apt-get install chromium`

describe.skipIf(missing !== undefined)(`the page in Chromium${missing === undefined ? '' : ` (${missing})`}`, () => {
  let browser: Browser
  let html: string
  beforeAll(async () => {
    html = writeReport(report, join(folder, 'page')).html
    browser = await chromium.launch({
      executablePath: CHROMIUM,
      env: { ...process.env, GSETTINGS_BACKEND: 'memory' }, // dconf keeps a folder
      args: [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
      ],
    })
  }, 60_000)
  afterAll(() => browser?.close())

  async function open(options: { width?: number; colorScheme?: 'light' | 'dark' } = {}): Promise<{ page: Page; complaints: string[] }> {
    const page = await browser.newPage({
      viewport: { width: options.width ?? 1280, height: 900 },
      colorScheme: options.colorScheme ?? 'light',
    })
    const complaints: string[] = []
    page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`))
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('request', (request) => {
      if (!/^(file|data):/.test(request.url())) complaints.push(`requests ${request.url()}`)
    })
    await page.goto(pathToFileURL(html).href)
    return { page, complaints }
  }

  test('opens without a complaint, asks nothing of the network, and runs no script of others', async () => {
    const { page, complaints } = await open()
    expect(await page.title()).toBe('IPC on this machine')
    expect(await page.locator('canvas:visible').count()).toBe(6)
    expect(complaints).toEqual([])
    await page.close()
  })

  test('shows the figures of report.json', async () => {
    const { page } = await open()
    // Expressions, since what runs in the page has other types than what runs here.
    const embedded = await page.evaluate<Report>(`JSON.parse(document.getElementById('report').textContent)`)
    expect(embedded).toEqual(JSON.parse(readFileSync(join(folder, 'page', 'report.json'), 'utf8')))
    const cells = await page.evaluate<{ group: string; adapter: string; column: string; value: number }[]>(`
      [...document.querySelectorAll('td[data-value]')].map((cell) => ({
        group: cell.closest('section').id,
        adapter: cell.closest('tr').dataset.adapter,
        column: cell.dataset.column,
        value: Number(cell.dataset.value),
      }))`)
    const expected = report.records.flatMap((record) => {
      if (record.status !== 'measured') return []
      const at = { group: `${record.placement}-${record.wait}`, adapter: record.adapter }
      const { rttUs } = record
      if (rttUs !== undefined)
        return [
          { ...at, column: 'p50', value: rttUs.p50 },
          { ...at, column: 'p99', value: rttUs.p99 },
          { ...at, column: 'p999', value: rttUs.p999 },
          { ...at, column: 'cpu', value: record.cpuUsPerMessage },
        ]
      return record.payloadBytes > 64
        ? [{ ...at, column: 'bulk', value: record.gigabytesPerSecond }]
        : [{ ...at, column: 'rate', value: record.messagesPerSecond }]
    })
    const order = (list: object[]) => list.map((entry) => JSON.stringify(entry, ['group', 'adapter', 'column', 'value'])).sort()
    expect(order(cells.filter(({ column }) => column !== 'payload'))).toEqual(order(expected))
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

  test('draws the figures of the table', async () => {
    const { page } = await open()
    const drawn = await page.evaluate<{ group: string; chart: string; adapters: string[]; data: number[] }[]>(`
      [...document.querySelectorAll('canvas')].map((canvas) => {
        const { data } = Chart.getChart(canvas)
        return { group: canvas.closest('section').id, chart: canvas.dataset.chart, adapters: data.labels, data: data.datasets[0].data }
      })`)
    for (const { group, chart, adapters, data } of drawn) {
      const column = chart === 'rtt' ? 'p50' : chart
      expect(adapters.length).toBeGreaterThan(4)
      for (const [i, adapter] of adapters.entries()) {
        const cell = page.locator(`[id="${group}"] tr[data-adapter="${adapter}"] td[data-column="${column}"]`)
        expect(Number(await cell.getAttribute('data-value'))).toBe(data[i])
      }
    }
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
})

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
  expect(imports.filter((name) => !/^(node:(crypto|fs|path)|\.\/[\w-]+\.js)$/.test(name))).toEqual([])
})
