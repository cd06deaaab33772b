/** Permits shared by name: their count, who gets them, what a killed holder leaves, and bad input. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import {
  isIpcError,
  listen,
  openSemaphore,
  openSharedMemory,
  type Semaphore,
  type SemaphoreKind,
  type SemaphoreOptions,
} from 'ipc-playground'
import { afterEach, describe, expect, test } from 'vitest'
import { keyOfName } from '../src/core/sysv-key.js'
import { native } from '../src/native/semaphore.js'

const kinds = ['sysv', 'posix', 'atomics'] as const
const fixture = (name: string) => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url))
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'nothing',
    (error: unknown) => (isIpcError(error) ? error.code : String(error)),
  )

const open: Semaphore[] = []
const children: ChildProcess[] = []
let count = 0
const freshName = () => `ipc-permits-${process.pid}-${count++}`

async function opened(name: string, options: SemaphoreOptions): Promise<Semaphore> {
  const semaphore = await openSemaphore(name, options)
  open.push(semaphore)
  return semaphore
}
const made = (kind: SemaphoreKind, permits: number, name = freshName()) => opened(name, { kind, permits, create: 'exclusive' })

/** A fixture's process. */
function started(...args: (string | number)[]): ChildProcess {
  const child = spawn(process.execPath, [fixture('permit-holder.js'), ...args.map(String)], { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  return child
}

/** A process that holds a permit until it is killed. */
async function holder(kind: SemaphoreKind, name: string, permits: number): Promise<ChildProcess> {
  const child = started('hold', kind, name, permits)
  if (child.stdout !== null) await once(child.stdout, 'data')
  return child
}

async function kill(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  for (const semaphore of open.splice(0)) {
    semaphore.close()
    semaphore.unlink()
  }
})

/** How many there are to take now. */
function available(semaphore: Semaphore): number {
  const permits = []
  for (let permit = semaphore.tryAcquire(); permit !== null; permit = semaphore.tryAcquire()) permits.push(permit)
  for (const permit of permits) permit.release()
  return permits.length
}

describe.each(kinds)('openSemaphore, kind %s', (kind) => {
  test('has as many permits as it was made with; release comes twice, by disposal or by hand', async () => {
    const semaphore = await made(kind, 3)
    expect(semaphore.crashSafe).toBe(kind === 'sysv')
    const permits = [await semaphore.acquire(), semaphore.acquireSync(), semaphore.tryAcquire()]
    expect(semaphore.tryAcquire()).toBeNull()
    permits[0]?.release()
    permits[0]?.release()
    permits[0]?.[Symbol.dispose]()
    expect(available(semaphore)).toBe(1)
    {
      using _permit = await semaphore.acquire()
      expect(available(semaphore)).toBe(0)
    }
    expect(await semaphore.withPermit(() => available(semaphore))).toBe(0)
    await expect(
      semaphore.withPermit(() => {
        throw new Error('body')
      }),
    ).rejects.toThrow('body')
    expect(available(semaphore)).toBe(1)
  })

  test('follows create, and says what differs', async () => {
    const name = freshName()
    expect(await codeOf(opened(name, { kind, permits: 2 }))).toBe('ERR_IPC_NOT_FOUND')
    const first = await opened(name, { kind, permits: 2, create: 'if-missing' })
    expect(await codeOf(opened(name, { kind, permits: 2, create: 'exclusive' }))).toBe('ERR_IPC_EXISTS')
    for (const create of ['never', 'if-missing'] as const) {
      expect(await codeOf(opened(name, { kind, permits: 3, create }))).toBe('ERR_IPC_VERSION')
      await expect(opened(name, { kind, permits: 3, create })).rejects.toThrow(/2 permits.*not.*3/)
    }
    // Not the count of the moment is compared.
    const permit = await first.acquire()
    const second = await opened(name, { kind, permits: 2 })
    expect(available(second)).toBe(1)
    permit.release()
    first.post()
    expect(available(await opened(name, { kind, permits: 2 }))).toBe(3)
    first.unlink()
    first.unlink()
    expect(await codeOf(opened(name, { kind, permits: 2 }))).toBe('ERR_IPC_NOT_FOUND')
    // A successor is not the one that was opened.
    const successor = await opened(name, { kind, permits: 5, create: 'exclusive' })
    first.unlink()
    expect(available(await opened(name, { kind, permits: 5 }))).toBe(5)
    expect(available(successor)).toBe(5)
  })

  test('stays, with its count, when all have closed it', async () => {
    const name = freshName()
    const first = await openSemaphore(name, { kind, permits: 2, create: 'exclusive' })
    first.post(2)
    first.close()
    expect(available(await opened(name, { kind, permits: 2 }))).toBe(4)
  })

  test('the mode is 0600, or what was asked for', async () => {
    for (const [mode, text] of [
      [undefined, '600'],
      [0o640, '640'],
    ] as const) {
      const name = freshName()
      await opened(name, { kind, permits: 1, create: 'exclusive', ...(mode === undefined ? {} : { mode }) })
      const file = `/dev/shm/${kind === 'posix' ? 'sem.' : 'semaphore.'}${name}`
      const key = String(keyOfName(name) | 0)
      const row = readFileSync('/proc/sysvipc/sem', 'utf8')
        .split('\n')
        .find((line) => line.trim().split(/\s+/)[0] === key)
      expect(kind === 'sysv' ? row?.trim().split(/\s+/)[2] : execFileSync('stat', ['-c', '%a', file], { encoding: 'utf8' }).trim()).toBe(
        text,
      )
    }
  })

  test('calls are served in their order; tryAcquire and acquireSync do not push in', async () => {
    const semaphore = await made(kind, 1)
    const first = await semaphore.acquire()
    const order: number[] = []
    const waiting = [1, 2, 3].map(async (n) => {
      const permit = await semaphore.acquire()
      order.push(n)
      expect(semaphore.tryAcquire()).toBeNull()
      permit.release()
    })
    await new Promise((resolve) => setImmediate(resolve))
    expect(() => semaphore.acquireSync()).toThrow(expect.objectContaining({ code: 'ERR_IPC_BUSY' }))
    first.release()
    await Promise.all(waiting)
    expect(order).toEqual([1, 2, 3])
    expect(available(semaphore)).toBe(1)
  })

  test('a wait ends by its signal or timeout, and takes nothing', async () => {
    const semaphore = await made(kind, 1)
    const held = await semaphore.acquire()
    expect(await codeOf(semaphore.acquire({ timeout: 20 }))).toBe('ERR_IPC_TIMEOUT')
    expect(() => semaphore.acquireSync({ timeout: 20 })).toThrow(expect.objectContaining({ code: 'ERR_IPC_TIMEOUT' }))
    expect(() => semaphore.acquireSync({ timeout: 0 })).toThrow(expect.objectContaining({ code: 'ERR_IPC_TIMEOUT' }))
    const reason = new Error('given up')
    await expect(semaphore.acquire({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    held.release()
    expect(available(semaphore)).toBe(1)
  })

  test('what was obtained while its call was aborted goes to the next, or back', async () => {
    const semaphore = await made(kind, 1)
    const other = await openSemaphore(open.length > 0 ? lastName() : '', { kind, permits: 1 })
    open.push(other)
    for (let i = 0; i < 100; i++) {
      const held = await other.acquire()
      const abort = new AbortController()
      const aborted = semaphore.acquire({ signal: abort.signal })
      const next = i % 2 === 0 ? semaphore.acquire() : undefined
      await new Promise((resolve) => setImmediate(resolve))
      held.release()
      for (let spin = 0; spin < i * 1000; spin++); // from before to after the waiting thread has taken it
      abort.abort()
      const outcome = await aborted.catch((error) => error)
      expect(outcome === abort.signal.reason || 'release' in outcome).toBe(true)
      if ('release' in outcome) outcome.release()
      if (next !== undefined) (await next).release()
      expect(available(other)).toBe(1)
    }
  })

  test('close gives back what is held, and refuses those who wait', async () => {
    const name = freshName()
    const semaphore = await made(kind, 2, name)
    const other = await opened(name, { kind, permits: 2 })
    const held = [await semaphore.acquire(), await semaphore.acquire()]
    const waiting = codeOf(semaphore.acquire())
    await new Promise((resolve) => setImmediate(resolve))
    expect(available(other)).toBe(0)
    semaphore.close()
    semaphore.close()
    expect(await waiting).toBe('ERR_IPC_CLOSED')
    for (const permit of held) permit.release()
    expect(available(other)).toBe(2)
    expect(await codeOf(semaphore.acquire())).toBe('ERR_IPC_CLOSED')
    expect(() => semaphore.post()).toThrow(expect.objectContaining({ code: 'ERR_IPC_CLOSED' }))
  })

  test('post adds permits, which wake who waits here and elsewhere, up to a limit', async () => {
    const name = freshName()
    const semaphore = await made(kind, 0, name)
    const other = await opened(name, { kind, permits: 0 })
    const waiting = [semaphore.acquire(), semaphore.acquire(), other.acquire()]
    await new Promise((resolve) => setImmediate(resolve))
    semaphore.post(3)
    await Promise.all(waiting)
    expect(available(semaphore)).toBe(0)
    if (kind !== 'posix') {
      const most = kind === 'sysv' ? 32766 : 2 ** 31 - 1
      semaphore.post(most)
      expect(() => semaphore.post(most)).toThrow(expect.objectContaining({ code: 'ERR_IPC_LIMIT' }))
    }
  })

  test('of several processes never more than the permits are inside', async () => {
    const name = freshName()
    const permits = 3
    await using_(await openSharedMemory(`${name}-inside`, { create: 'exclusive', bytes: 64 }), async (memory) => {
      new Int32Array(memory.buffer)[3] = 6
      // All of them create it, as far as it is missing.
      const processes = Array.from({ length: 6 }, () => started('inside', kind, name, permits, 200))
      const codes = await Promise.all(processes.map(async (child) => (await once(child, 'exit'))[0]))
      expect(codes).toEqual([0, 0, 0, 0, 0, 0])
      const [inside, most, times] = new Int32Array(memory.buffer)
      expect({ inside, times }).toEqual({ inside: 0, times: 1200 })
      expect(most).toBeLessThanOrEqual(permits)
      expect(available(await opened(name, { kind, permits }))).toBe(permits)
    })
  }, 60_000)

  test('a process that exits with a permit', async () => {
    const semaphore = await made(kind, 2)
    const child = started('take', kind, lastName(), 2)
    expect((await once(child, 'exit'))[0]).toBe(0)
    expect(available(semaphore)).toBe(kind === 'sysv' ? 2 : 1)
  })

  test('bad input', async () => {
    const name = freshName()
    const most = kind === 'sysv' ? 32766 : 2 ** 31 - 1
    for (const permits of [-1, 1.5, Number.NaN, most + 1]) await expect(openSemaphore(name, { kind, permits })).rejects.toThrow(RangeError)
    await expect(openSemaphore(name, { kind, permits: '3' as unknown as number })).rejects.toThrow(TypeError)
    await expect(openSemaphore('a/b', { kind, permits: 1 })).rejects.toThrow(TypeError)
    await expect(openSemaphore('x'.repeat(256), { kind, permits: 1 })).rejects.toThrow(RangeError)
    await expect(openSemaphore(name, { kind, permits: 1, create: 'always' as 'never' })).rejects.toThrow(TypeError)
    await expect(openSemaphore(name, { kind: 'mutex' as 'sysv', permits: 1 })).rejects.toThrow(TypeError)
    await expect(openSemaphore(name, { kind, permits: 1, create: 'exclusive', mode: -1 })).rejects.toThrow(RangeError)
    await expect(openSemaphore(name, { kind, permits: 1, create: 'exclusive', signal: AbortSignal.abort('no') })).rejects.toBe('no')
    const semaphore = await made(kind, 1)
    for (const count of [0, -1, 1.5, most + 1]) expect(() => semaphore.post(count)).toThrow(RangeError)
    await expect(semaphore.acquire({ timeout: -1 })).rejects.toThrow(RangeError)
    expect(() => semaphore.acquireSync({ timeout: Number.NaN })).toThrow(RangeError)
  })
})

/** The name of what was made last. */
const lastName = () => `ipc-permits-${process.pid}-${count - 1}`

/** Closes and removes memory after `body`. */
async function using_<M extends { close(): void; unlink(): void }>(memory: M, body: (memory: M) => Promise<void>): Promise<void> {
  try {
    await body(memory)
  } finally {
    memory.unlink()
    memory.close()
  }
}

describe('sysv', () => {
  test('a killed holder gives its permit back, again and again', async () => {
    const name = freshName()
    const semaphore = await made('sysv', 1, name)
    for (let round = 0; round < 10; round++) {
      const child = await holder('sysv', name, 1)
      expect(available(semaphore)).toBe(0)
      const waiting = round % 2 === 0 ? semaphore.acquire({ timeout: 10_000 }) : undefined
      await kill(child)
      const permit = waiting === undefined ? semaphore.acquireSync({ timeout: 10_000 }) : await waiting
      permit.release()
      expect(available(semaphore)).toBe(1)
    }
  }, 60_000)

  test('a worker thread that is ended gives back what it held, also while it waits for more', async () => {
    const name = freshName()
    const semaphore = await made('sysv', 2, name)
    for (let round = 0; round < 5; round++) {
      const thread = new Worker(fixture('holding-thread.js'), { workerData: { name, permits: 2 } })
      await once(thread, 'message')
      expect(available(semaphore)).toBe(0)
      await thread.terminate()
      expect(available(semaphore)).toBe(2)
    }
  }, 30_000)

  test('what was posted stays when the poster ends, and what it held comes back', async () => {
    const name = freshName()
    const semaphore = await made('sysv', 1, name)
    const script = `const { openSemaphore } = await import('ipc-playground'); const s = await openSemaphore('${name}', { permits: 1 })
      s.acquireSync(); s.post(3); process.kill(process.pid, 'SIGKILL')`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' })
    await once(child, 'exit')
    expect(available(semaphore)).toBe(4)
  })

  test('removed by unlink, it is gone for all', async () => {
    const name = freshName()
    const semaphore = await made('sysv', 1, name)
    const other = await opened(name, { permits: 1 })
    const held = await semaphore.acquire()
    const waiting = codeOf(other.acquire())
    await new Promise((resolve) => setImmediate(resolve))
    semaphore.unlink()
    expect(await waiting).toBe('ERR_IPC_PEER_GONE')
    expect(await codeOf(other.acquire())).toBe('ERR_IPC_PEER_GONE')
    held.release()
  })

  test('a set that its creator has not finished is waited for; after a while who asks is told', async () => {
    const name = freshName()
    const set = native.semsetOpen(keyOfName(name), 2, 0o1000 | 0o2000 | 0o600)
    expect(set).toBeGreaterThanOrEqual(0)
    expect(await codeOf(opened(name, { permits: 2, timeout: 20 }))).toBe('ERR_IPC_TIMEOUT')
    const waiting = opened(name, { permits: 2, create: 'if-missing', timeout: 10_000 })
    await new Promise((resolve) => setImmediate(resolve))
    expect(native.semsetOperate(set, Int16Array.of(0, 2, 1, 3))).toBe(0)
    expect(available(await waiting)).toBe(2)
  })

  test('what its creator was killed while making is made anew', async () => {
    const name = freshName()
    expect(await once(started('abandon', 'sysv', name), 'exit')).toEqual([null, 'SIGKILL'])
    expect(native.semsetOpen(keyOfName(name), 2, 0)).toBeGreaterThanOrEqual(0)
    expect(await codeOf(opened(name, { permits: 2, timeout: 1 }))).toBe('ERR_IPC_TIMEOUT')
    expect(available(await opened(name, { permits: 2, create: 'if-missing', timeout: 10_000 }))).toBe(2)
  })

  test('a set of the same key that is none of ours is not used', async () => {
    const name = freshName()
    const server = await listen({ adapter: 'semaphore/sysv', name })
    expect(await codeOf(opened(name, { permits: 1, create: 'if-missing' }))).toBe('ERR_IPC_VERSION')
    await server.close()
  })
})

describe('posix', () => {
  test('a killed holder keeps its permit', async () => {
    const name = freshName()
    const semaphore = await made('posix', 1, name)
    await kill(await holder('posix', name, 1))
    expect(available(semaphore)).toBe(0)
    semaphore.post()
    expect(available(semaphore)).toBe(1)
  })

  test('one that another program made is used, whatever its permits; a file that is none is refused', async () => {
    const name = freshName()
    const make = `from ctypes import CDLL, c_void_p; c = CDLL(None); c.sem_open.restype = c_void_p; assert c.sem_open(b'/${name}', 0o300, 0o600, 7)`
    execFileSync('python3', ['-c', make])
    expect(available(await opened(name, { kind: 'posix', permits: 2 }))).toBe(7)
    const other = freshName()
    const file = `/dev/shm/sem.${other}`
    writeFileSync(file, '')
    expect(await codeOf(opened(other, { kind: 'posix', permits: 1 }))).toBe('ERR_IPC_VERSION')
    truncateSync(file, 16)
    expect(await codeOf(opened(other, { kind: 'posix', permits: 1, create: 'if-missing' }))).toBe('ERR_IPC_VERSION')
    execFileSync('rm', [file])
  })

  test('no draft of one stays', async () => {
    await made('posix', 1)
    expect(await codeOf(made('posix', 1, lastName()))).toBe('ERR_IPC_EXISTS')
    expect(execFileSync('ls', ['/dev/shm'], { encoding: 'utf8' })).not.toMatch(/sem\.ipc-playground-/)
    expect(existsSync(`/dev/shm/sem.${lastName()}`)).toBe(true)
  })
})
