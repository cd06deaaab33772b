import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CellResult } from 'ipc-playground/matrix'
import { afterAll, describe, expect, test } from 'vitest'
import { MATRIX_VERSION, type MatrixReport } from '../../src/report/matrix.js'
import { renderMatrixMarkdown } from '../../src/report/matrix-markdown.js'
import { renderMatrixTerminal } from '../../src/report/matrix-terminal.js'
import { ReportFileError, readMatrix } from '../../src/report/read.js'
import { writeMatrix, writeReport } from '../../src/report/write.js'
import { HOSTILE, report } from '../fixtures/report.js'
import { describePage } from '../support/chromium.js'

const folder = mkdtempSync(join(tmpdir(), 'ipc-matrix-report-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const cell = (property: string, subject: CellResult['subject'], rest: Partial<CellResult>): CellResult => ({
  property,
  name: 'full-blocking',
  title: 'Full, blocking mode',
  group: 'C. Capacity',
  subject,
  adapter: subject === 'pipe' ? 'pipe/anonymous' : 'signal/standard',
  verdict: 'pass',
  prediction: { value: 'blocks', detail: 'sleeps in pipe_write', cite: 'pipe(7)' },
  steps: [],
  ms: 3,
  ...rest,
})

/** One cell of each verdict. */
const matrix: MatrixReport = {
  version: MATRIX_VERSION,
  createdAt: '2026-11-21T10:00:00.000Z',
  partial: true,
  host: { kernel: 'linux 6.18 x64', libc: '2.36', node: 'v20.0.0', user: 0, capabilities: '1ff' },
  cells: [
    cell('P13', 'pipe', {
      observation: { value: 'blocks', figures: { bytes: 65_536 } },
      steps: [
        { kind: 'intent', text: 'The pipe is filled.' },
        { kind: 'action', role: 'sender', pid: 4711, text: 'write(1) = 65536' },
        { kind: 'observation', text: HOSTILE },
      ],
    }),
    cell('P13', 'sig', { verdict: 'differs', reason: 'expected no: coalesces, observed queues', observation: { value: 'queues' } }),
    cell('P14', 'pipe', { verdict: 'skipped', reason: 'there is no user namespace' }),
    cell('P14', 'sig', { verdict: 'not-applicable', reason: 'a signal has no length', observation: { value: 'n/a' } }),
    cell('P15', 'pipe', { verdict: 'failed', reason: HOSTILE }),
  ],
}

const plain = (_: unknown, text: string) => text

describe('the grid in a terminal', () => {
  test('tells each verdict apart, and why of those that are no pass', () => {
    const text = renderMatrixTerminal(matrix, plain)
    expect(text).toMatch(/^ +pipe +sig$/m)
    expect(text).toMatch(/^P13 Full, blocking mode +✓ +✗$/m)
    expect(text).toMatch(/^P14 Full, blocking mode +○ +–$/m)
    expect(text).toMatch(/✓ 1 .*✗ 1 .*! 1 .*○ 1 .*– 1 /)
    expect(text).toMatch(/^✗ P13 sig: expected no: coalesces, observed queues$/m)
    expect(text).toMatch(/^○ P14 pipe: there is no user namespace$/m)
    expect(text).toContain('Partial')
  })

  test('numbers its columns where it is narrow', () => {
    const text = renderMatrixTerminal(matrix, plain, 60)
    expect(text).toContain('1 pipe  2 sig')
    for (const line of text.split('\n').filter((line) => /^(P\d\d| +1)/.test(line))) expect(line.length).toBeLessThanOrEqual(60)
  })
})

test('the Markdown is a whole table of what was seen, without markup of others', () => {
  const text = renderMatrixMarkdown(matrix)
  expect(text).toContain('| property | pipe | sig |')
  expect(text).toContain('| **P13** Full, blocking mode | ✓ blocks | ✗ queues |')
  expect(text).toContain('observed queues (pipe(7))')
  expect(text).not.toContain('<script')
})

describe('the folder', () => {
  test('keeps both: figures and matrix are pages of one file, whichever comes last', () => {
    const target = join(folder, 'both')
    const pages = () => {
      const html = readFileSync(join(target, 'index.html'), 'utf8')
      return [html.includes('id="figures"'), html.includes('id="matrix"')]
    }
    writeMatrix(matrix, target)
    expect(pages()).toEqual([false, true])
    writeReport(report, target)
    expect(pages()).toEqual([true, true])
    writeMatrix(matrix, target)
    expect(pages()).toEqual([true, true])
    expect(readdirSync(target).sort()).toEqual(['index.html', 'matrix.json', 'matrix.md', 'report.json', 'report.md'])
    expect(readMatrix(join(target, 'matrix.json'))).toEqual(matrix)
  })

  test.each([
    ['cut off', JSON.stringify(matrix).slice(0, 500)],
    ['of something else', '{}'],
    ['of another version', JSON.stringify({ ...matrix, version: 99 })],
    ['with a damaged cell', JSON.stringify({ ...matrix, cells: [{ ...matrix.cells[0], verdict: 'perhaps' }] })],
  ])('with a matrix.json %s still takes the figures', (_, text) => {
    const target = mkdtempSync(join(folder, 'damaged-'))
    writeFileSync(join(target, 'matrix.json'), text)
    expect(() => readMatrix(join(target, 'matrix.json'))).toThrow(ReportFileError)
    const { html } = writeReport(report, target)
    expect(readFileSync(html, 'utf8')).not.toContain('id="matrix"')
  })
})

describePage(
  () => {
    const target = join(folder, 'page')
    writeReport(report, target)
    return writeMatrix(matrix, target).html
  },
  (open) => {
    test('shows figures first, the matrix when it is chosen, and complains of nothing', async () => {
      const { page, complaints } = await open()
      const seen = () => Promise.all([page.locator('#figures').isVisible(), page.locator('#matrix').isVisible()])
      expect(await seen()).toEqual([true, false])
      await page.locator('nav a[href="#matrix"]').click()
      expect(await seen()).toEqual([false, true])
      await page.locator('nav a[href="#figures"]').click()
      expect(await seen()).toEqual([true, false])
      expect(complaints).toEqual([])
      await page.close()
    })

    test('tells the story of a cell that is chosen, and text of others stays text', async () => {
      const { page, complaints } = await open({ hash: '#matrix' })
      await page.getByRole('button', { name: 'P13 pipe: as the documents say' }).click()
      const dialog = page.locator('dialog')
      const story = await dialog.innerText()
      for (const part of [
        'blocks',
        'sleeps in pipe_write',
        'The pipe is filled.',
        'sender 4711',
        'write(1) = 65536',
        'bytes: 65536',
        'pipe(7)',
      ])
        expect(story).toContain(part)
      expect(story).toContain('<script>document.title')
      expect(await page.title()).toBe('IPC on this machine')
      await dialog.getByRole('button', { name: 'Close' }).click()
      expect(await dialog.isVisible()).toBe(false)
      await page.getByRole('button', { name: 'P13 sig: differs from the documents' }).click()
      expect(await dialog.innerText()).toContain('observed queues')
      expect(complaints).toEqual([])
      await page.close()
    })

    test('hides the verdicts that are not chosen', async () => {
      const { page } = await open({ hash: '#matrix' })
      const differing = page.locator('[data-cell="1"]')
      expect(await differing.isVisible()).toBe(true)
      await page.locator('#verdicts input[value="differs"]').uncheck({ force: true })
      expect(await differing.isVisible()).toBe(false)
      expect(await page.locator('[data-cell="0"]').isVisible()).toBe(true)
      await page.close()
    })

    test.each(['light', 'dark'] as const)('fits a phone in %s: only the table scrolls sideways', async (colorScheme) => {
      const { page } = await open({ hash: '#matrix', width: 390, colorScheme })
      expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390)
      await page.close()
    })
  },
)
