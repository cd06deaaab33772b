import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { PrivateRunFolder } from './support/census.js'
import { cli, cliFile, start } from './support/run.js'

let place: PrivateRunFolder
beforeEach(() => {
  place = new PrivateRunFolder()
})
afterEach(() => place.remove())

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }

describe('help and wrong use', () => {
  test('--help shows every command and examples', async () => {
    const { status, stdout } = await cli(['--help'])
    expect(status).toBe(0)
    for (const command of [
      'list',
      'demo',
      'show',
      'bench',
      'report',
      'matrix',
      'cell',
      'quiz',
      'compare-crash',
      'doctor',
      'build',
      'clean',
    ])
      expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'))
    expect(stdout).toContain('Examples:')
    expect(stdout).toContain('Exit status:')
  })

  test('--version', async () => {
    expect((await cli(['--version'])).stdout).toBe(`${version}\n`)
  })

  test.each([
    [[]],
    [['nonsense']],
    [['list', '--nonsense']],
    [['demo']],
    [['bench', '--budget', 'soon']],
  ])('%j is wrong use: status 2, on standard error', async (args) => {
    const { status, stdout, stderr } = await cli(args, place.env)
    expect(status).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).not.toBe('')
  })

  test.each([
    ['demo', 'sokcet', 'socket'],
    ['show', 'socket/unxi', 'socket/unix'],
    ['bench', 'pip', 'pipe'],
    ['report', 'pipes', 'pipe'],
  ])('%s %s suggests %s', async (command, name, suggested) => {
    const { status, stderr } = await cli([command, name], place.env)
    expect(status).toBe(2)
    expect(stderr).toContain(`did you mean '${suggested}'?`)
    expect(stderr).not.toContain('    at ')
  })
})

describe('list and doctor', () => {
  test('list --json has every adapter once, under its mechanism', async () => {
    const { status, stdout } = await cli(['list', '--json'])
    expect(status).toBe(0)
    const all = JSON.parse(stdout) as {
      mechanism: string
      summary: string
      adapters: { adapter: string; scheme: string; capabilities: object }[]
    }[]
    for (const { mechanism, adapters } of all) for (const { adapter } of adapters) expect(adapter.startsWith(`${mechanism}/`)).toBe(true)
    const ids = all.flatMap(({ adapters }) => adapters.map(({ adapter }) => adapter))
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids).toContain('socket/unix')
  })

  test('no colours where standard output is no terminal', async () => {
    expect((await cli(['list'])).stdout).not.toContain('\x1b')
    expect((await cli(['doctor'], place.env)).stdout).not.toContain('\x1b')
  })

  test('doctor says what runs, the limits and the state of the addon', async () => {
    const { status, stdout } = await cli(['doctor'], place.env)
    expect(status).toBe(0)
    for (const word of [
      'socket/unix',
      'RLIMIT_NOFILE',
      'RLIMIT_SIGPENDING',
      '/dev/shm',
      'processors',
      'native addon',
      'user namespaces',
      '/dev/net/tun',
      'network namespaces',
      place.folder,
    ])
      expect(stdout).toContain(word)
  })

  test('doctor --json is data', async () => {
    const { adapters, links, facts } = JSON.parse((await cli(['doctor', '--json'], place.env)).stdout)
    expect(adapters).toContainEqual({ adapter: 'socket/unix' })
    expect(links.map(({ backend }: { backend: string }) => backend)).toEqual(['wire', 'gate', 'netem'])
    expect(facts).toContainEqual(expect.objectContaining({ name: 'native addon', value: 'loaded' }))
  })

  test('a run folder that others may enter is reported, not used', async () => {
    const { status, stdout } = await cli(['doctor'], { XDG_RUNTIME_DIR: '/dev/null/nowhere' })
    expect(status).toBe(0)
    expect(stdout).toContain('run folder')
  })
})

describe('clean', () => {
  test('says when there is nothing', async () => {
    expect(await cli(['clean'], place.env)).toEqual({ status: 0, stdout: 'nothing was left behind\n', stderr: '' })
  })

  test('removes what a killed process left, and says so', async () => {
    const server = start(process.execPath, ['--input-type=module', '-e', listener(place.folder)], { env: place.env })
    await server.shown('listening')
    server.child.kill('SIGKILL')
    await server.ended
    const socket = join(place.folder, 'left.sock')
    expect(existsSync(socket)).toBe(true)
    const { status, stdout } = await cli(['clean', '--json'], place.env)
    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toContainEqual({ kind: 'file', name: socket })
    expect(place.entries()).toEqual([])
  })

  test('leaves alone what a living process holds', async () => {
    const server = start(process.execPath, ['--input-type=module', '-e', listener(place.folder)], { env: place.env })
    await server.shown('listening')
    writeFileSync(join(place.folder, 'of-somebody'), '')
    expect((await cli(['clean'], place.env)).stdout).toBe('nothing was left behind\n')
    expect(existsSync(join(place.folder, 'left.sock'))).toBe(true)
    expect(existsSync(join(place.folder, 'of-somebody'))).toBe(true)
    server.child.kill('SIGKILL')
    await server.ended
  })
})

const listener = (folder: string): string => `
  import { listen } from 'ipc-playground'
  await listen({ adapter: 'socket/unix', path: '${folder}/left.sock' })
  console.log('listening')`

describe('interrupted', () => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s during a demo ends with %i and leaves nothing', async (signal, status) => {
    const demo = start(process.execPath, [cliFile, 'demo', 'socket'], { env: place.env })
    await demo.shown('has met the child')
    demo.child.kill(signal)
    expect((await demo.ended).status).toBe(status)
    expect(place.processes()).toEqual([])
    expect(place.entries()).toEqual([])
  })

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)(
    '%s during report ends with %i, leaves nothing, and keeps what is done, marked as partial',
    async (signal, status) => {
      const folder = join(place.folder, '..', 'report')
      const report = start(process.execPath, [cliFile, 'report', 'pipe/anonymous', '--folder', folder, '--budget', '30'], {
        env: place.env,
      })
      await report.shown('round-trip of')
      report.child.kill(signal)
      expect((await report.ended).status).toBe(status)
      expect(place.processes()).toEqual([])
      expect(place.entries()).toEqual([])
      expect(JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8'))).toMatchObject({ partial: true })
    },
    60_000,
  )
})
