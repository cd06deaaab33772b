/** What others write with `ipc-playground/testing` and `ipc-playground/adapter`: a package of its own, compiled and run as such. */
import assert from 'node:assert/strict'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineAdapter, registerAdapter } from 'ipc-playground/adapter'
import { conformanceCases, runConformance } from 'ipc-playground/testing'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { adapterById, adapterByScheme } from '../src/core/registry.js'
import { packageFolder, run } from './support/run.js'

let folder: string

const inPackage = async (...args: string[]) => {
  const outcome = await run(process.execPath, args, { cwd: folder })
  assert.equal(outcome.status, 0, `${outcome.stdout}${outcome.stderr}`)
  return outcome.stdout
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ipc-outsider-'))
  cpSync(join(packageFolder, 'test/fixtures/outsider-package'), folder, { recursive: true })
  const modules = join(folder, 'node_modules')
  mkdirSync(modules)
  symlinkSync(packageFolder, join(modules, 'ipc-playground'))
  for (const name of ['@types', 'undici-types']) symlinkSync(join(packageFolder, 'node_modules', name), join(modules, name))
  const compiled = await run(join(packageFolder, 'node_modules/.bin/tsc'), ['-p', '.'], { cwd: folder })
  assert.equal(compiled.status, 0, compiled.stdout)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('a package of its own', () => {
  test('proves its adapter with a test runner: every promise', { timeout: 240_000 }, async () => {
    const tap = await inPackage('--test', '--test-reporter=tap', 'dist/conformance.test.js')
    for (const { promise, title } of conformanceCases) assert(tap.includes(`extra/stdio › ${promise}: ${title}\n`), title)
    assert.match(tap, new RegExp(`^# pass ${conformanceCases.length}$`, 'm'))
  })

  test('proves it without one', { timeout: 60_000 }, async () => {
    const lines = (await inPackage('dist/prove.js', 'extra-stdio')).trim().split('\n')
    assert.equal(lines.length, conformanceCases.filter(({ promise }) => promise === 1).length)
    for (const line of lines) assert.match(line, /^1: .*: (passed|absent, .*)$/)
  })

  test('is told which promise its adapter breaks', { timeout: 60_000 }, async () => {
    const lines = (await inPackage('dist/prove.js', 'hangs-up')).trim().split('\n')
    const failed = lines.filter((line) => line.includes(': failed, '))
    assert.equal(failed.length, 1, lines.join('\n'))
    assert.match(failed[0] ?? '', /^1: end closes one direction, and the other keeps flowing: failed, /)
  })

  test('starts peers over its adapter, which they need not import', async () => {
    assert.equal(await inPackage('dist/parent.js'), 'HELLO\n')
  })

  test('is what docs/testing.md shows', () => {
    const page = readFileSync(join(packageFolder, 'docs/testing.md'), 'utf8')
    for (const file of ['jobs.ts', 'jobs.test.ts', 'extra-stdio.ts', 'conformance.test.ts', 'prove.ts'])
      assert(page.includes(`\`\`\`ts\n// ${file}\n${readFileSync(join(folder, 'src', file), 'utf8')}\`\`\`\n`), file)
  })

  test('tests its own code with a pair in memory', async () => {
    assert.match(await inPackage('--test', '--test-reporter=tap', 'dist/jobs.test.js'), /^# pass 2\n# fail 0$/m)
  })
})

describe('registerAdapter', () => {
  const toy = async (id: string, scheme: string) => {
    const model = await adapterById('pipe/stdio')
    return defineAdapter({ ...model, id: id as 'pipe/stdio', scheme })
  }

  test('makes an id and a scheme known, once', async () => {
    const adapter = registerAdapter(await toy('toy/one', 'toy-one'), 'file:///one.js')
    assert.equal(registerAdapter(adapter, 'file:///one.js'), adapter, 'a module that is evaluated again')
    assert.equal(await adapterById('toy/one'), adapter)
    assert.equal(await adapterByScheme('toy-one'), adapter)
    const [sameId, sameScheme] = [await toy('toy/one', 'toy-two'), await toy('toy/two', 'toy-one')]
    for (const other of [sameId, sameScheme]) assert.throws(() => registerAdapter(other, 'file:///two.js'), TypeError)
    await assert.rejects(adapterById('toy/onne'), /did you mean 'toy\/one'\?/)
    await assert.rejects(adapterByScheme('toy-onne'), /did you mean 'toy-one'\?/)
  })

  test('replaces none of ours, and the suite says so', async () => {
    const ours = await adapterById('pipe/stdio')
    const adapter = registerAdapter(await toy('toy/three', ours.scheme), 'file:///three.js')
    assert.equal(await adapterByScheme(ours.scheme), ours)
    const { results } = await runConformance(adapter, { only: ({ title }) => title === 'its id and its scheme lead to it' })
    assert.deepEqual(
      results.map(({ promise, status }) => ({ promise, status })),
      [{ promise: 1, status: 'failed' }],
    )
    await assert.rejects(runConformance(await toy('pipe/stdio', 'x')), TypeError)
    await assert.rejects(runConformance('toy/nobody'), TypeError)
  })
})
