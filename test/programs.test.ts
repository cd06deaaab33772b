/** docs/programs.md shows every program as it is, and what it prints. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { PrivateRunFolder } from './support/census.js'
import { cli, packageFolder, run } from './support/run.js'

const FOLDER = join(packageFolder, 'demos', 'programs')
const page = readFileSync(join(packageFolder, 'docs', 'programs.md'), 'utf8')
const sections = page.split(/^## /m).slice(1)
const names = sections.map((section) => section.slice(0, section.indexOf('\n')))
const fences = (text: string, language: string): string[] =>
  [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].filter(([, tag]) => tag === language).map(([, , code]) => code ?? '')
/** Figures differ from run to run. */
const withoutFigures = (text: string): string => text.replaceAll(/ +\d+(\.\d+)?(?= ms| MB)/g, ' N')

let place: PrivateRunFolder
beforeEach(() => {
  place = new PrivateRunFolder()
})
afterEach(() => place.remove())

test('every program has a section', () => {
  expect([...names].sort()).toEqual(readdirSync(FOLDER).sort())
})

describe.each(sections.map((section, i) => ({ name: names[i] ?? '', section })))('$name', ({ name, section }) => {
  test('the page has its code', () => {
    const files = [...section.matchAll(/^\[(\S+\.ts)\]/gm)].map(([, file]) => file ?? '')
    expect([...files].sort()).toEqual(readdirSync(join(FOLDER, name)).sort())
    const sources = files.map((file) => readFileSync(join(FOLDER, name, file), 'utf8').replace(/^\/\*\*.*\*\/\n/, ''))
    expect(fences(section, 'ts').map((code) => code.trimEnd())).toEqual(sources.map((code) => code.trimEnd()))
  })

  test('prints what the page says, and leaves nothing', async () => {
    const [printed = ''] = fences(section, 'text')
    // Less than the 100 MB of the page are enough to see what comes first.
    const { status, stdout, stderr } =
      name === 'head-of-line'
        ? await run(process.execPath, [join(packageFolder, 'dist', 'demos', 'programs', name, 'main.js'), '20'], { env: place.env })
        : await cli(['demo', name], place.env)
    expect(stderr).toBe('')
    expect(status).toBe(0)
    expect(withoutFigures(stdout).trimEnd()).toBe(withoutFigures(printed).trimEnd())
    expect(place.processes()).toEqual([])
    // What a program killed has left its ledger to whoever comes next.
    expect(await cli(['clean'], place.env)).toMatchObject({ status: 0 })
    expect(place.entries()).toEqual([])
  })
})
