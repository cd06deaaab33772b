/** The package as it is published: what it holds, and that it works without the registry, a compiler or a prebuilt addon. */
import { cpSync, existsSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bring, manifest, succeed, Workshop } from './support/packed.js'
import { packageFolder, run } from './support/run.js'

const workshop = new Workshop()
let packed: Awaited<ReturnType<Workshop['pack']>>
let project: string

beforeAll(async () => {
  packed = await workshop.pack()
  project = await workshop.projectWith(packed.tarball, 'project')
  cpSync(join(packageFolder, 'dist/demos/readme-example'), project, { recursive: true })
  bring(project, 'user-parent.js', 'echo-peer.js')
}, 60_000)
afterAll(() => workshop.remove())

const inProject = (args: readonly string[], env?: NodeJS.ProcessEnv) => succeed(process.execPath, args, project, env)
const cli = join('node_modules/ipc-playground', manifest.bin['ipc-playground'])

const NEEDED = [
  /^(package\.json|README\.md|CHANGELOG\.md|LICENSE|binding\.gyp|scripts\/native-sources\.mjs)$/,
  /^dist\/(src|demos)\/.*\.js$/,
  /^dist\/src\/(adapters?|core|layers|matrix|stage|native|sync|testing|index)\b.*\.d\.ts$/,
  /^dist\/src\/(matrix|report)\/assets\/[^/]+\.(css|json)$/,
  /^src\/(native|adapters\/[^/]+|stage\/actor)\/(?!floor)[^/]+\.[ch]$/,
  /^prebuilds\/linux-(x64|arm64)\/node\.napi\.glibc\.node$/,
  /^include\/[^/]+\.h$/,
  /^python\/[^/]+\.py$/,
  /^docs\/(mechanisms\/|reference\/(ipc-playground\/)?)?[^/]+\.md$/,
]

describe('the tarball', () => {
  test('holds what is needed, and nothing else', () => {
    expect(packed.files.filter((path) => !NEEDED.some((pattern) => pattern.test(path)))).toEqual([])
    const essential = [
      'dist/src/index.js',
      'dist/src/index.d.ts',
      'dist/src/cli.js',
      'dist/demos/socket.js',
      `prebuilds/linux-${process.arch}/node.napi.glibc.node`,
      'binding.gyp',
      'src/native/native.h',
      'src/stage/actor/main.c',
      'README.md',
      'LICENSE',
    ]
    expect(essential.filter((path) => !packed.files.includes(path))).toEqual([])
  })

  test('has less than 1.1 MB', () => {
    expect(packed.size).toBeLessThan(1_100_000)
  })

  test('runs no script where it is installed, nor does a package that it needs', () => {
    expect(manifest.gypfile).toBe(false)
    expect(Object.keys(manifest.scripts).filter((name) => /install|^prepare$/.test(name))).toEqual([])
    const { packages } = JSON.parse(readFileSync(join(packageFolder, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { dev?: boolean; devOptional?: boolean; optional?: boolean; peer?: boolean; hasInstallScript?: boolean }>
    }
    const needed = Object.entries(packages).filter(([, { dev, devOptional, optional, peer }]) => !(dev || devOptional || optional || peer))
    expect(needed.map(([path]) => path)).toContain('node_modules/node-gyp-build')
    expect(needed.filter(([path, { hasInstallScript }]) => path !== '' && hasInstallScript)).toEqual([])
  })

  test('has entries that publint finds right', async () => {
    const { buffer } = new Uint8Array(readFileSync(packed.tarball))
    const { messages, pkg } = await publint({ pack: { tarball: buffer }, strict: true })
    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([])
  })

  test('has types that compile by themselves', async () => {
    cpSync(join(packageFolder, 'test/fixtures/user-types.ts'), join(project, 'types.ts'))
    symlinkSync(join(packageFolder, 'node_modules/@types'), join(project, 'node_modules/@types'))
    const tsc = join(packageFolder, 'node_modules/typescript/bin/tsc')
    await inProject([tsc, '--noEmit', '--strict', '--skipLibCheck', 'false', '--module', 'nodenext', '--types', 'node', 'types.ts'])
  })
})

describe.for(['x64', 'arm64'])('the prebuilt addon for linux-%s', (arch) => {
  const file = join(packageFolder, `prebuilds/linux-${arch}/node.napi.glibc.node`)
  const readelf = async (flag: string) => (await succeed('readelf', ['-W', flag, file], packageFolder)).stdout
  const missing = existsSync(file) ? undefined : 'there is no compiler for it'

  test.skipIf(missing !== undefined)(`is for that machine${missing === undefined ? '' : `: ${missing}`}`, async () => {
    expect(await readelf('--file-header')).toMatch(arch === 'x64' ? /Machine:.*X86-64/ : /Machine:.*AArch64/)
  })

  test.skipIf(missing !== undefined)(`needs no newer C library than glibc 2.34${missing === undefined ? '' : `: ${missing}`}`, async () => {
    const versions = [...(await readelf('--version-info')).matchAll(/GLIBC_2\.(\d+)/g)].map(([, minor]) => Number(minor))
    expect(versions.length).toBeGreaterThan(0)
    expect(Math.max(...versions)).toBeLessThanOrEqual(34)
  })
})

describe('in a project', () => {
  test("runs the README's example, with the addon that it brings", async () => {
    expect((await inProject(['parent.js'])).stdout).toMatch(/answered: HELLO\n$/)
  })

  test('brings the command line', async () => {
    expect((await inProject([cli, 'list'])).stdout).toContain('socket/unix')
    expect((await inProject([cli, 'demo', 'socket'])).stdout).toContain('has met the child')
  })

  test('has a sub-path an adapter', async () => {
    const script = `import('ipc-playground/adapters/socket/unix').then((m) => console.log(m.default.id)) && ''`
    expect((await inProject(['-p', script])).stdout).toContain('socket/unix')
  })
})

describe('without a prebuilt addon for this C library', () => {
  // node-gyp-build looks no further.
  const env = { LIBC: 'musl' }

  test('loads, and runs what is not native', async () => {
    expect((await inProject(['user-parent.js', 'pipe/stdio'], env)).stdout).toBe('pipe/stdio gave back the same\n')
  })

  test('says of what is native how it is built', async () => {
    const script = `import('ipc-playground').then((m) => m.listen('unix:///x')).catch((e) => console.log(e.code, e.message)) && ''`
    expect((await inProject(['-p', script], env)).stdout).toMatch(
      /ERR_IPC_UNAVAILABLE socket\/unix: the native addon does not load .*; run `npx ipc-playground build`/,
    )
    const { status, stderr } = await run(process.execPath, [cli, 'cell', 'P30', 'svsem'], { cwd: project })
    expect([status, stderr]).toEqual([2, expect.stringContaining('the actor was not built; run `npx ipc-playground build`')])
  })

  test('builds it, without a compiler for C++', async () => {
    symlinkSync(join(packageFolder, 'node_modules/node-gyp'), join(project, 'node_modules/node-gyp'))
    await inProject([cli, 'build'], { CXX: 'false' })
    expect(readdirSync(join(project, 'node_modules/ipc-playground/build'))).toContain('actor')
    expect((await inProject(['parent.js'], env)).stdout).toMatch(/answered: HELLO\n$/)
  }, 120_000)
})
