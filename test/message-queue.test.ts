import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  type Address,
  connect,
  isIpcError,
  listen,
  openReceiver,
  openSender,
  type Receiver,
  Result,
  type Sender,
  spawnPeer,
} from 'ipc-playground'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { adapterById } from '../src/core/registry.js'

const adapters = ['message-queue/posix', 'message-queue/sysv', 'message-queue/posix-mq'] as const
const posix = ['message-queue/posix', 'message-queue/posix-mq'] as const
const fixture = (name: string) => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url))
const text = (bytes: Uint8Array | null) => new TextDecoder().decode(bytes ?? undefined)
const bytes = (of: string) => new TextEncoder().encode(of)
const code = (promise: Promise<unknown>) =>
  promise.then(
    () => 'nothing',
    (error: unknown) => (isIpcError(error) ? error.code : String(error)),
  )

let count = 0
const freshName = () => `ipc-playground-test-${process.pid}-${count++}`

type Id = (typeof adapters)[number]
type Named = { [A in Id]: { adapter: A; name: string } }[Id]

/** A queue that is full soon, where the mechanism lets one choose. */
const small = (adapter: Id): Named =>
  adapter === 'message-queue/sysv'
    ? { adapter, name: freshName() }
    : ({ adapter, name: freshName(), maxMessages: 4, maxMessageBytes: 64 } as Named)

async function both(address: Address, run: (receiver: Receiver, sender: Sender) => Promise<void>): Promise<void> {
  const receiver = await openReceiver(address, { create: 'exclusive' })
  try {
    const sender = await openSender(address)
    try {
      await run(receiver, sender)
    } finally {
      await sender.close()
    }
  } finally {
    await receiver.close()
  }
}

function fill(sender: Sender, message: Uint8Array): number {
  for (let sent = 0; ; sent++) {
    const n = sender.trySend(message)
    if (n === Result.WOULD_BLOCK) return sent
    expect(n).toBe(message.length)
  }
}

describe.each(adapters)('%s between two processes', (adapter) => {
  test('messages come back byte-identical, the empty and the longest among them', async () => {
    const peer = await spawnPeer(fixture('echo-peer.js'), { adapter })
    const { max } = peer.channel.capabilities.payload
    for (const length of [0, 1, 1000, max]) {
      const message = Uint8Array.from({ length }, (_, i) => i * 7)
      await peer.channel.send(message)
      expect(await peer.channel.receive()).toEqual(message)
    }
    expect(await code(peer.channel.send(new Uint8Array(max + 1)))).toBe('ERR_IPC_PAYLOAD_SIZE')
    await peer[Symbol.asyncDispose]()
    expect(await peer.exited).toEqual({ code: 0, signal: null })
  })

  test('what was sent right before process.exit arrives, then the peer is gone', async () => {
    const peer = await spawnPeer(fixture('parting-peer.js'), { adapter, args: ['5'] })
    await peer.exited
    for (let i = 0; i < 5; i++) expect(await peer.channel.receive()).toEqual(Uint8Array.of(i))
    expect(await code(peer.channel.receive())).toBe('ERR_IPC_PEER_GONE')
    await peer[Symbol.asyncDispose]()
  })

  test('both directions flow at once through small queues', async () => {
    const peer = await spawnPeer(fixture('echo-peer.js'), { adapter })
    const sends: Promise<void>[] = []
    for (let i = 0; i < 500; i++) sends.push(peer.channel.send(bytes(`message ${i}`)))
    for (let i = 0; i < 500; i++) expect(text(await peer.channel.receive())).toBe(`message ${i}`)
    await Promise.all(sends)
    await peer[Symbol.asyncDispose]()
  })

  test('the listener takes one peer, and a second is refused', async () => {
    const address = small(adapter)
    expect(await code(connect(address))).toBe('ERR_IPC_NOT_FOUND')
    const server = await listen(address)
    expect(await code(listen(address))).toBe('ERR_IPC_EXISTS')
    const channel = await connect(address)
    expect(['ERR_IPC_BUSY', 'ERR_IPC_NOT_FOUND']).toContain(await code(connect(address)))
    for await (const accepted of server) {
      await accepted.send(bytes('to the connector'))
      await accepted.close()
    }
    expect(text(await channel.receive())).toBe('to the connector')
    await channel.close()
    await server.close()
    expect(await code(connect(address))).toBe('ERR_IPC_NOT_FOUND')
  })

  test('the blocking face', async () => {
    const address = small(adapter)
    const server = await listen(address)
    const channel = await connect(address)
    for await (const accepted of server) {
      if (adapter === 'message-queue/posix-mq') expect(channel.sync).toBeUndefined()
      else {
        accepted.sync?.send(bytes('now'))
        expect(text(channel.sync?.receive() ?? null)).toBe('now')
        expect(() => channel.sync?.receive({ timeout: 5 })).toThrow(/5 ms/)
        fill(channel, new Uint8Array(64))
        expect(() => channel.sync?.send(new Uint8Array(64), { timeout: 5 })).toThrow(/5 ms/)
        accepted.sync?.receive()
        channel.sync?.send(new Uint8Array(64))
      }
    }
    await channel.close()
    await server.close()
  })

  test('a listener that closes takes its name back', async () => {
    const address = small(adapter)
    await (await listen(address)).close()
    expect(await code(connect(address))).toBe('ERR_IPC_NOT_FOUND')
    await (await listen(address)).close()
  })

  test('a killed listener is not connected to, and its name is free', async () => {
    const { name } = small(adapter)
    const url = (await adapterById(adapter)).format({ name } as never)
    const child = spawn(process.execPath, [fixture('abandoned-listener.js'), url], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(await code(connect(url))).toBe('ERR_IPC_NOT_FOUND')
    await (await listen(url)).close()
  })
})

describe.each(adapters)('%s as a queue', (adapter) => {
  test('create: never, exclusive, if-missing; unlink', async () => {
    const address = small(adapter)
    expect(await code(openReceiver(address))).toBe('ERR_IPC_NOT_FOUND')
    expect(await code(openSender(address, { create: 'never' }))).toBe('ERR_IPC_NOT_FOUND')
    const first = await openReceiver(address, { create: 'exclusive' })
    expect(await code(openReceiver(address, { create: 'exclusive' }))).toBe('ERR_IPC_EXISTS')
    const second = await openSender(address, { create: 'if-missing' })
    await second.send(bytes('x'))
    await second.close() // did not make it, and does not remove it
    expect(text(await first.receive())).toBe('x')
    await first.close()
    expect(await code(openReceiver(address))).toBe('ERR_IPC_NOT_FOUND')
    const kept = await openSender(address, { create: 'if-missing', unlink: 'never' })
    await kept.send(bytes('kept'))
    await kept.close()
    const later = await openReceiver(address)
    expect(text(await later.receive())).toBe('kept')
    await later.close()
    removeQueue(address)
    expect(await code(openReceiver(address))).toBe('ERR_IPC_NOT_FOUND')
  })

  test('an empty message is a message', () =>
    both(small(adapter), async (receiver, sender) => {
      await sender.send(new Uint8Array(0))
      expect(await receiver.receive()).toEqual(new Uint8Array(0))
    }))

  test('a full queue makes send wait, and an aborted one sends nothing', () =>
    both(small(adapter), async (receiver, sender) => {
      const message = new Uint8Array(64).fill(1)
      const room = fill(sender, message)
      expect(room).toBeGreaterThan(3)
      const abort = new AbortController()
      const aborted = sender.send(message.fill(2), { signal: abort.signal })
      abort.abort()
      await expect(aborted).rejects.toBe(abort.signal.reason)
      expect(await code(sender.send(message, { timeout: 5 }))).toBe('ERR_IPC_TIMEOUT')
      const waiting = sender.send(message.fill(3))
      for (let i = 0; i < room; i++) expect((await receiver.receive())?.[0]).toBe(1)
      expect((await receiver.receive())?.[0]).toBe(3)
      await waiting
      expect(receiver.tryReceiveInto(message)).toBe(Result.WOULD_BLOCK)
    }))

  test('waitWritable tells of room', () =>
    both(small(adapter), async (receiver, sender) => {
      const message = new Uint8Array(64)
      fill(sender, message)
      const writable = sender.waitWritable()
      await receiver.receive()
      expect(await writable).toBe(true)
      expect(sender.trySend(message)).toBe(64)
    }))

  test('a message that does not fit the target stays', () =>
    both(small(adapter), async (receiver, sender) => {
      await sender.send(bytes('twelve bytes'))
      await sender.send(bytes('next'))
      expect(receiver.tryReceiveInto(new Uint8Array(4))).toBe(Result.TARGET_SIZE)
      expect(text(await receiver.receive())).toBe('twelve bytes')
      expect(text(await receiver.receive())).toBe('next')
    }))

  test('a message that came while a receive was aborted goes to the next', () =>
    both(small(adapter), async (receiver, sender) => {
      for (let i = 0; i < 100; i++) {
        const abort = new AbortController()
        const aborted = receiver.receive({ signal: abort.signal })
        expect(sender.trySend(bytes(String(i)))).toBeGreaterThan(0)
        for (let spin = 0; spin < i * 1000; spin++); // from before to after a waiting thread has taken it
        abort.abort()
        await expect(aborted).rejects.toBe(abort.signal.reason)
        expect(text(await receiver.receive())).toBe(String(i))
      }
    }))

  test('the limit of bytes is the limit of the queue, whoever made it', async () => {
    const address = small(adapter)
    await both(address, async (receiver) => {
      const { adapter: id, name } = address
      const sender = await openSender({ adapter: id, name } as Named)
      const { max } = receiver.capabilities.payload
      expect(sender.capabilities.payload.max).toBe(max)
      if (adapter !== 'message-queue/sysv') expect(max).toBe(64)
      expect(sender.trySend(new Uint8Array(max + 1))).toBe(Result.PAYLOAD_SIZE)
      expect(sender.trySend(new Uint8Array(max))).toBe(max)
      expect((await receiver.receive())?.length).toBe(max)
      await sender.close()
    })
  })
})

function removeQueue(address: Named): void {
  if (address.adapter === 'message-queue/sysv') execFileSync('ipcrm', ['-Q', keyOf(address.name)])
  else execFileSync(tool('posix-unlink'), [`/${address.name}`])
}

const keyOf = (name: string) => {
  let hash = 0x811c9dc5
  for (const byte of bytes(name)) hash = Math.imul(hash ^ byte, 0x01000193)
  return `0x${(hash >>> 0).toString(16)}`
}

describe.each(posix)('%s', (adapter) => {
  test('the highest priority comes first, and within one the order of sending', () =>
    both({ adapter, name: freshName() }, async (receiver, sender) => {
      for (const [priority, word] of [
        [0, 'a'],
        [9, 'b'],
        [31, 'c'],
        [9, 'd'],
        [0, 'e'],
      ] as const)
        await sender.send(bytes(word), { priority })
      const seen: string[] = []
      for (let i = 0; i < 5; i++) {
        const message = await receiver.receiveMessage()
        seen.push(`${text(message?.data ?? null)}${message?.priority}`)
      }
      expect(seen).toEqual(['c31', 'b9', 'd9', 'a0', 'e0'])
    }))

  test('a priority out of range is refused', () =>
    both({ adapter, name: freshName() }, async (_, sender) => {
      const highest = adapter === 'message-queue/posix' ? 32767 : 31
      await sender.send(bytes('x'), { priority: highest })
      for (const priority of [highest + 1, -1, 1.5]) await expect(sender.send(bytes('x'), { priority })).rejects.toThrow(RangeError)
    }))

  test('wrong names', async () => {
    await expect(openReceiver({ adapter, name: '/a/b' })).rejects.toThrow(TypeError)
    await expect(openReceiver({ adapter, name: '/' })).rejects.toThrow(TypeError)
    await expect(openReceiver({ adapter, name: 'x'.repeat(256) })).rejects.toThrow(RangeError)
    await expect(listen({ adapter, name: 'x'.repeat(254) })).rejects.toThrow(RangeError)
    await expect(openReceiver({ adapter, name: 'x', maxMessages: 0 })).rejects.toThrow(RangeError)
    const name = freshName().padEnd(255, 'x')
    await (await openReceiver({ adapter, name }, { create: 'exclusive' })).close()
  })

  test('a limit of the kernel is named', async () => {
    const open = openReceiver({ adapter, name: freshName(), maxMessages: 10_000_000 }, { create: 'exclusive' })
    await expect(open).rejects.toMatchObject({ code: 'ERR_IPC_LIMIT', message: expect.stringContaining('fs.mqueue.msg_max') })
    const receivers: Receiver[] = []
    const exhaust = async () => {
      for (let i = 0; i < 300; i++) receivers.push(await openReceiver({ adapter, name: freshName() }, { create: 'exclusive' }))
    }
    await expect(exhaust()).rejects.toMatchObject({ code: 'ERR_IPC_LIMIT', message: expect.stringMatching(/RLIMIT_MSGQUEUE|queues_max/) })
    for (const receiver of receivers) await receiver.close()
  })
})

const folder = mkdtempSync(join(tmpdir(), 'message-queue-test-'))
const tool = (name: string) => join(folder, name)

beforeAll(() => {
  // Not under the memory checker that the other side of a test may run under.
  const { LD_PRELOAD: _, ...env } = process.env
  const sources = fileURLToPath(new URL('../../test/fixtures/', import.meta.url))
  for (const name of ['posix-queue', 'sysv-queue', 'posix-unlink'])
    execFileSync('cc', ['-o', tool(name), join(sources, `${name}.c`), '-lrt'], { env })
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('a C program on the other end', () => {
  test.each(posix)('%s', async (adapter) => {
    const to = { adapter, name: freshName() }
    const from = { adapter, name: freshName() }
    const sender = await openSender(to, { create: 'exclusive' })
    const receiver = await openReceiver(from, { create: 'exclusive' })
    const program = spawn(tool('posix-queue'), [`/${to.name}`, `/${from.name}`], { stdio: 'inherit' })
    const exited = once(program, 'exit')
    await sender.send(bytes('to a c program'), { priority: 5 })
    const message = await receiver.receiveMessage()
    expect([text(message?.data ?? null), message?.priority]).toEqual(['TO A C PROGRAM', 6])
    expect(await exited).toEqual([0, null])
    await sender.close()
    await receiver.close()
  })

  test('message-queue/sysv, by key and type', async () => {
    const key = 0x1bc00000 + (process.pid & 0xfffff)
    const sender = await openSender({ adapter: 'message-queue/sysv', key, type: 7 }, { create: 'exclusive' })
    const receiver = await openReceiver(`mq+sysv:///0x${key.toString(16)}?type=8`)
    const program = spawn(tool('sysv-queue'), [String(key), '7'], { stdio: 'inherit' })
    const exited = once(program, 'exit')
    await sender.send(bytes('to a c program'))
    expect(text(await receiver.receive())).toBe('TO A C PROGRAM')
    expect(await exited).toEqual([0, null])
    await sender.close()
    await receiver.close()
  })
})

describe('message-queue/sysv', () => {
  const adapter = 'message-queue/sysv'

  test('wrong addresses', async () => {
    await expect(openReceiver({ adapter, name: '/a/b' })).rejects.toThrow(TypeError)
    await expect(openReceiver({ adapter, name: '0x12' })).rejects.toThrow(TypeError)
    await expect(openReceiver({ adapter, key: 0 })).rejects.toThrow(RangeError)
    await expect(openReceiver({ adapter, key: 2 ** 32 })).rejects.toThrow(RangeError)
    await expect(openReceiver({ adapter, name: 'x', type: 0 })).rejects.toThrow(RangeError)
    await expect(openReceiver('mq+sysv://x')).rejects.toThrow(TypeError)
  })

  test('the name has the key that is documented, and the mode is 0600', async () => {
    const name = freshName()
    const receiver = await openReceiver({ adapter, name }, { create: 'exclusive' })
    const row = readFileSync('/proc/sysvipc/msg', 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .find(([key]) => Number(key) === (Number(keyOf(name)) | 0))
    expect(row?.[2]).toBe('600')
    await receiver.close()
  })

  test('what a receiver took and did not receive is there for the next', async () => {
    const address = { adapter, name: freshName() } as const
    const sender = await openSender(address, { create: 'exclusive' })
    for (let i = 0; i < 50; i++) {
      const receiver = await openReceiver(address)
      const aborted = receiver.receive()
      expect(sender.trySend(bytes(String(i)))).toBeGreaterThan(0)
      for (let spin = 0; spin < i * 2000; spin++); // from before to after the waiting thread has taken it
      receiver.destroy()
      expect(await code(aborted)).toBe('ERR_IPC_CLOSED')
      const next = await openReceiver(address)
      expect(text(await next.receive({ timeout: 1000 }))).toBe(String(i))
      await next.close()
    }
    await sender.close()
  })

  test('a removed queue is a peer that is gone, to who waits and to who comes', async () => {
    const name = freshName()
    const receiver = await openReceiver({ adapter, name }, { create: 'exclusive' })
    const sender = await openSender({ adapter, name })
    const waiting = receiver.receive()
    execFileSync('ipcrm', ['-Q', keyOf(name)])
    expect(await code(waiting)).toBe('ERR_IPC_PEER_GONE')
    expect(sender.trySend(bytes('x'))).toBe(Result.PEER_GONE)
    await sender.close()
    await receiver.close()
  })
})

test.each(['message-queue/posix', 'message-queue/sysv'])('%s: a thread that ends in the middle of a receive', (adapter) => {
  const said = execFileSync(process.execPath, [fixture('leaving-thread.js'), adapter], { encoding: 'utf8', timeout: 20_000 })
  // The other side's own waiting thread may be there, not that of the worker.
  expect(said).toMatch(/^thread 0, [01] waiting\n$/)
})
