import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { createInterface } from 'node:readline'
import { setImmediate as turn } from 'node:timers/promises'
import {
  type AdapterId,
  connect,
  isIpcError,
  listen,
  openReceiver,
  openSender,
  type Peer,
  Result,
  type SpawnOptions,
  spawnPeer,
} from 'ipc-playground'
import { afterEach, describe, expect, test } from 'vitest'
import { native } from '../src/adapters/signal/native.js'
import { programAt } from '../src/core/program-at.js'
import { limitPending, pendingLimit } from './support/pending-limit.js'

const peerModule = new URL('./fixtures/signal-peer.js', import.meta.url)
/** syscalls(2) of this machine. */
const RT_TGSIGQUEUEINFO = process.arch === 'x64' ? 297 : 240
/** The first that is not glibc's own. signal(7) */
const SIGRTMIN = 34
const word = (n: number) => Uint8Array.of(n, n >>> 8, n >>> 16, n >>> 24)
const numberOf = (data: Uint8Array | null) => Buffer.from(data ?? []).readInt32LE()
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'nothing',
    (error: unknown) => (isIpcError(error) ? error.code : String(error)),
  )
const nameOf = (tid: string) => {
  try {
    return readFileSync(`/proc/self/task/${tid}/comm`, 'utf8')
  } catch {
    return '' // ended meanwhile
  }
}
const threads = () => readdirSync('/proc/self/task').filter((tid) => nameOf(tid).startsWith('ipc-'))

/** A mask of this thread, such as SigBlk or SigPnd, or of the process, ShdPnd. proc_pid_status(5) */
const maskOf = (field: string, status = readFileSync('/proc/thread-self/status', 'utf8')) =>
  BigInt(`0x${new RegExp(`^${field}:\\s*([0-9a-f]+)`, 'm').exec(status)?.[1] ?? ''}`)

/** No tracer, or a checker of leaks in every process, which does not run in what is traced. */
const untraceable = programAt('strace') === undefined || process.env.LD_PRELOAD?.includes('libasan') === true

/** Both ends of a channel, in this thread. */
async function pair(scheme: 'signal' | 'signal+standard') {
  const server = await listen(`${scheme}://self`)
  const client = await connect(server.address, { timeout: 5000 })
  const { value: channel } = await server[Symbol.asyncIterator]().next()
  return { server, client, channel }
}

const peers: Peer[] = []
const spawned = async (adapter: AdapterId, args: string[], options: SpawnOptions = {}) => {
  const peer = await spawnPeer(peerModule, { adapter, args, timeout: 10_000, killAfter: 100, ...options })
  peers.push(peer)
  return peer
}

afterEach(async () => {
  // A test that failed must not be the reason why the next ones do.
  for (const peer of peers.splice(0)) await peer[Symbol.asyncDispose]()
  expect(threads()).toEqual([])
})

describe('signal/realtime', () => {
  test('100,000 words from a process that exits at once: in order, none lost', async () => {
    const count = 100_000
    const peer = await spawned('signal/realtime', ['count', String(count)])
    let expected = 0
    const target = new Uint8Array(4)
    while (expected < count) {
      await peer.channel.receiveInto(target, { timeout: 10_000 })
      if (numberOf(target) !== expected) break
      expected++
    }
    expect(expected).toBe(count)
    expect(await codeOf(peer.channel.receive({ timeout: 10_000 }))).toBe('ERR_IPC_PEER_GONE')
    await peer[Symbol.asyncDispose]()
  }, 60_000)

  test('echo both ways, asynchronously and blocking', async () => {
    const peer = await spawned('signal/realtime', ['echo'])
    for (const n of [0, -1, 0x01020304, -2147483648]) {
      await peer.channel.send(word(n))
      expect(numberOf(await peer.channel.receive({ timeout: 5000 }))).toBe(n)
    }
    expect(peer.channel.peer).toEqual({ pid: peer.pid, uid: process.geteuid?.() })
    expect(await codeOf(peer.channel.send(new Uint8Array(5)))).toBe('ERR_IPC_PAYLOAD_SIZE')
    expect(peer.channel.tryReceiveInto(new Uint8Array(4))).toBe(-1)
    process.kill(peer.pid, 'SIGKILL')
    expect(await codeOf(peer.channel.receive({ timeout: 5000 }))).toBe('ERR_IPC_PEER_GONE')
    expect(await codeOf(peer.channel.send(word(1)))).toBe('ERR_IPC_PEER_GONE')
    await peer[Symbol.asyncDispose]()

    const other = await spawned('signal/realtime', ['sync', '1000'])
    for (let i = 0; i < 1000; i++) {
      other.channel.sync?.send(word(i))
      expect(numberOf(other.channel.sync?.receive({ timeout: 5000 }) ?? null)).toBe(i)
    }
    expect(await other.exited).toEqual({ code: 0, signal: null })
    expect(() => other.channel.sync?.receive()).toThrow(expect.objectContaining({ code: 'ERR_IPC_PEER_GONE' }))
    await other.channel.close()
  }, 30_000)

  test('a blocked receive without a limit ends with the peer, after its last word', async () => {
    const peer = await spawned('signal/realtime', ['exit'])
    expect(peer.channel.sync?.receive()).toEqual(new Uint8Array(4))
    expect(() => peer.channel.sync?.receive()).toThrow(expect.objectContaining({ code: 'ERR_IPC_PEER_GONE' }))
    await peer[Symbol.asyncDispose]()
  })

  test('in order, whichever way each word is received', async () => {
    const count = 30_000
    const peer = await spawned('signal/realtime', ['count', String(count)])
    const target = new Uint8Array(4)
    const ways = [
      () => peer.channel.sync?.receiveInto(target),
      () => peer.channel.receiveInto(target, { timeout: 10_000 }),
      () => {
        while (peer.channel.tryReceiveInto(target) !== 4);
      },
      () => peer.channel.sync?.receiveInto(target, { timeout: 10_000 }),
    ]
    for (let i = 0; i < count; i++) {
      await ways[(i >> 4) % ways.length]?.()
      if (numberOf(target) !== i) expect(numberOf(target)).toBe(i)
    }
    expect(() => peer.channel.sync?.receive()).toThrow(expect.objectContaining({ code: 'ERR_IPC_PEER_GONE' }))
    await peer[Symbol.asyncDispose]()
  }, 60_000)

  test('what is directed to this thread, but not by the peer to the channel, is not for the channel', async () => {
    const { server, client, channel } = await pair('signal')
    const raw = await openReceiver('signal://self')
    const { signalDataNumber } = native
    // To the thread; with the channel's label; of another channel with this process, as if it were an old one.
    expect(native.signalSend(process.pid, process.pid, signalDataNumber, 1, 0)).toBe(0)
    const labels = threads().map(Number)
    for (const label of labels) expect(native.signalSend(process.pid, process.pid, signalDataNumber, 2, label)).toBe(0)
    const other = native.signalOpen(signalDataNumber, 'ipc-rt-other', 0)
    expect(native.signalPair(other, process.pid, native.signalTid(other), process.pid)).toBe(0)
    expect(native.signalPut(other, 3)).toBe(0)
    await channel.send(word(4))
    await client.send(word(5))
    expect(numberOf(client.sync?.receive({ timeout: 5000 }) ?? null)).toBe(4)
    expect(numberOf(await channel.receive({ timeout: 5000 }))).toBe(5)
    // Once more, while a receive waits without a try before.
    for (let i = 0; i < 2; i++)
      expect(() => client.sync?.receive({ timeout: 1 })).toThrow(expect.objectContaining({ code: 'ERR_IPC_TIMEOUT' }))
    expect(native.signalPut(other, 3)).toBe(0)
    await channel.send(word(6))
    expect(numberOf(client.sync?.receive({ timeout: 5000 }) ?? null)).toBe(6)
    expect(client.tryReceiveInto(new Uint8Array(4))).toBe(-1)
    expect(channel.tryReceiveInto(new Uint8Array(4))).toBe(-1)
    for (const expected of [
      1,
      ...threads()
        .slice(1)
        .map(() => 2),
    ])
      expect(numberOf(await raw.receive({ timeout: 5000 }))).toBe(expected)
    native.signalClose(other)
    await raw.close()
    await client.close()
    await server.close()
  })

  test('at RLIMIT_SIGPENDING trySend says so, and send waits', async () => {
    const soft = pendingLimit('SOFT')
    limitPending('64')
    try {
      const count = 3000
      const peer = await spawned('signal/realtime', ['hold', String(count)])
      await peer.channel.receive({ timeout: 5000 })
      process.kill(peer.pid, 'SIGSTOP')
      // proc_pid_stat(5): the state is the field after the command in parentheses.
      while (!/\) T /.test(readFileSync(`/proc/${peer.pid}/stat`, 'utf8'))) await turn()
      // The kernel counts for the whole user: what other processes have pending comes and goes. All is ours in the end.
      let sent = 0
      let outcome = 'nothing'
      while (outcome === 'nothing' && sent <= 64) {
        while (peer.channel.trySend(word(sent)) === 4) sent++
        outcome = await codeOf(peer.channel.send(word(sent), { timeout: 20 }))
        if (outcome === 'nothing') sent++
      }
      expect(outcome).toBe('ERR_IPC_TIMEOUT')
      expect(sent).toBeLessThanOrEqual(64)
      process.kill(peer.pid, 'SIGCONT')
      while (sent < count) await peer.channel.send(word(sent++))
      expect(numberOf(await peer.channel.receive({ timeout: 5000 }))).toBe(count)
      await peer[Symbol.asyncDispose]()
    } finally {
      limitPending(soft)
    }
  }, 30_000)

  test("a shell's kill reaches a raw receiver, and kills nobody", async () => {
    const receiver = await openReceiver('signal://self')
    execFileSync('bash', ['-c', `for i in 1 2 3; do kill -s RTMIN+6 ${process.pid}; done`])
    for (let i = 0; i < 3; i++) expect(await receiver.receive({ timeout: 5000 })).toEqual(new Uint8Array(4))
    const shell = spawn('bash', ['-c', `kill -s RTMIN+6 ${process.pid}`])
    const exited = once(shell, 'exit')
    const message = await receiver.receiveMessage({ timeout: 5000 })
    expect(message?.from).toEqual({ pid: shell.pid, uid: process.getuid?.() })
    await exited
    const sender = await openSender({ adapter: 'signal/realtime', pid: process.pid })
    for (let i = 0; i < 5000; i++) await sender.send(word(i))
    for (let i = 0; i < 5000; i++) expect(numberOf(await receiver.receive({ timeout: 5000 }))).toBe(i)
    await sender.close()
    await receiver.close()
    execFileSync('bash', ['-c', `kill -s RTMIN+6 ${process.pid}`])
  }, 30_000)

  test('a listener takes one peer and refuses the rest, and is free again after closing', async () => {
    for (let round = 0; round < 3; round++) {
      const server = await listen('signal://self')
      expect(await codeOf(listen('signal://self'))).toBe('ERR_IPC_EXISTS')
      const client = await connect(server.address, { timeout: 5000 })
      const { value: channel } = await server[Symbol.asyncIterator]().next()
      expect(await codeOf(connect(server.address, { timeout: 5000 }))).toBe('ERR_IPC_NOT_FOUND')
      await client.send(word(round))
      expect(numberOf(await channel.receive({ timeout: 5000 }))).toBe(round)
      await channel.send(word(7))
      expect(numberOf(await client.receive({ timeout: 5000 }))).toBe(7)
      await client.close()
      expect(await codeOf(channel.send(word(0)))).toBe('ERR_IPC_PEER_GONE')
      await server.close()
    }
    const server = await listen('signal://self', { allow: () => false })
    expect(await codeOf(connect(server.address, { timeout: 5000 }))).toBe('ERR_IPC_PERMISSION')
    const waiting = connect(server.address, { timeout: 5000, signal: AbortSignal.timeout(5000) })
    expect(await codeOf(waiting)).toBe('ERR_IPC_PERMISSION')
    await server.close()
  }, 30_000)

  test('two connectors at once: one is the peer, the other is told', async () => {
    const server = await listen('signal://self')
    const results = await Promise.allSettled([connect(server.address, { timeout: 5000 }), connect(server.address, { timeout: 5000 })])
    const channels = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
    const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.reason.code] : []))
    expect(channels).toHaveLength(1)
    expect(errors).toEqual(['ERR_IPC_BUSY'])
    await channels[0]?.close()
    await server.close()
  })

  test('bad addresses', async () => {
    await expect(connect('signal://abc')).rejects.toThrow(TypeError)
    await expect(connect('signal://0')).rejects.toThrow(RangeError)
    await expect(listen('signal://1')).rejects.toThrow(RangeError)
    expect(await codeOf(connect({ adapter: 'signal/realtime', pid: 4194303 }))).toBe('ERR_IPC_NOT_FOUND')
    expect(await codeOf(connect({ adapter: 'signal/realtime', pid: process.ppid }))).toBe('ERR_IPC_NOT_FOUND')
    expect(await codeOf(openSender({ adapter: 'signal/realtime', pid: 4194303 }))).toBe('ERR_IPC_NOT_FOUND')
  })
})

describe('signal/standard', () => {
  test('events both ways, and the end of the peer', async () => {
    const peer = await spawned('signal/standard', ['echo'])
    for (let i = 0; i < 100; i++) {
      await peer.channel.send(new Uint8Array(0))
      expect(await peer.channel.receive({ timeout: 5000 })).toEqual(new Uint8Array(0))
    }
    expect(await codeOf(peer.channel.send(new Uint8Array(1)))).toBe('ERR_IPC_PAYLOAD_SIZE')
    process.kill(peer.pid, 'SIGKILL')
    expect(await codeOf(peer.channel.receive({ timeout: 5000 }))).toBe('ERR_IPC_PEER_GONE')
    await peer[Symbol.asyncDispose]()
  }, 30_000)

  test("a shell's kill -USR2 arrives as an event, and a channel does not hear it", async () => {
    const receiver = await openReceiver('signal+standard://self')
    const server = await listen('signal+standard://self')
    const client = await connect(server.address, { timeout: 5000 })
    execFileSync('sh', ['-c', `kill -USR2 ${process.pid}`])
    expect(await receiver.receive({ timeout: 5000 })).toEqual(new Uint8Array(0))
    expect(client.tryReceiveInto(new Uint8Array(0))).toBe(-1)
    await client.close()
    await server.close()
    await receiver.close()
  })

  test('process.on hears of what is sent to the process while a channel is open', async () => {
    const { server, client, channel } = await pair('signal+standard')
    const heard = once(process, 'SIGUSR2')
    execFileSync('sh', ['-c', `kill -USR2 ${process.pid}`])
    while (client.tryReceiveInto(new Uint8Array(0)) !== -1);
    await heard
    await channel.send(new Uint8Array(0))
    expect(await client.receive({ timeout: 5000 })).toEqual(new Uint8Array(0))
    await client.close()
    await server.close()
  })

  test('many become at least one', async () => {
    const receiver = await openReceiver('signal+standard://self')
    const sender = await openSender({ adapter: 'signal/standard', pid: process.pid })
    for (let i = 0; i < 1000; i++) expect(sender.trySend(new Uint8Array(0))).toBe(0)
    let events = 0
    while (await receiver.receive({ timeout: 100 }).catch(() => null)) events++
    expect(events).toBeGreaterThan(0)
    expect(events).toBeLessThanOrEqual(1000)
    await sender.close()
    await receiver.close()
  })
})

describe.each(['signal/realtime', 'signal/standard'] as const)('%s', (adapter) => {
  /** Their bits of a mask: of data and of the library's wake-up, which stay blocked where a channel was, and of data alone. */
  const data = 1n << BigInt((adapter === 'signal/realtime' ? SIGRTMIN + 6 : constants.signals.SIGUSR2) - 1)
  const own = data | (1n << BigInt(constants.signals.SIGSTKFLT - 1))

  test('a closed channel leaves its signal blocked and nothing else, nothing pending, and nothing that kills', async () => {
    const scheme = adapter === 'signal/realtime' ? 'signal' : 'signal+standard'
    const payload = new Uint8Array(adapter === 'signal/realtime' ? 4 : 0)
    const before = maskOf('SigBlk')
    for (let round = 0; round < 3; round++) {
      const { server, client, channel } = await pair(scheme)
      expect(maskOf('SigBlk')).toBe(before | own)
      const child = execFileSync('cat', ['/proc/self/status'], { encoding: 'utf8' })
      expect(maskOf('SigBlk', child)).toBe(0n)
      for (let i = 0; i < 500; i++) channel.trySend(payload)
      expect(maskOf('SigPnd')).not.toBe(0n)
      // Nothing of an earlier round has come.
      if (payload.length > 0) expect(client.sync?.receive({ timeout: 5000 })).toEqual(payload)
      await client.close()
      expect(maskOf('SigBlk')).toBe(before | own)
      expect(maskOf('SigPnd')).toBe(0n)
      expect(await codeOf(channel.send(payload))).toBe('ERR_IPC_PEER_GONE')
      await server.close()
    }
  })

  test.skipIf(untraceable)('what a sender was about to send when the channel closed does not end this process', async () => {
    const peer = await spawned(adapter, ['flood'])
    const payload = new Uint8Array(peer.channel.capabilities.payload.min)
    expect(peer.channel.sync?.receive({ timeout: 5000 })).toEqual(payload)
    // The sender has found the receiver, and goes on when that is no more.
    const strace = spawn(
      'strace',
      ['-f', '-p', `${peer.pid}`, '-e', 'trace=rt_tgsigqueueinfo', '-e', 'inject=rt_tgsigqueueinfo:delay_enter=2000000:when=2'],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    )
    for await (const line of createInterface(strace.stderr)) if (line.includes('rt_tgsigqueueinfo(')) break
    strace.stderr.resume()
    // Behind the end of the first of its calls that is traced, which is seen as well, for a moment.
    for (let turns = 0; turns < 100; await turn())
      turns = readFileSync(`/proc/${peer.pid}/syscall`, 'latin1').startsWith(`${RT_TGSIGQUEUEINFO} `) ? turns + 1 : 0
    expect(peer.channel.sync?.receive({ timeout: 5000 })).toEqual(payload)
    await peer.channel.close()
    expect(maskOf('SigPnd')).toBe(0n)
    expect(await peer.exited).toEqual({ code: 3, signal: null })
    expect(maskOf('SigPnd')).toBe(data)
    await once(strace, 'exit')
    const { server, client, channel } = await pair(adapter === 'signal/realtime' ? 'signal' : 'signal+standard')
    expect(client.tryReceiveInto(new Uint8Array(4))).toBe(Result.WOULD_BLOCK)
    await channel.send(payload)
    expect(await client.receive({ timeout: 5000 })).toEqual(payload)
    await client.close()
    await server.close()
  })

  test('process.exit() while the receiver thread waits', async () => {
    const peer = await spawned(adapter, ['exit'])
    expect(await peer.exited).toEqual({ code: 7, signal: null })
    await peer[Symbol.asyncDispose]()
  })

  test('a worker thread as the peer, ended in the middle', async () => {
    const payload = adapter === 'signal/realtime' ? word(5) : new Uint8Array(0)
    const peer = await spawned(adapter, ['echo'], { thread: true })
    await peer.channel.send(payload)
    expect(await peer.channel.receive({ timeout: 5000 })).toEqual(payload)
    await peer[Symbol.asyncDispose]()
    expect(threads()).toEqual([])
    const second = await spawned(adapter, ['exit'], { thread: true })
    expect(await second.channel.receive({ timeout: 5000 })).toEqual(new Uint8Array(payload.length))
    expect(await codeOf(second.channel.receive({ timeout: 5000 }))).toBe('ERR_IPC_PEER_GONE')
    await second[Symbol.asyncDispose]()
  }, 30_000)
})
