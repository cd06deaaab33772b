import { execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, lstatSync, mkdtempSync, readdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Channel, connect, isIpcError, listen, openReceiver, openSender, type Server, spawnPeer } from 'ipc-playground'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

const peerModule = new URL('./fixtures/stream-peer.js', import.meta.url)
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'nothing',
    (error: unknown) => (isIpcError(error) ? error.code : String(error)),
  )
const text = (data: Uint8Array | null) => (data === null ? null : new TextDecoder().decode(data))
const encode = (word: string) => new TextEncoder().encode(word)
const first = async (server: Server): Promise<Channel> => (await server[Symbol.asyncIterator]().next()).value

let folder = ''
const fifos = () =>
  readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`)
      return target.startsWith(folder) ? [target] : []
    } catch {
      return []
    }
  })

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ipc-fifo-'))
})
afterEach(() => {
  expect(fifos()).toEqual([])
  rmSync(folder, { recursive: true })
})

describe.each(['fifo/native', 'fifo/mkfifo'] as const)('%s', (adapter) => {
  const at = (name: string) => ({ adapter, path: join(folder, name) })

  test('a spawned peer echoes, and the names are gone', async () => {
    const peer = await spawnPeer(peerModule, { adapter, args: ['echo'], timeout: 10_000, killAfter: 1000 })
    for (const size of [0, 1, 5000, 1_000_000]) {
      const data = new Uint8Array(size).fill(size & 0xff)
      const sent = peer.channel.send(data)
      expect(Buffer.from((await peer.channel.receive({ timeout: 10_000 })) ?? []).equals(data)).toBe(true)
      await sent
    }
    await peer.channel.end()
    expect(await peer.channel.receive({ timeout: 5000 })).toBeNull()
    await peer[Symbol.asyncDispose]()
  }, 30_000)

  test('a worker thread as the peer', async () => {
    const peer = await spawnPeer(peerModule, { adapter, thread: true, args: ['echo'], timeout: 10_000, killAfter: 1000 })
    await peer.channel.send(encode('hello'))
    expect(text(await peer.channel.receive({ timeout: 5000 }))).toBe('hello')
    await peer[Symbol.asyncDispose]()
  }, 30_000)

  test('a peer that sends and exits at once loses nothing', async () => {
    const peer = await spawnPeer(peerModule, { adapter, args: ['exit'], timeout: 10_000, killAfter: 1000 })
    for (let i = 0; i < 1000; i++) expect(text(await peer.channel.receive({ timeout: 5000 }))).toBe(`message ${i}`)
    expect(await peer.channel.receive({ timeout: 5000 })).toBeNull()
    await peer[Symbol.asyncDispose]()
  }, 30_000)

  test('processes meet by name; a killed one is noticed; a second is told', async () => {
    const address = `${adapter === 'fifo/native' ? 'fifo' : 'fifo+mkfifo'}://${join(folder, 'a b')}`
    const child = spawn(process.execPath, [fileURLToPath(peerModule), 'echo', address], { stdio: 'inherit' })
    const server = await listen(address)
    expect(lstatSync(join(folder, 'a b.0'), { throwIfNoEntry: false })?.mode ?? 0o10600).toBe(0o10600)
    const channel = await first(server)
    expect(readdirSync(folder)).toEqual([])
    expect(await codeOf(connect(address))).toBe('ERR_IPC_NOT_FOUND')
    await channel.send(encode('hello'))
    expect(text(await channel.receive({ timeout: 5000 }))).toBe('hello')
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(await channel.receive({ timeout: 5000 })).toBeNull()
    expect(await codeOf(channel.send(encode('x')))).toBe('ERR_IPC_PEER_GONE')
    await server.close()
  }, 30_000)

  test('of two that connect at once one is the peer', async () => {
    const server = await listen(at('race'))
    expect(await codeOf(listen(at('race')))).toBe('ERR_IPC_EXISTS')
    const results = await Promise.allSettled([connect(at('race')), connect(at('race'))])
    const won = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
    expect(won).toHaveLength(1)
    expect(results.flatMap((result) => (result.status === 'rejected' ? [result.reason.code] : []))).toEqual(['ERR_IPC_NOT_FOUND'])
    const channel = await first(server)
    await won[0]?.close()
    expect(await channel.receive({ timeout: 5000 })).toBeNull()
    await server.close()
  })

  test('a listener that closes before anybody came leaves nothing; one that nobody hears is not found', async () => {
    const server = await listen(at('alone'))
    await server.close()
    expect(readdirSync(folder)).toEqual([])
    expect(await codeOf(connect(at('alone')))).toBe('ERR_IPC_NOT_FOUND')
    execFileSync('mkfifo', [join(folder, 'stale.0'), join(folder, 'stale.1')])
    expect(await codeOf(connect(at('stale')))).toBe('ERR_IPC_NOT_FOUND')
    expect(await codeOf(listen(at('stale')))).toBe('ERR_IPC_EXISTS')
  })

  test('what is no hello is a protocol error', async () => {
    const server = await listen(at('open'))
    writeFileSync(join(folder, 'open.1'), 'what is this')
    expect(await codeOf(first(server))).toBe('ERR_IPC_PROTOCOL')
    await server.close()
  })

  test('a shell writes with echo: nothing before it, its line, then the end', async () => {
    const receiver = await openReceiver(at('log'), { create: 'exclusive' })
    expect(lstatSync(join(folder, 'log')).mode).toBe(0o10600)
    expect(await codeOf(receiver.receive({ timeout: 50 }))).toBe('ERR_IPC_TIMEOUT')
    await promisify(execFile)('sh', ['-c', `echo hello > '${folder}/log'`])
    expect(text(await receiver.receive({ timeout: 5000 }))).toBe('hello\n')
    expect(await receiver.receive({ timeout: 5000 })).toBeNull()
    await receiver.close()
    expect(existsSync(join(folder, 'log'))).toBe(false)
  })

  test('endAfterLastWriter: false outlives writers', async () => {
    const receiver = await openReceiver(at('log'), { create: 'if-missing', endAfterLastWriter: false, unlink: 'never', mode: 0o640 })
    expect(lstatSync(join(folder, 'log')).mode).toBe(0o10640)
    for (const word of ['one', 'two', 'three']) {
      await promisify(execFile)('sh', ['-c', `printf ${word} > '${folder}/log'`])
      expect(text(await receiver.receive({ timeout: 5000 }))).toBe(word)
    }
    expect(await codeOf(receiver.receive({ timeout: 50 }))).toBe('ERR_IPC_TIMEOUT')
    await receiver.close()
    expect(existsSync(join(folder, 'log'))).toBe(true)
  })

  test('a shell reads with cat', async () => {
    expect(await codeOf(openSender(at('out')))).toBe('ERR_IPC_NOT_FOUND')
    const opening = openSender(at('out'), { create: 'exclusive', timeout: 5000 })
    const cat = promisify(execFile)('sh', ['-c', `while ! [ -p '${folder}/out' ]; do :; done; cat '${folder}/out'`])
    const sender = await opening
    await sender.send(encode('to a shell'))
    await sender.close()
    expect((await cat).stdout).toBe('to a shell')
    execFileSync('mkfifo', [join(folder, 'unread')])
    expect(await codeOf(openSender(at('unread')))).toBe('ERR_IPC_NOT_FOUND')
    expect(await codeOf(openSender(at('own'), { create: 'exclusive', timeout: 20 }))).toBe('ERR_IPC_TIMEOUT')
    expect(existsSync(join(folder, 'own'))).toBe(false)
  })

  test('a reader that goes away', async () => {
    const receiver = await openReceiver(at('x'), { create: 'exclusive' })
    const sender = await openSender(at('x'))
    await sender.send(encode('read'))
    expect(text(await receiver.receive({ timeout: 5000 }))).toBe('read')
    await receiver.close()
    expect(await codeOf(sender.send(encode('lost')))).toBe('ERR_IPC_PEER_GONE')
    await sender.close()
  })

  test('opening never waits on the thread pool', async () => {
    execFileSync('mkfifo', [join(folder, 'p')])
    const receivers = await Promise.all(Array.from({ length: 8 }, () => openReceiver(at('p'))))
    expect(await readFile('/proc/self/comm', 'utf8')).not.toBe('')
    for (const receiver of receivers) await receiver.close()
  })

  test('neither symlinks nor anything else but a FIFO', async () => {
    writeFileSync(join(folder, 'file'), 'precious')
    execFileSync('mkfifo', [join(folder, 'real')])
    symlinkSync(join(folder, 'real'), join(folder, 'link'))
    for (const name of ['file', 'link', '.']) {
      expect(await codeOf(openReceiver(at(name)))).toBe('ERR_IPC_EXISTS')
      expect(await codeOf(openReceiver(at(name), { create: 'if-missing' }))).toBe('ERR_IPC_EXISTS')
      expect(await codeOf(openSender(at(name)))).toBe('ERR_IPC_EXISTS')
    }
    expect(await codeOf(openReceiver(at('none')))).toBe('ERR_IPC_NOT_FOUND')
    expect(await codeOf(openReceiver(at('real'), { create: 'exclusive' }))).toBe('ERR_IPC_EXISTS')
    await expect(openReceiver(at('n'.repeat(254)))).rejects.toThrow(RangeError)
    await expect(openReceiver({ adapter, path: '' })).rejects.toThrow(TypeError)
    expect(readdirSync(folder).sort()).toEqual(['file', 'link', 'real'])
  })
})

test('blocking calls', async () => {
  const peer = await spawnPeer(peerModule, { adapter: 'fifo/native', args: ['sync'], timeout: 10_000, killAfter: 1000 })
  for (let i = 0; i < 100; i++) {
    peer.channel.sync?.send(encode(`${i}`))
    expect(text(peer.channel.sync?.receive({ timeout: 5000 }) ?? null)).toBe(`${i}`)
  }
  await peer[Symbol.asyncDispose]()
}, 30_000)
