import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Outcome, packageFolder, run } from './support/run.js'

interface Manifest {
  dependencies: Record<string, string>
  bin: Record<string, string>
}
const manifest = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')) as Manifest

let folder: string
let files: string[]
const env = { npm_config_cache: '', npm_config_update_notifier: 'false' }

async function succeed(command: string, args: readonly string[], cwd: string): Promise<Outcome> {
  const outcome = await run(command, args, { cwd, env })
  expect(outcome.status, outcome.stderr).toBe(0)
  return outcome
}

// An empty project that has nothing but the packed package, and its dependencies from here.
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ipc-package-'))
  env.npm_config_cache = join(folder, 'cache')
  await succeed(process.execPath, ['scripts/prebuild.mjs'], packageFolder)
  const { stdout } = await succeed('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], packageFolder)
  const [packed] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }]
  files = packed.files.map(({ path }) => path)

  const project = join(folder, 'project')
  const modules = join(project, 'node_modules')
  mkdirSync(join(modules, 'ipc-playground'), { recursive: true })
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'user', version: '1.0.0', type: 'module' }))
  await succeed('tar', ['xzf', join(folder, packed.filename), '-C', join(modules, 'ipc-playground'), '--strip-components=1'], folder)
  for (const name of runtimeDependencies()) symlinkSync(join(packageFolder, 'node_modules', name), join(modules, name))
  cpSync(join(packageFolder, 'dist/demos/readme-example'), project, { recursive: true })
}, 120_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const runtimeDependencies = (): string[] => Object.keys(manifest.dependencies)

const inProject = (...args: string[]) => succeed(process.execPath, args, join(folder, 'project'))

test('holds what is needed, and nothing else', () => {
  for (const path of [
    'dist/src/index.js',
    'dist/src/index.d.ts',
    'dist/src/cli.js',
    'dist/demos/socket.js',
    'binding.gyp',
    'src/native/native.h',
    'README.md',
    'LICENSE',
  ])
    expect(files).toContain(path)
  expect(files.some((path) => /^prebuilds\/.*\.node$/.test(path))).toBe(true)
  expect(files.filter((path) => /^(test|dist\/test|build|reports|node_modules|\.)/.test(path) || path.endsWith('.map'))).toEqual([])
})

test("runs the README's example, with the addon that it brings", async () => {
  expect((await inProject('parent.js')).stdout).toMatch(/answered: HELLO\n$/)
})

test('brings the command line', async () => {
  const cli = join('node_modules/ipc-playground', manifest.bin['ipc-playground'] ?? '')
  expect((await inProject(cli, 'list')).stdout).toContain('socket/unix')
  expect((await inProject(cli, 'demo', 'socket')).stdout).toContain('has met the child')
})

test('has a sub-path an adapter', async () => {
  expect(
    (await inProject('-p', `import('ipc-playground/adapters/socket/unix').then((m) => console.log(m.default.id)) && ''`)).stdout,
  ).toContain('socket/unix')
})

test('builds the addon where none fits', async () => {
  const own = join(folder, 'project/node_modules/ipc-playground')
  rmSync(join(own, 'prebuilds'), { recursive: true })
  const cli = join('node_modules/ipc-playground', manifest.bin['ipc-playground'] ?? '')
  expect((await inProject(cli, 'doctor')).stdout).toContain('npx ipc-playground build')
  symlinkSync(join(packageFolder, 'node_modules', 'node-gyp'), join(folder, 'project/node_modules/node-gyp'))
  await inProject(cli, 'build')
  expect((await inProject('parent.js')).stdout).toMatch(/answered: HELLO\n$/)
}, 120_000)
