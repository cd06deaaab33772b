/** Of the needs of docs/needs.md those that no other test proves, and that the page names tests that there are. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { type AdapterId, spawnPeer } from 'ipc-playground'
import { openDescriptorReceiver, sendDescriptors } from 'ipc-playground/adapters/socket/descriptors'
import { conformanceCases } from 'ipc-playground/testing'
import { afterAll, describe, test } from 'vitest'
import { native } from '../src/native/index.js'
import { pattern } from '../src/testing/pattern.js'
import { packageFolder, run, start } from './support/run.js'

const MIB = 2 ** 20
const peerFile = new URL('./fixtures/needs-peer.js', import.meta.url)
const program = (name: string): string => new URL(`../demos/${name}.js`, import.meta.url).pathname
const needs = readFileSync(join(packageFolder, 'docs/needs.md'), 'utf8')
const folder = mkdtempSync(join(tmpdir(), 'ipc-needs-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('need 1: large messages', () => {
  const SIZES = [1, 4, 16, 64].map((mib) => mib * MIB)

  async function receiveEach(adapter: AdapterId, measured: (length: number, receive: () => Promise<void>) => Promise<void>): Promise<void> {
    const peer = await spawnPeer(peerFile, { adapter, args: ['send-large'] })
    for (const length of SIZES) {
      const word = new Uint8Array(4)
      new DataView(word.buffer).setUint32(0, length)
      await measured(length, async () => {
        await peer.channel.send(word)
        const message = await peer.channel.receive()
        assert(message !== null && Buffer.compare(message, pattern(length, length)) === 0, `${length} bytes`)
      })
    }
    await peer[Symbol.asyncDispose]()
  }

  test('1 to 64 MiB are copied a constant number of times, whatever pieces they come in', { timeout: 60_000 }, async () => {
    const { set, copyWithin } = Uint8Array.prototype
    let copied = 0
    Uint8Array.prototype.set = function (this: Uint8Array, from: ArrayLike<number>, at?: number) {
      copied += from.length
      set.call(this, from, at)
    }
    Uint8Array.prototype.copyWithin = function (this: Uint8Array, to: number, from: number, end?: number) {
      copied += (end ?? this.length) - from
      return copyWithin.call(this, to, from, end)
    }
    try {
      // Node's own streams give what the kernel gave: pieces of 64 KiB at most.
      await receiveEach('pipe/stdio', async (length, receive) => {
        copied = 0
        await receive()
        assert(copied <= 5 * length, `${copied} bytes were copied for a message of ${length}`)
      })
    } finally {
      Object.assign(Uint8Array.prototype, { set, copyWithin })
    }
  })

  test.each<AdapterId>(['socket/unix', 'pipe/anonymous', 'socket/tcp'])(
    '1 to 64 MiB over %s are read once, in pieces that do not shrink',
    { timeout: 60_000 },
    async (adapter) => {
      // proc_pid_io(5)
      const io = () => {
        const [, bytes, calls] = /rchar: (\d+)\n.*\nsyscr: (\d+)/.exec(readFileSync('/proc/self/io', 'utf8')) ?? []
        return { bytes: Number(bytes), calls: Number(calls) }
      }
      await receiveEach(adapter, async (length, receive) => {
        const before = io()
        await receive()
        const after = io()
        assert(after.bytes - before.bytes < 1.1 * length + MIB / 4, `${after.bytes - before.bytes} bytes were read for ${length}`)
        assert(after.calls - before.calls < length / 2048, `${after.calls - before.calls} reads for ${length}`)
      })
    },
  )
})

describe('need 3: nothing is lost at exit', () => {
  test.each<AdapterId>([
    'pipe/anonymous',
    'socket/unix',
    'pipe/stdio',
  ])('over %s, at sizes around what the kernel holds', async (adapter) => {
    const file = join(folder, `${adapter.replace('/', '-')}.filled`)
    const filler = await spawnPeer(peerFile, { adapter, args: ['fill-and-tell'], framing: 'stream', stderr: openSync(file, 'w', 0o600) })
    await filler.exited
    const held = Number(readFileSync(file, 'utf8')) - 4 // a message's length is in front of it
    assert(held > 4096, `the kernel held ${held} bytes`)
    await filler[Symbol.asyncDispose]()
    for (const length of [0, 1, held - 1, held, held + 1, 2 * held, 2 * held + 1, 8 * held]) {
      const peer = await spawnPeer(peerFile, { adapter, args: ['send-and-exit', `${length}`] })
      // What fits needs no reader: the process is gone before anybody reads.
      if (length < held) await peer.exited
      assert.deepEqual(await peer.channel.receive(), pattern(1, length), `${length} bytes`)
      assert.deepEqual(await peer.exited, { code: 0, signal: null })
      assert.equal(await peer.channel.receive(), null)
      await peer[Symbol.asyncDispose]()
    }
  })
})

describe('needs 4, 5 and 7: shared memory of unrelated processes', () => {
  test('meet by name, count without a loss on an ArrayBuffer, and wake each other, which Atomics.notify does not', async () => {
    const name = `ipctest-${process.pid}-${Math.random().toString(36).slice(2)}`
    const creator = start(process.execPath, [peerFile.pathname, 'create', name])
    await creator.shown('made\n')
    const visitor = await run(process.execPath, [peerFile.pathname, 'visit', name])
    assert.deepEqual(visitor, { status: 0, stdout: '1 0\n', stderr: '' })
    assert.deepEqual(await creator.ended, { status: 0, stdout: 'made\n200000\n', stderr: '' })
    assert(!existsSync(`/dev/shm/${name}`))
  })
})

describe('need 6: an embedder that forbids external buffers', () => {
  test('is told for what it is by what needs to see memory, and everything else copies and works', async () => {
    const preloaded = new URL('./fixtures/no-external-buffers.js', import.meta.url).href
    const program = new URL('./fixtures/copying-program.js', import.meta.url).pathname
    const { stdout, stderr } = await run(process.execPath, ['--import', preloaded, program])
    assert.equal(stderr, '')
    assert.deepEqual(JSON.parse(stdout), {
      refused: ['semaphore/atomics', 'shared-memory/ring', 'shared-memory/posix', 'shared-memory/mmap', 'shared-memory/sysv'],
      view: 'ERR_IPC_UNAVAILABLE',
      copied: [5, 6],
      echoed: [[7], [7], [7]],
    })
  })
})

describe('need 9: unix datagrams', () => {
  const MANAGER = `
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1].replace('@', chr(0), 1))
print('ready', flush=True)
print(repr(s.recv(4096).decode()))`

  test.each(['a path', 'an abstract name'])('sd_notify tells a service manager at %s', async (where) => {
    const address = where === 'a path' ? join(folder, 'notify.sock') : `@ipc-needs-${process.pid}`
    const manager = start('python3', ['-c', MANAGER, address])
    await manager.shown('ready')
    const service = await run(process.execPath, [program('unix-datagrams/sd-notify'), 'READY=1', 'STATUS=listening'], {
      env: { NOTIFY_SOCKET: address },
    })
    assert.deepEqual(service, { status: 0, stdout: 'the service manager knows\n', stderr: '' })
    assert.equal((await manager.ended).stdout, "ready\n'READY=1\\nSTATUS=listening'\n")
  })

  test('sd_notify without a service manager says so', async () => {
    const { NOTIFY_SOCKET: _, ...env } = process.env
    const alone = await run('env', ['-u', 'NOTIFY_SOCKET', process.execPath, program('unix-datagrams/sd-notify'), 'READY=1'], { env })
    assert.deepEqual(alone, { status: 0, stdout: 'NOTIFY_SOCKET is not set: nobody wants to know\n', stderr: '' })
  })

  test('a receiver as behind /dev/log hears what programs write with syslog, and from which process', async () => {
    const path = join(folder, 'log.sock')
    const log = start(process.execPath, [program('unix-datagrams/syslog'), path, '1'])
    await log.shown('receives at')
    const writer = `
import logging.handlers, os, sys
handler = logging.handlers.SysLogHandler(address=sys.argv[1])
handler.handle(logging.makeLogRecord({'levelname': 'WARNING', 'levelno': 30, 'msg': 'disk is full'}))
print(os.getpid())`
    const { stdout } = await run('python3', ['-c', writer, path])
    assert.equal((await log.ended).stdout.split('\n')[1], `warning from ${stdout.trim()}: disk is full`)
    assert(!existsSync(path), 'the path goes with its receiver')
  })
})

describe('need 10: descriptors for another process', () => {
  const bytes = new TextEncoder().encode('two ends')

  test('a listening socket goes to a successor, and no connection is refused', async () => {
    const path = join(folder, 'hand-over.sock')
    const ask = async (port: string) => (await fetch(`http://127.0.0.1:${port}/`)).text()
    const old = start(process.execPath, [program('hand-over'), 'listen', path])
    await old.shown('listens at')
    const next = start(process.execPath, [program('hand-over'), 'take', path])
    await next.shown('waits at')
    old.child.kill('SIGTERM')
    const { status, stdout } = await old.ended
    const [, port = ''] = /listens at (\d+)\n/.exec(stdout) ?? []
    assert.equal(status, 0)
    assert.match(stdout, /gave its socket away\n$/)
    assert.equal(await ask(port), `${next.child.pid}\n`, 'asked while nobody but the successor has it')
    await next.shown(`listens at ${port}`)
    next.child.kill('SIGTERM')
    assert.match((await next.ended).stdout, /has no successor\n$/)
    assert(!existsSync(path))
  })

  test('who receives owns what came; who sent keeps its own', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { fd } = (server as unknown as { _handle: { fd: number } })._handle
    const path = join(folder, 'own.sock')
    const receiver = await openDescriptorReceiver(path)
    const received = receiver.receive()
    await assert.rejects(receiver.receive(), { code: 'ERR_IPC_BUSY' })
    await sendDescriptors(path, bytes, [fd, fd])
    const { data, descriptors } = await received
    assert.deepEqual(data, bytes)
    assert.equal(new Set([fd, ...descriptors]).size, 3)
    const inode = (n: number) => readFileSync(`/proc/self/fdinfo/${n}`, 'utf8').match(/ino:\s*(\d+)/)?.[1]
    for (const own of descriptors) {
      assert.equal(inode(own), inode(fd))
      assert.equal(native.fdClose(own), -constants.errno.EBADF, 'the addon has it no more')
    }
    const [first = -1, second = -1] = descriptors
    const successor = createServer().listen({ fd: first })
    const other = createServer().listen({ fd: second })
    await Promise.all([once(successor, 'listening'), once(other, 'listening')])
    assert.deepEqual(successor.address(), server.address())
    for (const each of [server, successor, other]) await new Promise((closed) => each.close(closed))
    receiver.close()
    receiver.close()
    await assert.rejects(receiver.receive(), { code: 'ERR_IPC_CLOSED' })
    await assert.rejects(sendDescriptors(path, bytes, [0]), { code: 'ERR_IPC_NOT_FOUND' })
  })

  test('what is cut is an error, and leaves nothing open', async () => {
    const path = join(folder, 'cut.sock')
    const receiver = await openDescriptorReceiver(path)
    const open = () => readdirSync('/proc/self/fd').length
    const before = open()
    const hostile = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect(sys.argv[1])
socket.send_fds(s, [bytes(70000)], [0, 0, 0])
socket.send_fds(s, [b'short'], [0])
s.send(b'without any')`
    assert.equal((await run('python3', ['-c', hostile, path])).status, 0)
    await assert.rejects(receiver.receive(), { code: 'ERR_IPC_PROTOCOL' })
    assert.equal(open(), before)
    const { descriptors } = await receiver.receive()
    assert.equal(descriptors.length, 1)
    for (const fd of descriptors) closeSync(fd)
    assert.deepEqual((await receiver.receive()).descriptors, [])
    await assert.rejects(receiver.receive({ timeout: 10 }), { code: 'ERR_IPC_TIMEOUT' })
    await assert.rejects(receiver.receive({ signal: AbortSignal.abort(new Error('enough')) }), /enough/)
    const waiting = receiver.receive()
    await turn()
    receiver.close()
    await assert.rejects(waiting, { code: 'ERR_IPC_CLOSED' })
  })

  test('what cannot travel is refused', async () => {
    const path = join(folder, 'refused.sock')
    using _ = await openDescriptorReceiver(path)
    await assert.rejects(openDescriptorReceiver(path), { code: 'ERR_IPC_EXISTS' })
    for (const wrong of [[], [-1], [1.5], Array(254).fill(0)]) await assert.rejects(sendDescriptors(path, bytes, wrong), RangeError)
    for (const length of [0, 65537]) await assert.rejects(sendDescriptors(path, new Uint8Array(length), [0]), RangeError)
    await assert.rejects(sendDescriptors(path, bytes, [1_000_000]), { syscall: 'sendmsg', errno: -9 })
  })

  test('a queue that is full makes the sender wait', async () => {
    const path = join(folder, 'full.sock')
    const receiver = await openDescriptorReceiver(path)
    const most = Number(readFileSync('/proc/sys/net/unix/max_dgram_qlen', 'utf8')) + 2
    const sends = Array.from({ length: most }, () => sendDescriptors(path, bytes, [0]))
    let settled = 0
    for (const sent of sends) void sent.then(() => settled++)
    for (let i = 0; i < 20; i++) await turn()
    assert(settled < most, `${settled} of ${most} were taken`)
    await assert.rejects(sendDescriptors(path, bytes, [0], { timeout: 10 }), { code: 'ERR_IPC_TIMEOUT' })
    for (let i = 0; i < most; i++) for (const fd of (await receiver.receive()).descriptors) closeSync(fd)
    await Promise.all(sends)
    receiver.close()
  })
})

describe('need 14: whom one trusts', () => {
  interface Locked {
    readonly packages: Readonly<
      Record<
        string,
        { readonly version?: string; readonly license?: string; readonly hasInstallScript?: boolean; readonly dependencies?: object }
      >
    >
  }

  test('what is installed with the package is the list of docs/needs.md, and none of it has an install script', () => {
    const { packages } = JSON.parse(readFileSync(join(packageFolder, 'package-lock.json'), 'utf8')) as Locked
    const found = new Map<string, string>()
    const visit = (name: string) => {
      const { version = '', license = '', hasInstallScript, dependencies = {} } = packages[name === '' ? '' : `node_modules/${name}`] ?? {}
      assert.notEqual(hasInstallScript, true, `${name} has an install script`)
      if (name !== '') found.set(name, `${version}, ${license}`)
      for (const dependency of Object.keys(dependencies)) if (!found.has(dependency)) visit(dependency)
    }
    visit('')
    const listed = [...needs.matchAll(/^\| `([\w@/-]+)` \| (\S+) \| (.+?) \|/gm)].map(([, name, version, license]) => [
      name,
      `${version}, ${license}`,
    ])
    assert.deepEqual(new Map(listed as [string, string][]), found)
    const { scripts = {} } = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')) as { scripts?: object }
    assert.deepEqual(
      Object.keys(scripts).filter((name) => /install/.test(name)),
      [],
    )
  })
})

describe('docs/needs.md', () => {
  const sections = needs.split(/^## /m).slice(1)

  test('has the 15 needs, each with its threads, what we do and a test', () => {
    const numbered = sections.filter((section) => /^\d+\. /.test(section))
    assert.deepEqual(
      numbered.map((section) => Number.parseInt(section, 10)),
      Array.from({ length: 15 }, (_, i) => i + 1),
    )
    for (const section of numbered)
      for (const part of ['Threads: ', 'What we do: ', 'Proven by:']) assert(section.includes(part), `${part} in ${section}`)
  })

  test('names tests that there are', () => {
    const named = [...needs.matchAll(/^- `(\S+)` › (.+)$/gm)]
    assert(named.length >= 15)
    const cases = new Set(conformanceCases.map(({ promise, title }) => `${promise}: ${title}`))
    for (const [, file = '', title = ''] of named)
      if (file === 'conformance') assert(cases.has(title), title)
      else assert(readFileSync(join(packageFolder, file), 'utf8').includes(title), `${file} › ${title}`)
    assert.equal(named.length, needs.match(/^- /gm)?.length, 'nothing else is listed')
  })
})
