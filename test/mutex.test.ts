/** Mutual exclusion between real processes, and what is left when they are killed. */
import { spawn } from 'node:child_process'
import { once, setMaxListeners } from 'node:events'
import {
  chownSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setImmediate as turn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { type Lock, type Mutex, type MutexPlace, openMutex, openSharedMemory, type SharedMemoryBuffer } from 'ipc-playground'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openFileLock, servedFileSystem } from '../src/sync/file-lock.js'
import { openMemoryLock } from '../src/sync/memory-lock.js'
import { codeOf } from './support/code-of.js'
import { run } from './support/run.js'

const peerFile = fileURLToPath(new URL('./fixtures/mutex-peer.js', import.meta.url))
const fuseFile = fileURLToPath(new URL('./fixtures/fuse-folder.js', import.meta.url))
const KILLS = process.env.FULL === undefined ? 12 : 40

let folder = ''
let memory: SharedMemoryBuffer
const disposables: { close(): void }[] = []
let count = 0

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mutex-'))
  memory = await openSharedMemory(`ipctest-mutex-${process.pid}-${count++}`, { create: 'exclusive', bytes: 64 })
  disposables.push(memory)
})
afterEach(() => {
  memory.unlink()
  for (const thing of disposables.splice(0).reverse()) thing.close()
  rmSync(folder, { recursive: true })
})

/** The two kinds, each as this process and as another one names it. */
const KINDS = ['file', 'memory'] as const
type Kind = (typeof KINDS)[number]
const placeOf = (kind: Kind): MutexPlace => (kind === 'file' ? { file: join(folder, 'state.json') } : { memory, word: 1 })
const toldOf = (kind: Kind): string =>
  JSON.stringify(kind === 'file' ? { file: join(folder, 'state.json') } : { name: memory.token.name, word: 1 })

async function open(kind: Kind): Promise<Mutex> {
  const mutex = await openMutex(placeOf(kind))
  disposables.push(mutex)
  return mutex
}

/** Another process with a mutex. */
class Peer {
  readonly #child
  readonly #lines
  readonly pid: number

  constructor(kind: Kind) {
    this.#child = spawn(process.execPath, [peerFile, toldOf(kind), memory.token.name], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#lines = createInterface(this.#child.stdout)[Symbol.asyncIterator]()
    this.pid = this.#child.pid ?? 0
    disposables.push({ close: () => this.#child.kill('SIGKILL') })
  }

  async line(): Promise<string | undefined> {
    return (await this.#lines.next()).value
  }

  tell(command: string): void {
    this.#child.stdin.write(`${command}\n`)
  }

  ask(command: string): Promise<string | undefined> {
    this.tell(command)
    return this.line()
  }

  /** Settles when it is gone. */
  async end(how: 'kill' | 'leave'): Promise<void> {
    const exited = once(this.#child, 'exit')
    if (how === 'kill') this.#child.kill('SIGKILL')
    else this.tell('leave')
    await exited
  }
}

async function startPeer(kind: Kind): Promise<Peer> {
  const peer = new Peer(kind)
  expect(await peer.line()).toBe('ready')
  return peer
}

function attempt<T>(call: () => T): T | undefined {
  try {
    return call()
  } catch {
    return undefined
  }
}

/** Whether a process has let go of all it had. */
function status(pid: number): 'lives' | 'gone' {
  try {
    return /\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1')) ? 'gone' : 'lives'
  } catch {
    return 'gone'
  }
}

/** Settles when a thread of this process or another sleeps in a wait for the lock. */
async function asleep(pid: number): Promise<void> {
  for (;;) {
    for (const task of readdirSync(`/proc/${pid}/task`)) {
      const waiter = readFileSync(`/proc/${pid}/task/${task}/comm`, 'utf8') === 'ipc-waiter\n'
      // fcntl(2) and futex(2) with FUTEX_WAIT on a shared word; an idle waiter sleeps on a private one, with another operation.
      if (waiter && WAITING.test(readFileSync(`/proc/${pid}/task/${task}/syscall`, 'utf8'))) return
    }
    await turn()
  }
}
const WAITING = process.arch === 'arm64' ? /^(25 \S+ 0x26 |98 \S+ 0x0 )/ : /^(72 \S+ 0x26 |202 \S+ 0x0 )/

describe.each(KINDS)('a mutex in %s', (kind) => {
  test('counts of many processes add up', async () => {
    const file = join(folder, 'count')
    writeFileSync(file, '0')
    const peers = await Promise.all([1, 2, 3, 4].map(() => startPeer(kind)))
    expect(await Promise.all(peers.map((peer) => peer.ask(`count 50 ${file}`)))).toEqual(Array(4).fill('counted'))
    expect(readFileSync(file, 'utf8')).toBe('220')
  })

  test('is held by one at a time, and serves the calls of one Mutex in their order', async () => {
    const mutex = await open(kind)
    const order: number[] = []
    const first = await mutex.acquire()
    const calls = [1, 2, 3, 4, 5].map((i) =>
      mutex.withLock(async (lock) => {
        expect(lock.recovered).toBe(false)
        expect(mutex.tryAcquire()).toBe(null)
        order.push(i)
        await turn()
        order.push(i)
      }),
    )
    await turn()
    expect(order).toEqual([])
    first.release()
    await Promise.all(calls)
    expect(order).toEqual([1, 1, 2, 2, 3, 3, 4, 4, 5, 5])
  })

  test('two of one process exclude one another, and a thread', async () => {
    const [a, b] = [await open(kind), await open(kind)]
    const lock = a.acquireSync()
    expect(b.tryAcquire()).toBe(null)
    expect(() => b.acquireSync({ timeout: 5 })).toThrow(expect.objectContaining({ code: 'ERR_IPC_TIMEOUT' }))
    const worker = new Worker(
      `const { parentPort, workerData: { place, token } } = require('node:worker_threads')
       import('ipc-playground').then(async ({ openMutex, openSharedMemory }) => {
         const mutex = await openMutex(place ?? { memory: await openSharedMemory(token), word: 1 })
         parentPort.postMessage(mutex.tryAcquire())
         const lock = await mutex.acquire()
         parentPort.postMessage(lock.recovered)
         parentPort.once('message', () => process.exit())
       })`,
      { eval: true, workerData: { place: kind === 'file' ? placeOf(kind) : undefined, token: memory.token } },
    )
    expect(await once(worker, 'message')).toEqual([null])
    const held = once(worker, 'message')
    const waiting = b.acquire({ timeout: 30_000 })
    lock.release()
    const winner = await Promise.race([waiting.then(() => 'b'), held.then(() => 'worker')])
    if (winner === 'b') (await waiting).release()
    expect(await held).toEqual([false])
    worker.postMessage('leave')
    if (winner === 'b') await once(worker, 'exit')
    else expect((await waiting).recovered).toBe(true) // the thread has ended without releasing it
  })

  test('a call that has to wait gives up in time, by signal, and at once', async () => {
    const mutex = await open(kind)
    const peer = await startPeer(kind)
    expect(await peer.ask('acquire')).toBe('held false')
    expect(mutex.tryAcquire()).toBe(null)
    expect(await codeOf(mutex.acquire({ timeout: 5 }))).toBe('ERR_IPC_TIMEOUT')
    expect(() => mutex.acquireSync({ timeout: 5 })).toThrow(expect.objectContaining({ code: 'ERR_IPC_TIMEOUT' }))
    expect(() => mutex.acquireSync({ timeout: 0 })).toThrow(expect.objectContaining({ code: 'ERR_IPC_TIMEOUT' }))
    const controller = new AbortController()
    const aborted = mutex.acquire({ signal: controller.signal })
    const next = mutex.acquire()
    expect(mutex.tryAcquire()).toBe(null)
    expect(() => mutex.acquireSync()).toThrow(expect.objectContaining({ code: 'ERR_IPC_BUSY' }))
    await asleep(process.pid)
    controller.abort(new Error('enough'))
    await expect(aborted).rejects.toThrow('enough')
    expect(await codeOf(mutex.acquire({ signal: controller.signal }))).toBe('Error: enough')
    peer.tell('release')
    ;(await next).release()
    expect(await peer.line()).toBe('released')
    expect(await peer.ask('acquireSync')).toBe('held false')
    const sync = asleep(process.pid).then(() => peer.tell('release'))
    ;(await mutex.acquire()).release()
    await sync
  })

  test('7: a lock that was obtained while being aborted is not lost, nor is what it tells', async () => {
    const [mine, other] = [await open(kind), await open(kind)]
    for (let i = 0; i < 300; i++) {
      const lock = other.acquireSync()
      expect(lock.recovered).toBe(false)
      const controller = new AbortController()
      const waiting = mine.acquire({ signal: controller.signal }).then(
        (got) => got.release(),
        () => {},
      )
      if (i % 3 !== 0) await asleep(process.pid)
      lock.release()
      controller.abort()
      await waiting
    }
    other.acquireSync({ timeout: 10_000 }).release()
    mine.acquireSync({ timeout: 10_000 }).release()
    for (let i = 0; i < 6; i++) {
      const peer = await startPeer(kind)
      expect(await peer.ask('acquire')).toBe('held false')
      const controller = new AbortController()
      const waiting = mine.acquire({ signal: controller.signal }).catch(() => undefined)
      await asleep(process.pid)
      const ended = peer.end('kill')
      while (status(peer.pid) !== 'gone') {} // this thread's event loop learns of nothing meanwhile
      if (i % 2 === 0) controller.abort()
      await ended
      const lock = (await waiting) ?? other.acquireSync({ timeout: 10_000 })
      expect(lock.recovered).toBe(true)
      lock.release()
    }
  })

  test('a release without an end between two processes loses no wake-up', async () => {
    const [here, peer] = [await open(kind), await startPeer(kind)]
    expect(await peer.ask('loop')).toBe('looping')
    // The loop takes it again and again, and lets this one have it all the same.
    for (let i = 0; i < 200; i++) {
      using lock = i % 2 === 0 ? await here.acquire() : here.acquireSync()
      expect(lock.recovered).toBe(false)
      if (i % 3 === 0) await turn()
    }
  })

  test('who takes it again and again lets those who wait have it', async () => {
    const [busy, other] = [await open(kind), await open(kind)]
    let lock: Lock | undefined = busy.acquireSync()
    const waiting = other.acquire()
    await asleep(process.pid)
    let rounds = 0
    for (; lock !== undefined && rounds < 100; rounds++) {
      for (const until = performance.now() + 1; performance.now() < until; ); // held for long, and free for hardly a moment
      lock.release()
      lock = attempt(() => busy.acquireSync({ timeout: 50 }))
    }
    expect(rounds).toBeLessThan(100)
    ;(await waiting).release()
  })

  test('who waits in another process is seen by who would take it once more', async () => {
    const { exclusion } = kind === 'file' ? openFileLock(join(folder, 'state.json')) : openMemoryLock(memory, 1)
    disposables.push(exclusion)
    const lock = (await open(kind)).acquireSync()
    expect(exclusion.wanted()).toBe(false)
    const peer = await startPeer(kind)
    expect(await peer.ask('wait')).toBe('waiting')
    await asleep(peer.pid)
    expect(exclusion.wanted()).toBe(true)
    await peer.end('kill')
    lock.release()
    expect(exclusion.wanted()).toBe(false)
  })

  test('recovered: its holder was killed, has left, or a thread of it has ended', async () => {
    const mutex = await open(kind)
    for (const how of ['kill', 'leave'] as const) {
      const peer = await startPeer(kind)
      expect(await peer.ask('acquire')).toBe('held false')
      const waiting = mutex.acquire()
      await asleep(process.pid)
      await peer.end(how)
      const lock = await waiting
      expect(lock.recovered).toBe(true)
      lock.release()
      expect(await mutex.withLock(({ recovered }) => recovered)).toBe(false)
    }
  })

  test('recovered is told to exactly one, wherever the holder was killed', async () => {
    const survivors = [await open(kind), await open(kind)]
    const words = new Int32Array(memory.buffer)
    const seen = new Set<number>()
    for (let i = 0; i < KILLS; i++) {
      const peer = await startPeer(kind)
      expect(await peer.ask('loop')).toBe('looping')
      const waits = i % 2 === 0 ? survivors.map((mutex) => mutex.acquire()) : []
      if (i % 2 === 0) {
        for (const lock of waits) lock.then((taken) => taken.release())
        await Promise.all(waits)
      }
      for (let turns = Math.random() * 500; turns > 0; turns--) await turn()
      await peer.end('kill')
      const told: boolean[] = []
      await Promise.all(survivors.map((mutex) => mutex.withLock(async ({ recovered }) => told.push(recovered))))
      const where = Atomics.load(words, 2)
      seen.add(where)
      const times = told.filter(Boolean).length
      if (where === 1) expect(times).toBe(1)
      else if (where === 2) expect(times).toBe(0)
      else expect(times).toBeLessThanOrEqual(1)
    }
    expect(seen.size).toBeGreaterThan(1)
  }, 300_000)

  test('a waiter that is killed leaves the lock to the others', async () => {
    const mutex = await open(kind)
    const lock = await mutex.acquire()
    const [a, b] = [await startPeer(kind), await startPeer(kind)]
    expect(await a.ask('wait')).toBe('waiting')
    expect(await b.ask('wait')).toBe('waiting')
    await Promise.all([asleep(a.pid), asleep(b.pid)])
    const killed = a.end('kill')
    lock.release()
    await killed
    expect(await b.line()).toMatch(/^held/)
    await b.end('leave')
    expect(await mutex.withLock(({ recovered }) => recovered)).toBe(true)
  })

  test('a process that waits may leave, and one that waits for nothing ends', async () => {
    const mutex = await open(kind)
    const lock = await mutex.acquire()
    const peer = await startPeer(kind)
    expect(await peer.ask('wait')).toBe('waiting')
    await asleep(peer.pid)
    await peer.end('leave')
    lock.release()
    expect(await mutex.withLock(({ recovered }) => recovered)).toBe(false)
    const { status } = await run(process.execPath, [
      '--input-type=module',
      '-e',
      `import { openMutex, openSharedMemory } from 'ipc-playground'
       const { name, ...where } = ${toldOf(kind)}
       const mutex = await openMutex(name === undefined ? where : { memory: await openSharedMemory(name), ...where })
       await mutex.acquire()`,
    ])
    expect(status).toBe(0)
    expect(await mutex.withLock(({ recovered }) => recovered)).toBe(true)
  })

  test('close refuses new calls and rejects those that wait; a held lock and every withLock go on to their end', async () => {
    const [mutex, other] = [await open(kind), await open(kind)]
    const lock = await mutex.acquire()
    const waiting = codeOf(mutex.acquire())
    const lasting = mutex.withLock(({ recovered }) => recovered)
    mutex.close()
    mutex.close()
    expect(await waiting).toBe('ERR_IPC_CLOSED')
    expect(await codeOf(mutex.acquire())).toBe('ERR_IPC_CLOSED')
    expect(await codeOf(mutex.withLock(() => {}))).toBe('ERR_IPC_CLOSED')
    expect(() => mutex.tryAcquire()).toThrow(expect.objectContaining({ code: 'ERR_IPC_CLOSED' }))
    expect(() => mutex.acquireSync()).toThrow(expect.objectContaining({ code: 'ERR_IPC_CLOSED' }))
    expect(other.tryAcquire()).toBe(null)
    lock.release()
    lock.release()
    expect(await lasting).toBe(false)
    other.tryAcquire()?.release()
    // So this reads as it is meant, also where it has to wait.
    const used = async () => {
      using short = await openMutex(placeOf(kind))
      return short.withLock(({ recovered }) => recovered)
    }
    const before = other.acquireSync()
    const result = used()
    await asleep(process.pid)
    before.release()
    expect(await result).toBe(false)
  })

  test('after close no descriptor and no thread is left', async () => {
    const standing = () => [
      readdirSync('/proc/self/fd').length,
      readdirSync('/proc/self/task').filter((task) => readFileSync(`/proc/self/task/${task}/comm`, 'utf8') === 'ipc-waiter\n').length,
    ]
    const before = standing()
    const [a, b] = [await openMutex(placeOf(kind)), await openMutex(placeOf(kind))]
    const lock = await a.acquire()
    const waiting = codeOf(b.acquire())
    await asleep(process.pid)
    b.close()
    expect(await waiting).toBe('ERR_IPC_CLOSED')
    a.close()
    lock[Symbol.dispose]()
    expect(standing()).toEqual(before)
  })

  test('a body that throws releases it', async () => {
    const mutex = await open(kind)
    await expect(
      mutex.withLock(() => {
        throw new Error('body')
      }),
    ).rejects.toThrow('body')
    await expect(mutex.withLock(() => Promise.reject(new Error('promise')))).rejects.toThrow('promise')
    mutex.acquireSync({ timeout: 0 }).release()
  })

  test('thousands that wait are served, and as many that give up', async () => {
    const mutex = await open(kind)
    const lock = await mutex.acquire()
    const controller = new AbortController()
    setMaxListeners(0, controller.signal)
    const waits = Array.from({ length: 3000 }, (_, i) => codeOf(mutex.withLock(() => {}, i % 2 === 0 ? { signal: controller.signal } : {})))
    controller.abort(new Error('enough'))
    lock.release()
    expect(new Set(await Promise.all(waits))).toEqual(new Set([undefined, 'Error: enough']))
  })
})

describe('a mutex in a file', () => {
  const lockFile = () => join(folder, 'state.json.lock')

  test('the lock file is private, stays, and does not touch the file', async () => {
    const umask = process.umask(0o777)
    const mutex = await open('file')
    process.umask(umask)
    expect(statSync(lockFile()).mode & 0o777).toBe(0o600)
    const { ino } = statSync(lockFile())
    await mutex.withLock(() => {
      expect(readFileSync(lockFile(), 'utf8')).toBe('ipc-playground lock 1 held\n')
      expect(readdirSync(folder)).toEqual(['state.json.lock'])
    })
    mutex.close()
    expect(readFileSync(lockFile(), 'utf8')).toBe('ipc-playground lock 1 free\n')
    expect(statSync(lockFile()).ino).toBe(ino)
  })

  test('a lock file that was removed meanwhile is made anew', async () => {
    const [a, b] = [await open('file'), await open('file')]
    ;(await a.acquire()).release()
    unlinkSync(lockFile())
    const lock = b.acquireSync()
    expect(a.tryAcquire()).toBe(null)
    const waiting = a.acquire()
    await asleep(process.pid)
    lock.release()
    ;(await waiting).release()
    const held = await a.acquire()
    const late = b.acquire()
    await asleep(process.pid)
    unlinkSync(lockFile())
    held.release()
    expect((await late).recovered).toBe(false)
    expect(readFileSync(lockFile(), 'utf8')).toContain('held')
  })

  test('what is no lock file of ours is refused and left as it is', async () => {
    const at = (name: string) => codeOf(openMutex({ file: join(folder, name) }))
    writeFileSync(join(folder, 'yarn.lock'), '# yarn')
    expect(await at('yarn')).toBe('ERR_IPC_VERSION')
    writeFileSync(join(folder, 'next.lock'), 'ipc-playground lock 2 free\n')
    expect(await at('next')).toBe('ERR_IPC_VERSION')
    expect(readFileSync(join(folder, 'yarn.lock'), 'utf8')).toBe('# yarn')
    symlinkSync('elsewhere', join(folder, 'link.lock'))
    expect(await at('link')).toBe('ERR_IPC_EXISTS')
    expect(readdirSync(folder)).not.toContain('elsewhere')
    mkdirSync(join(folder, 'folder.lock'))
    expect(await at('folder')).toBe('ERR_IPC_EXISTS')
    await run('mkfifo', [join(folder, 'fifo.lock')])
    expect(await at('fifo')).toBe('ERR_IPC_EXISTS')
    writeFileSync(join(folder, 'precious'), '')
    linkSync(join(folder, 'precious'), join(folder, 'two.lock'))
    expect(await at('two')).toBe('ERR_IPC_EXISTS')
    expect(await at('missing/state')).toBe('ERR_IPC_NOT_FOUND')
    for (const where of [{}, null, 'state', { file: 1 }, { file: '' }, { memory: {}, word: 0 }])
      expect(await codeOf(openMutex(where as MutexPlace))).toContain('TypeError')
  })

  test("another user's lock file is refused", async (context) => {
    if (process.geteuid?.() !== 0) return context.skip('needs root, to make a file of another user')
    writeFileSync(lockFile(), '')
    chownSync(lockFile(), 1, 1)
    expect(await codeOf(openMutex({ file: join(folder, 'state.json') }))).toBe('ERR_IPC_PERMISSION')
  })

  /** What openMutex says, asked in a process of another mount namespace: its code, and what is in the folder then. */
  const outcome = `import { openMutex } from 'ipc-playground'; import { readdirSync } from 'node:fs'
    console.log(JSON.stringify([await openMutex({ file: process.argv[1] + '/state.json' }).then(() => 'open', (e) => e.code), readdirSync(process.argv[1])]))`

  test('on a read-only file system it cannot be', async (context) => {
    const mounts = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1"'
    const args = ['-m', 'sh', '-c', `${mounts} && exec "$0" --input-type=module -e "$2" "$1"`, process.execPath, folder, outcome]
    const { stdout } = await run('unshare', args)
    if (stdout === '') return context.skip('this host allows no mount namespace')
    expect(JSON.parse(stdout)).toEqual(['ERR_IPC_PERMISSION', []])
  })

  test('on a file system that another program serves it is refused, and nothing is made', async (context) => {
    const { status, stdout } = await run('unshare', ['-m', process.execPath, fuseFile, folder, outcome])
    if (status === 77 || stdout === '') return context.skip('this host allows no FUSE mount')
    expect(JSON.parse(stdout)).toEqual(['ERR_IPC_UNAVAILABLE', []])
  })

  test('network file systems are known by their numbers', () => {
    // linux/magic.h; those above 2^31 come with or without their sign.
    expect([0x6969, 0xfe534d42, 0xff534d42 | 0, 0x01021997].map(servedFileSystem)).toEqual(['NFS', 'SMB', 'CIFS', '9P'])
    expect([0xef53, 0x01021994, 0x794c7630, 0x9123683e, 0x58465342].map(servedFileSystem)).toEqual(Array(5).fill(undefined))
  })

  test('a record that cannot be written gives the lock back', async () => {
    const [a, b] = [await open('file'), await open('file')]
    ;(await a.acquire()).release()
    writeFileSync(lockFile(), 'something else\n')
    expect(await codeOf(a.acquire())).toBe('ERR_IPC_VERSION')
    expect(() => a.tryAcquire()).toThrow(expect.objectContaining({ code: 'ERR_IPC_VERSION' }))
    truncateSync(lockFile())
    b.acquireSync({ timeout: 10_000 }).release()
  })

  test('takes part in what other programs lock', async (context) => {
    const mutex = await open('file')
    const held = await mutex.acquire()
    // F_SETLK of the one byte, as Python has it.
    const script = `import fcntl,sys; f=open(sys.argv[1],'r+b')
try: fcntl.lockf(f, fcntl.LOCK_EX|fcntl.LOCK_NB, 1, 0); print('free')
except OSError: print('held')`
    const look = () => run('python3', ['-c', script, lockFile()]).catch(() => undefined)
    const seen = await look()
    if (seen === undefined) return context.skip('needs python3')
    expect(seen.stdout).toBe('held\n')
    held.release()
    expect((await look())?.stdout).toBe('free\n')
  })
})

describe('a mutex in memory', () => {
  test('the word is 0 where nobody holds it and nobody waits', async () => {
    const words = new Int32Array(memory.buffer)
    const [a, b] = [await open('memory'), await open('memory')]
    const lock = await a.acquire()
    expect(words[1]).toBeGreaterThan(0)
    const waiting = b.acquire()
    await asleep(process.pid)
    expect(words[1]).toBeLessThan(0)
    lock.release()
    ;(await waiting).release()
    expect(words[1]).toBe(0)
    expect([words[0], words[2]]).toEqual([0, 0])
  })

  test('closing the memory closes the mutex, and who holds it then counts as dead', async () => {
    const again = await openSharedMemory(memory.token)
    const mutex = await openMutex({ memory: again, word: 1 })
    const lock = await mutex.acquire()
    const calls = [codeOf(mutex.acquire()), codeOf(mutex.withLock(() => {}))]
    again.close()
    expect(again.buffer.byteLength).toBe(0)
    expect(await Promise.all(calls)).toEqual(['ERR_IPC_CLOSED', 'ERR_IPC_CLOSED'])
    lock.release()
    expect(() => mutex.tryAcquire()).toThrow(expect.objectContaining({ code: 'ERR_IPC_CLOSED' }))
    expect(await codeOf(openMutex({ memory: again, word: 1 }))).toBe('ERR_IPC_CLOSED')
    const other = await open('memory')
    expect(other.tryAcquire()?.recovered).toBe(true)
  })

  test('words that are not there, and words that others write to', async () => {
    for (const word of [-1, 16, 0.5, Number.NaN]) expect(await codeOf(openMutex({ memory, word }))).toContain('RangeError')
    const mutex = await open('memory')
    const words = new Int32Array(memory.buffer)
    const lock = (await mutex.acquire()) as Lock
    words[1] = 7
    expect(() => lock.release()).toThrow(expect.objectContaining({ code: 'ERR_IPC_PROTOCOL' }))
    expect(await codeOf(mutex.acquire({ timeout: 5 }))).toBe('ERR_IPC_TIMEOUT')
    words[1] = 0
    ;(await mutex.acquire()).release()
  })

  test('memory that was truncated is ERR_IPC_PROTOCOL', async () => {
    const mutex = await open('memory')
    truncateSync(`/dev/shm/${memory.token.name}`)
    expect(await codeOf(mutex.acquire())).toBe('ERR_IPC_PROTOCOL')
    expect(() => mutex.acquireSync()).toThrow(expect.objectContaining({ code: 'ERR_IPC_PROTOCOL' }))
    expect(() => mutex.tryAcquire()).toThrow(expect.objectContaining({ code: 'ERR_IPC_PROTOCOL' }))
  })
})
