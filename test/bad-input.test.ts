/** What a user can get wrong, and the clear error for it: the same for every adapter. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { chmodSync, chownSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  type Address,
  connect,
  IpcError,
  isIpcError,
  joinParent,
  listen,
  openReceiver,
  openSender,
  type Server,
  spawnPeer,
} from 'ipc-playground'
import { describe, test } from 'vitest'
import { adapterById, adapterIds } from '../src/core/registry.js'

const NOBODY = 65534
const ids = await adapterIds()
const adapters = await Promise.all(ids.map(adapterById))
const runnable = adapters.filter((adapter) => adapter.unavailable() === undefined)
const ways: ((address: Address) => Promise<unknown>)[] = [
  (address) => listen(address),
  (address) => connect(address),
  (address) => openReceiver(address),
  (address) => openSender(address),
]
const fixture = (name: string) => fileURLToPath(new URL(`./fixtures/${name}.js`, import.meta.url))
const isMistake = (error: unknown) => error instanceof TypeError || error instanceof RangeError

async function output(command: string, args: string[], options = {}): Promise<string> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], ...options })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part
  })
  await new Promise((resolve) => child.once('close', resolve))
  return text
}

describe('addresses', () => {
  test('an unknown adapter or scheme is a TypeError that suggests the nearest and lists all', async () => {
    for (const id of ids) {
      const wrong = `${id}x`
      await assert.rejects(connect({ adapter: wrong } as unknown as Address), (error: Error) => {
        assert(error instanceof TypeError)
        assert.match(error.message, new RegExp(`did you mean '${id.replace('+', '\\+')}'`))
        for (const known of ids) assert(error.message.includes(known))
        return true
      })
    }
    await assert.rejects(connect('nothing-like-it:///x'), /unknown scheme 'nothing-like-it:'/)
    await assert.rejects(connect('constructor:///x'), TypeError)
    await assert.rejects(connect({ adapter: 'constructor/toString' } as unknown as Address), TypeError)
    await assert.rejects(connect({ adapter: `${ids[0]?.split('/')[0]}/constructor` } as unknown as Address), TypeError)
    await assert.rejects(spawnPeer('nowhere.js', { adapter: 'none/such' as never }), TypeError)
  })

  test('what is no address at all is a TypeError that shows one', async () => {
    for (const address of ['', 'no url', undefined, null, 7, {}, [], { adapter: 7 }, { path: '/x' }] as unknown as Address[])
      for (const open of ways)
        await assert.rejects(open(address), (error: Error) => error instanceof TypeError && /adapter|URL/.test(error.message))
  })

  for (const adapter of adapters) {
    const example = adapter.temporary?.('/tmp')
    if (example === undefined) continue
    test(`${adapter.id}: a malformed or over-long address is a TypeError or RangeError, before anything is made`, async () => {
      const { path, name, host, port } = example as Record<string, unknown>
      const wrong: object[] = []
      for (const [key, value] of Object.entries({ path, name })) {
        if (value === undefined) continue
        for (const bad of ['', 7, null, 'nul\0byte', `/${'x'.repeat(5000)}`, {}]) wrong.push({ ...example, [key]: bad })
        if (key === 'name') for (const bad of ['/two/slashes', '..', '/']) wrong.push({ ...example, [key]: bad })
      }
      if (host !== undefined) for (const bad of ['', 7, null, 'nul\0byte']) wrong.push({ ...example, host: bad })
      if (port !== undefined) for (const bad of [-1, 65_536, 1.5, '80', Number.NaN]) wrong.push({ ...example, port: bad })
      for (const address of wrong)
        for (const open of ways)
          await assert.rejects(open({ adapter: adapter.id, ...address } as Address), isMistake, JSON.stringify(address))
      for (const url of [`${adapter.scheme}:`, `${adapter.scheme}://`])
        await assert.rejects(async () => adapter.format(adapter.parse(new URL(url))), isMistake, url)
      await assert.rejects(listen(`${adapter.scheme}:///%E0%A4%A`), (error) => isMistake(error) || error instanceof URIError)
    })
    const { path } = example as { path?: unknown }
    // Of node-ipc's server the kernel says EACCES.
    if (path === undefined || adapter.listen === undefined || adapter.id === 'socket/node-ipc') continue
    test.skipIf(adapter.unavailable() !== undefined)(
      `${adapter.id}: a folder that does not exist is named as what is missing`,
      async () => {
        const nowhere = { adapter: adapter.id, ...example, path: '/tmp/no-such-folder/x' } as Address
        const missing = { code: 'ERR_IPC_NOT_FOUND', message: /the folder of this path does not exist/ }
        await assert.rejects(listen(nowhere), missing)
        if (adapter.openReceiver !== undefined) await assert.rejects(openReceiver(nowhere, { create: 'exclusive' }), missing)
        await assert.rejects(connect(nowhere), { code: 'ERR_IPC_NOT_FOUND', message: /start the listener first/ })
      },
    )
  }
})

describe('options', () => {
  test('of the wrong kind are a TypeError or RangeError, for every adapter that meets by name', async () => {
    for (const adapter of runnable) {
      if (adapter.temporary === undefined || !adapter.capabilities.connects) continue
      const folder = mkdtempSync(join(tmpdir(), 'ipc-run-'))
      try {
        const address = { adapter: adapter.id, ...adapter.temporary(folder) } as Address
        const wrong = [
          { timeout: -1 },
          { timeout: Number.NaN },
          { maxMessageBytes: 0 },
          { maxMessageBytes: 2 ** 32 },
          { maxMessageBytes: 1.5 },
          { maxQueuedBytes: -1 },
          { framing: 'lines' },
        ] as object[]
        for (const options of wrong) {
          await assert.rejects(listen(address, options), isMistake, `${adapter.id} ${JSON.stringify(options)}`)
          await assert.rejects(connect(address, options), isMistake, `${adapter.id} ${JSON.stringify(options)}`)
        }
        for (const options of [{ mode: 0o1000 }, { mode: -1 }, { maxPeers: 0 }]) await assert.rejects(listen(address, options), RangeError)
        await assert.rejects(openReceiver(address, { create: 'maybe' as never }), TypeError)
      } finally {
        rmSync(folder, { recursive: true })
      }
    }
  })

  test('joinParent without a parent is ERR_IPC_NOT_FOUND', async () => {
    await assert.rejects(joinParent(), { code: 'ERR_IPC_NOT_FOUND' })
  })

  test('a peer that ends without joining is ERR_IPC_PEER_GONE, a module that is not there too', async () => {
    for (const adapter of runnable) {
      if (adapter.capabilities.rendezvous === 'inherit') continue
      if (!adapter.capabilities.connects) continue
      await assert.rejects(
        spawnPeer(fixture('nothing'), { adapter: adapter.id, timeout: 20_000 }),
        { code: 'ERR_IPC_PEER_GONE' },
        adapter.id,
      )
      break // the same code for all of them
    }
  })
})

describe('errors', () => {
  test('are recognised by isIpcError, also those of another copy, and nothing else is', () => {
    assert(isIpcError(new IpcError('ERR_IPC_FULL', 'full')))
    assert(isIpcError(Object.assign(new Error('x'), { name: 'IpcError', code: 'ERR_IPC_FULL' })))
    for (const other of [new Error('x'), undefined, null, 'ERR_IPC_FULL', { code: 'ERR_IPC_FULL', name: 'IpcError' }])
      assert(!isIpcError(other))
  })
})

describe('a path in a folder that is not there', () => {
  for (const adapter of runnable) {
    const example = adapter.temporary?.('/nowhere')
    if (example === undefined || !('path' in example)) continue
    test(`${adapter.id}: is an IpcError, whatever one does there`, async () => {
      const address = { adapter: adapter.id, ...example } as Address
      const opening = [
        () => listen(address),
        () => connect(address),
        () => openReceiver(address, { create: 'exclusive' }),
        () => openSender(address, { create: 'exclusive' }),
      ]
      for (const open of opening) await assert.rejects(open(), isIpcError)
    })
  }
})

describe.skipIf(process.getuid?.() !== 0)('another user', () => {
  for (const adapter of runnable) {
    const { rendezvous, connects } = adapter.capabilities
    if (!connects || (rendezvous !== 'name' && rendezvous !== 'pid')) continue
    test(`${adapter.id}: is refused with ERR_IPC_PERMISSION`, async () => {
      const folder = mkdtempSync(join(tmpdir(), 'ipc-run-'))
      chmodSync(folder, 0o755)
      const theirs = mkdtempSync(join(tmpdir(), 'ipc-run-'))
      chownSync(theirs, NOBODY, NOBODY)
      let server: Server | undefined
      try {
        server = await listen({ adapter: adapter.id, ...adapter.temporary?.(folder) } as Address)
        const env = { ...process.env, XDG_RUNTIME_DIR: theirs }
        const said = await output(process.execPath, [fixture('outsider'), server.address], { uid: NOBODY, gid: NOBODY, env })
        assert.equal(said, 'ERR_IPC_PERMISSION')
        assert.equal(server.channels.size, 0)
      } finally {
        await server?.close()
        rmSync(folder, { recursive: true })
        rmSync(theirs, { recursive: true })
      }
    })
  }
})

describe('a process without descriptors left', () => {
  for (const adapter of ['message-queue/sysv', 'semaphore/posix', 'semaphore/sysv'])
    test(`${adapter}: cannot wait with a thread, and says so`, async () => {
      const said = await output('sh', ['-c', 'ulimit -n 64; exec "$0" "$@"', process.execPath, fixture('no-thread'), adapter])
      assert.equal(said, 'ERR_IPC_LIMIT ERR_IPC_LIMIT 0')
    })

  for (const adapter of runnable) {
    if (!adapter.capabilities.connects || adapter.temporary === undefined || adapter.capabilities.rendezvous === 'pid') continue
    test(`${adapter.id}: gets ERR_IPC_LIMIT (or nobody answers its connect), and works again when some are closed`, async () => {
      const said = await output('sh', ['-c', 'ulimit -n 64; exec "$0" "$@"', process.execPath, fixture('exhaust'), adapter.id])
      assert.match(said, /^(ERR_IPC_LIMIT|ERR_IPC_TIMEOUT|none)$/)
    })
  }
})
