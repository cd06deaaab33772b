/** Another mechanism is one new folder and no other edit: it is found by the list, the suite and the bench's plan. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { test } from 'vitest'

const run = promisify(execFile)

// dist/test/ -> the package
const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

const MECHANISM = `
import { defineMechanism } from '../../core/adapter.js'

export default defineMechanism({
  name: 'toy',
  summary: 'an eighth mechanism, for a test',
  variants: { tube: { scheme: 'toy', load: () => import('./tube.js') } },
})
`

const ADAPTER = `
import { defineAdapter } from '../../core/adapter.js'
import { StreamEndpoint } from '../../core/descriptor-endpoint.js'
import pipe from '../pipe/anonymous.js'
import { joinPipes, offerPipes } from '../pipe/inherited.js'

declare module '../../core/channel.js' {
  interface Adapters {
    'toy/tube': Record<never, never>
  }
}

const context = { adapter: 'toy/tube' } as const
const over = (readFd: number, writeFd: number) => new StreamEndpoint(readFd, writeFd, context)

export default defineAdapter({
  id: 'toy/tube',
  scheme: 'toy',
  summary: 'pipes under another name',
  capabilities: { ...pipe.capabilities },
  unavailable: pipe.unavailable,
  parse: () => ({}),
  format: () => 'toy:',
  offer: () => offerPipes(0, context, over),
  join: (first) => joinPipes(first, context, over),
})
`

const PROGRAM = `
import { existsSync } from 'node:fs'
import { adapterIds } from './dist/src/core/registry.js'
import { runConformance, subjectOf } from './dist/src/testing/index.js'
const report = await runConformance('toy/tube', { only: ({ title }) => /both ways|byte-identical|is null|complete/.test(title) })
const found = { ids: await adapterIds(), results: report.results }
if (existsSync('dist/src/bench/plan.js')) {
  const { planComparison } = await import('./dist/src/bench/plan.js')
  const { adapterById } = await import('./dist/src/core/registry.js')
  const subjects = await Promise.all(found.ids.map(async (id) => {
    const adapter = await adapterById(id)
    return { id, capabilities: adapter.capabilities, thread: subjectOf(adapter).threads }
  }))
  found.plan = planComparison(subjects)
}
process.stdout.write(JSON.stringify(found))
`

test('a toy adapter’s folder is found by the list, the conformance run and the bench’s plan', async () => {
  const copy = mkdtempSync(join(tmpdir(), 'ipc-run-'))
  try {
    for (const part of ['src', 'scripts', 'package.json', 'tsconfig.json', 'build', 'prebuilds'])
      if (existsSync(join(root, part))) cpSync(join(root, part), join(copy, part), { recursive: true })
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
    mkdirSync(join(copy, 'src/adapters/toy'))
    writeFileSync(join(copy, 'src/adapters/toy/index.ts'), MECHANISM)
    writeFileSync(join(copy, 'src/adapters/toy/tube.ts'), ADAPTER)
    await run(process.execPath, ['scripts/generate-adapters.mjs'], { cwd: copy })
    await run(join(root, 'node_modules/.bin/tsc'), [], { cwd: copy }).catch(({ stdout }) => assert.fail(stdout))
    writeFileSync(join(copy, 'program.mjs'), PROGRAM)
    const { stdout } = await run(process.execPath, ['program.mjs'], { cwd: copy, maxBuffer: 1 << 26 })
    const found = JSON.parse(stdout) as { ids: string[]; results: { title: string; status: string; reason?: string }[]; plan?: unknown }
    assert(found.ids.includes('toy/tube'))
    assert(found.results.length >= 4)
    for (const { title, status, reason } of found.results) assert(status === 'passed' || status === 'absent', `${title}: ${reason}`)
    if (found.plan !== undefined) assert(JSON.stringify(found.plan).includes('toy/tube'))
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
})
