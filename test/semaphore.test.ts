import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Channel, connect, isIpcError, listen, openReceiver, Result, spawnPeer } from 'ipc-playground'
import { describe, expect, test } from 'vitest'
import { adapterById } from '../src/core/registry.js'
import { keyOfName } from '../src/core/sysv-key.js'

const adapters = ['semaphore/posix', 'semaphore/sysv'] as const
const fixture = (name: string) => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url))
const token = new Uint8Array(0)
const code = (promise: Promise<unknown>) =>
  promise.then(
    () => 'nothing',
    (error: unknown) => (isIpcError(error) ? error.code : String(error)),
  )

let count = 0
const freshName = () => `ipc-playground-test-${process.pid}-${count++}`

/** Whether the kernel has an object of this name. */
function stands(adapter: (typeof adapters)[number], name: string): boolean {
  if (adapter === 'semaphore/posix') return readdirSync('/dev/shm').some((file) => file.startsWith(`sem.${name}.`))
  const keys = readFileSync('/proc/sysvipc/sem', 'utf8').split('\n')
  return keys.some((line) => Number(line.trim().split(/\s+/)[0]) === (keyOfName(name) | 0))
}

async function pair(adapter: (typeof adapters)[number], run: (listener: Channel, connector: Channel, name: string) => Promise<void>) {
  const name = freshName()
  const server = await listen({ adapter, name })
  const connector = await connect({ adapter, name })
  for await (const listener of server) {
    await run(listener, connector, name)
    await listener.close()
  }
  await connector.close()
  await server.close()
  expect(stands(adapter, name)).toBe(false)
}

describe.each(adapters)('%s', (adapter) => {
  test('tokens come back from another process, by the event loop and by the blocking face', async () => {
    for (const args of [['async'], ['sync', '200']]) {
      const peer = await spawnPeer(fixture('echo-peer.js'), { adapter, args })
      for (let i = 0; i < 200; i++) {
        await peer.channel.send(token)
        expect(await peer.channel.receive()).toEqual(token)
      }
      await peer[Symbol.asyncDispose]()
      expect(await peer.exited).toEqual({ code: 0, signal: null })
    }
  })

  test('what was posted right before process.exit is received, then the peer is gone', async () => {
    const peer = await spawnPeer(fixture('parting-peer.js'), { adapter, args: ['5'] })
    await peer.exited
    for (let i = 0; i < 5; i++) expect(await peer.channel.receive()).toEqual(token)
    expect(await code(peer.channel.receive())).toBe('ERR_IPC_PEER_GONE')
    await peer[Symbol.asyncDispose]()
  })

  test('a message has no bytes', () =>
    pair(adapter, async (listener) => {
      expect(listener.capabilities.payload).toEqual({ min: 0, max: 0 })
      expect(await code(listener.send(Uint8Array.of(1)))).toBe('ERR_IPC_PAYLOAD_SIZE')
      expect(await code(openReceiver({ adapter, name: freshName() }))).toBe('ERR_IPC_UNAVAILABLE')
    }))

  test('each direction counts by itself', () =>
    pair(adapter, async (listener, connector) => {
      for (let i = 0; i < 3; i++) expect(listener.trySend(token)).toBe(0)
      expect(connector.trySend(token)).toBe(0)
      expect([listener, connector].map((side) => countOf(side))).toEqual([1, 3])
    }))

  test('the listener takes one peer, and a second is refused', async () => {
    const name = freshName()
    const address = { adapter, name } as const
    expect(await code(connect(address))).toBe('ERR_IPC_NOT_FOUND')
    const server = await listen(address)
    expect(await code(listen(address))).toBe('ERR_IPC_EXISTS')
    const channel = await connect(address)
    expect(['ERR_IPC_BUSY', 'ERR_IPC_NOT_FOUND']).toContain(await code(connect(address)))
    await channel.close()
    await server.close()
    expect(stands(adapter, name)).toBe(false)
  })

  test('the mode is 0600', async () => {
    const name = freshName()
    const server = await listen({ adapter, name })
    if (adapter === 'semaphore/sysv') expect(readFileSync('/proc/sysvipc/sem', 'utf8')).toMatch(/ 600 +4 /)
    else expect(execFileSync('stat', ['-c', '%a', `/dev/shm/sem.${name}.0`], { encoding: 'utf8' })).toBe('600\n')
    await server.close()
    expect(stands(adapter, name)).toBe(false)
  })

  test('a killed listener is not connected to, and its name is free', async () => {
    const name = freshName()
    const url = (await adapterById(adapter)).format({ name })
    const child = spawn(process.execPath, [fixture('abandoned-listener.js'), url], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    expect(stands(adapter, name)).toBe(true)
    child.kill('SIGKILL')
    await once(child, 'exit') // from here on any process of the library may sweep it
    expect(await code(connect(url))).toBe('ERR_IPC_NOT_FOUND')
    expect(stands(adapter, name)).toBe(false)
  })

  test('a token that came while a receive was aborted goes to the next', () =>
    pair(adapter, async (listener, connector) => {
      for (let i = 0; i < 100; i++) {
        const abort = new AbortController()
        const aborted = connector.receive({ signal: abort.signal })
        expect(listener.trySend(token)).toBe(0)
        for (let spin = 0; spin < i * 1000; spin++); // from before to after the waiting thread has taken it
        abort.abort()
        await expect(aborted).rejects.toBe(abort.signal.reason)
        expect(await connector.receive()).toEqual(token)
        expect(connector.tryReceiveInto(token)).toBe(Result.WOULD_BLOCK)
      }
    }))

  test('waits with a limit', () =>
    pair(adapter, async (_, connector) => {
      expect(await code(connector.receive({ timeout: 5 }))).toBe('ERR_IPC_TIMEOUT')
      expect(() => connector.sync?.receive({ timeout: 5 })).toThrow(/5 ms/)
    }))

  test('wrong names', async () => {
    await expect(listen({ adapter, name: '/a/b' })).rejects.toThrow(TypeError)
    await expect(listen({ adapter, name: '' })).rejects.toThrow(TypeError)
    await expect(listen({ adapter, name: 'x'.repeat(256) })).rejects.toThrow(RangeError)
    const longest = freshName().padEnd(adapter === 'semaphore/posix' ? 249 : 255, 'x')
    await (await listen({ adapter, name: longest })).close()
    await expect(listen({ adapter, name: `${longest}x` })).rejects.toThrow(RangeError)
  })

  test('a thread that ends in the middle of a receive', () => {
    const said = execFileSync(process.execPath, [fixture('leaving-thread.js'), adapter], { encoding: 'utf8', timeout: 20_000 })
    expect(said).toBe('thread 0, 1 waiting\n') // the main thread's own, idle after the hello
  })
})

function countOf(channel: Channel): number {
  for (let taken = 0; ; taken++) if (channel.tryReceiveInto(token) === Result.WOULD_BLOCK) return taken
}

describe('semaphore/sysv', () => {
  const adapter = 'semaphore/sysv'

  test('at SEMVMX send waits until a token was taken', () =>
    pair(adapter, async (listener, connector) => {
      let sent = 0
      while (listener.trySend(token) === 0) sent++
      expect(sent).toBe(32767)
      expect(await code(listener.send(token, { timeout: 5 }))).toBe('ERR_IPC_TIMEOUT')
      const waiting = listener.send(token)
      await connector.receive()
      await waiting
      expect(countOf(connector)).toBe(32767)
    }))

  test('a removed set is a peer that is gone, to who waits and to who comes', () =>
    pair(adapter, async (listener, connector, name) => {
      const waiting = connector.receive()
      execFileSync('ipcrm', ['-S', String(keyOfName(name))])
      expect(await code(waiting)).toBe('ERR_IPC_PEER_GONE')
      expect(listener.trySend(token)).toBe(Result.PEER_GONE)
    }))
})
