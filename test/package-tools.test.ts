/** The package under the tools of its users: compilers, a bundler, a checker of types. Slow: with FULL=1 only. */
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bring, succeed, Workshop } from './support/packed.js'
import { packageFolder, run } from './support/run.js'

const TYPESCRIPTS = ['5.7.3', '5.9.3', '7.0.2']
const NODE_TYPES = ['20.19.43', '26.6.6']
/** `module`, and the `moduleResolution` that it implies or is given with. */
const MODULES = [['node16'], ['nodenext'], ['esnext', '--moduleResolution', 'bundler']]
const STRICT = ['--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess', '--target', 'es2022', '--types', 'node']
const ESBUILD = '0.28.2'
const ATTW = '0.18.5'

const workshop = new Workshop()
const slow = process.env.FULL === '1'
let tarball: string

beforeAll(async () => {
  if (slow) ({ tarball } = await workshop.pack())
}, 60_000)
afterAll(() => workshop.remove())

const on = async (project: string, ...args: readonly string[]) => (await succeed(process.execPath, args, project)).stdout

describe.skipIf(!slow)('under tools', { timeout: 600_000 }, () => {
  test.for(TYPESCRIPTS)('its types compile with TypeScript %s, libraries checked', async (version, context) => {
    const tools = await workshop.install(context, `typescript-${version}`, [`typescript@${version}`])
    const tsc = join(tools, 'node_modules/typescript/bin/tsc')
    for (const types of NODE_TYPES) {
      const project = await workshop.projectWith(tarball, `typescript-${version}-${types}`)
      const declared = await workshop.install(context, `types-${version}-${types}`, [`@types/node@${types}`])
      cpSync(join(declared, 'node_modules'), join(project, 'node_modules'), { recursive: true })
      cpSync(join(packageFolder, 'test/fixtures/user-types.ts'), join(project, 'types.ts'))
      for (const module of MODULES)
        await on(project, tsc, '--noEmit', '--skipLibCheck', 'false', ...STRICT, '--module', ...module, 'types.ts')
    }
  })

  test('is bundled by esbuild, or left out of the bundle', async (context) => {
    const tools = await workshop.install(context, 'esbuild', [`esbuild@${ESBUILD}`])
    const esbuild = join(tools, 'node_modules/esbuild/bin/esbuild')
    const project = await workshop.projectWith(tarball, 'bundled')
    bring(project, 'user-exchange.js')
    const url = `unix://${join(project, 'x.sock')}`
    const bundles: readonly (readonly string[])[] = [
      ['--format=esm', '--outfile=whole.mjs'],
      ['--format=cjs', '--outfile=whole.cjs'],
      ['--format=esm', '--splitting', '--outdir=split', '--out-extension:.js=.mjs'],
      ['--format=esm', '--external:ipc-playground', '--outfile=external.mjs'],
      ['--format=cjs', '--packages=external', '--outfile=external.cjs'],
    ]
    for (const flags of bundles)
      await succeed(esbuild, ['user-exchange.js', '--bundle', '--platform=node', '--log-level=warning', ...flags], project)
    for (const bundle of ['whole.mjs', 'whole.cjs', 'split/user-exchange.mjs', 'external.mjs', 'external.cjs'])
      expect(await on(project, bundle, url), bundle).toBe(`${url} gave back hello\n`)

    // Taken away from the installed package a bundle loads, and says what it lacks.
    const alone = workshop.project('alone')
    for (const bundle of ['whole.mjs', 'whole.cjs']) {
      cpSync(join(project, bundle), join(alone, bundle))
      const { status, stderr } = await run(process.execPath, [bundle, url], { cwd: alone })
      expect([status, stderr]).toEqual([1, expect.stringMatching(/^ERR_IPC_UNAVAILABLE: .*--external:ipc-playground/)])
    }
  })

  test('has types that @arethetypeswrong/cli finds right', async (context) => {
    const tools = await workshop.install(context, 'attw', [`@arethetypeswrong/cli@${ATTW}`])
    const attw = join(tools, 'node_modules/@arethetypeswrong/cli/dist/index.js')
    await on(tools, attw, tarball, '--profile', 'esm-only')
  })
})
