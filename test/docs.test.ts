/** What docs/mechanisms/*.md show can be compiled, checked and run; what is measured in them can be put in anew. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { mechanisms } from '../src/core/registry.js'
import { MATRIX_VERSION } from '../src/report/matrix.js'
import { fillMechanismPage } from '../src/report/mechanism-page.js'
import { report } from './fixtures/report.js'

const run = promisify(execFile)
const FOLDER = 'docs/mechanisms'
const PARTS = ['capabilities', 'limits', 'crash', 'figures']
const pages = readdirSync(FOLDER).map((file) => ({ mechanism: basename(file, '.md'), text: readFileSync(join(FOLDER, file), 'utf8') }))
const blocks = (text: string, language: string): string[] =>
  [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].filter(([, tag]) => tag === language).map(([, , code]) => code ?? '')

const matrix = {
  version: MATRIX_VERSION,
  createdAt: '2026-01-01T00:00:00.000Z',
  partial: false,
  host: { kernel: '6', node: 'v20', user: 0, capabilities: 'none' },
  cells: [],
} as const

let scratch = ''
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'docs-'))
})
afterAll(() => rmSync(scratch, { recursive: true }))

test('there is a page for each mechanism', async () => {
  expect(pages.map(({ mechanism }) => mechanism).sort()).toEqual((await mechanisms()).map(({ name }) => name).sort())
})

describe.each(pages)('$mechanism', ({ mechanism, text }) => {
  test('has what is declared and measured, once', () => {
    expect([...text.matchAll(/^<!-- (\w+) -->$/gm)].map(([, name]) => name)).toEqual(PARTS)
    const filled = fillMechanismPage(text, mechanism, report, matrix)
    expect(fillMechanismPage(filled, mechanism, report, matrix)).toBe(filled)
    expect(filled.replace(/^<!-- (\w+) -->$[\s\S]*?^<!-- \/\1 -->$/gm, '')).toBe(
      text.replace(/^<!-- (\w+) -->$[\s\S]*?^<!-- \/\1 -->$/gm, ''),
    )
  })

  test('its C compiles without a warning', async ({ skip }) => {
    await run('cc', ['--version']).catch(() => skip('no C compiler'))
    const sources = blocks(text, 'c')
    expect(sources).not.toHaveLength(0)
    for (const [index, source] of sources.entries()) {
      const file = join(scratch, `${mechanism}-${index}.c`)
      writeFileSync(file, source)
      await run('cc', ['-std=gnu11', '-D_GNU_SOURCE', '-Wall', '-Wextra', '-Werror', file, '-pthread', '-lrt', '-o', file.slice(0, -2)])
    }
  })

  test('its shell runs, and leaves nothing', async () => {
    const scripts = blocks(text, 'sh')
    expect(scripts).not.toHaveLength(0)
    const before = readdirSync(scratch)
    for (const script of scripts) await run('sh', ['-eu', '-c', script], { cwd: scratch, timeout: 20_000 })
    expect(readdirSync(scratch)).toEqual(before)
  })
})

test('a part that nobody knows, or without an end, is refused', () => {
  expect(() => fillMechanismPage('<!-- weather -->\n<!-- /weather -->\n', 'fifo', report, matrix)).toThrow('is no part')
  expect(() => fillMechanismPage('<!-- figures -->\n', 'fifo', report, matrix)).toThrow('has no end')
})

test.skipIf(process.env.FULL !== '1')(
  'docs/reference is what the doc comments say: make docs',
  async () => {
    const made = join(scratch, 'reference')
    await run('node_modules/.bin/typedoc', ['--options', 'typedoc.json', '--out', made], { cwd: 'docs' })
    const files = readdirSync(made, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.md'))
    expect(files.sort()).toEqual(
      readdirSync('docs/reference', { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.md'))
        .sort(),
    )
    for (const file of files) expect(readFileSync(join('docs/reference', file), 'utf8')).toBe(readFileSync(join(made, file), 'utf8'))
  },
  240_000,
)
