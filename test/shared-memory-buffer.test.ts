/** Shared memory as itself: how it is made, found, shared, waited on, and what is told of memory that is another. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { openMutex, openSharedMemory, type SharedMemoryBuffer } from 'ipc-playground'
import { afterEach, describe, expect, test } from 'vitest'
import { codeOf } from './support/code-of.js'
import { packageFolder, run } from './support/run.js'

const userFile = fileURLToPath(new URL('./fixtures/memory-user.js', import.meta.url))
const headers = join(dirname(dirname(process.execPath)), 'include', 'node')

const unique = () => `ipctest-${process.pid}-${Math.random().toString(36).slice(2)}`
const opened: SharedMemoryBuffer[] = []
afterEach(() => {
  for (const memory of opened.splice(0)) {
    memory.unlink()
    memory.close()
  }
  expect(readdirSync('/dev/shm').filter((name) => name.startsWith(`ipctest-${process.pid}-`))).toEqual([])
})
async function make(...[name, options]: Parameters<typeof openSharedMemory>): Promise<SharedMemoryBuffer> {
  const memory = await openSharedMemory(name, { create: 'exclusive', ...options })
  opened.push(memory)
  return memory
}

describe('openSharedMemory', () => {
  test('makes, finds, shares and removes', async () => {
    const name = unique()
    const a = await openSharedMemory(name, { create: 'exclusive', bytes: 1000, layout: 'words@1' })
    const b = await openSharedMemory(name, { create: 'if-missing', bytes: 1000, layout: 'words@1' })
    expect([a.created, b.created, a.buffer.byteLength, b.token.name]).toEqual([true, false, 1000, name])
    expect(statSync(`/dev/shm/${name}`).mode & 0o777).toBe(0o600)
    Atomics.store(new Int32Array(a.buffer), 3, 42)
    expect(Atomics.load(new Int32Array(b.buffer), 3)).toBe(42)
    expect(await codeOf(openSharedMemory(name, { create: 'exclusive', bytes: 1000 }))).toBe('ERR_IPC_EXISTS')
    expect(await codeOf(openSharedMemory(name, { layout: 'words@2' }))).toBe('ERR_IPC_VERSION')
    expect(await codeOf(openSharedMemory(name, { bytes: 999, layout: 'words@1' }))).toBe('ERR_IPC_VERSION')
    b.unlink()
    expect(existsSync(`/dev/shm/${name}`)).toBe(false)
    const successor = await openSharedMemory(name, { create: 'exclusive', bytes: 8, layout: false })
    a.unlink()
    expect(existsSync(`/dev/shm/${name}`)).toBe(true)
    expect(statSync(`/dev/shm/${name}`).size).toBe(8)
    successor.unlink()
    for (const memory of [a, b, successor]) memory.close()
    expect(a.buffer.byteLength).toBe(0)
    expect(await codeOf(openSharedMemory(name))).toBe('ERR_IPC_NOT_FOUND')
  })

  test('wait and notify, also when closed, aborted or too late', async () => {
    const name = unique()
    const a = await openSharedMemory(name, { create: 'exclusive', bytes: 64 })
    const b = await openSharedMemory(name)
    a.unlink()
    const words = new Int32Array(a.buffer)
    expect(await a.wait(0, 1)).toBe('not-equal')
    expect(a.waitSync(0, 1)).toBe('not-equal')
    expect(await codeOf(a.wait(0, 0, { timeout: 5 }))).toBe('ERR_IPC_TIMEOUT')
    expect(() => a.waitSync(0, 0, { timeout: 5 })).toThrow(/5 ms/)
    const controller = new AbortController()
    const aborted = a.wait(0, 0, { signal: controller.signal })
    controller.abort(new Error('enough'))
    await expect(aborted).rejects.toThrow('enough')
    const waits = [a.wait(1, 0), b.wait(1, 0)]
    Atomics.store(words, 1, 1)
    let over = false
    const outcomes = Promise.all(waits).finally(() => {
      over = true
    })
    while (!over) {
      b.notify(1) // a wait that has not begun to sleep finds the word changed
      await new Promise((resolve) => setImmediate(resolve))
    }
    for (const outcome of await outcomes) expect(['ok', 'not-equal']).toContain(outcome)
    const left = b.wait(2, 0)
    const closing = codeOf(left)
    await new Promise((resolve) => setImmediate(resolve))
    b.close()
    b.close()
    expect(await closing).toBe('ERR_IPC_CLOSED')
    expect(() => b.notify(0)).toThrow(/closed/)
    expect(() => a.notify(16)).toThrow(RangeError)
    a.close()
  })

  test('promise 11: if-missing waits for a creator that has not finished', async () => {
    const name = unique()
    writeFileSync(`/dev/shm/${name}`, '', { mode: 0o600 })
    const opening = openSharedMemory(name, { create: 'if-missing', bytes: 16, timeout: 50 })
    expect(await codeOf(opening)).toBe('ERR_IPC_TIMEOUT')
    const second = openSharedMemory(name, { create: 'if-missing', bytes: 16, timeout: 5000 })
    await new Promise((resolve) => setImmediate(resolve))
    unlinkSync(`/dev/shm/${name}`)
    const memory = await second
    expect(memory.created).toBe(true)
    memory.unlink()
    memory.close()
  })

  test('bad arguments', async () => {
    await expect(openSharedMemory('a/b')).rejects.toBeInstanceOf(TypeError)
    await expect(openSharedMemory('x', { create: 'exclusive' })).rejects.toBeInstanceOf(RangeError)
    await expect(openSharedMemory('x', { create: 'exclusive', bytes: 0 })).rejects.toBeInstanceOf(RangeError)
  })
})

describe('memory that is another', () => {
  test('smaller or larger than what exists, of another layout, without a header', async () => {
    const name = unique()
    await make(name, { bytes: 100, layout: 'frames@2' })
    const opening = (options: Parameters<typeof openSharedMemory>[1]) =>
      openSharedMemory(name, options).then(
        () => 'open',
        (error) => error,
      )
    for (const create of ['never', 'if-missing'] as const)
      for (const bytes of [99, 101])
        expect(await opening({ create, bytes, layout: 'frames@2' })).toMatchObject({
          code: 'ERR_IPC_VERSION',
          message: expect.stringContaining(`has 100 bytes, not ${bytes}`),
        })
    for (const layout of ['frames@1', 'frames@22', ''])
      expect(await opening({ layout })).toMatchObject({
        code: 'ERR_IPC_VERSION',
        message: expect.stringContaining(`layout is 'frames@2', not '${layout}'`),
      })
    expect((await make(name, { create: 'never', layout: false })).buffer.byteLength).toBe(4096 + 100)
    const raw = unique()
    await make(raw, { bytes: 100, layout: false })
    expect(await codeOf(openSharedMemory(raw))).toBe('ERR_IPC_VERSION')
    expect(await codeOf(openSharedMemory(raw, { bytes: 101, layout: false }))).toBe('ERR_IPC_VERSION')
  })

  test('headers of another version or magic, and headers that lie', async () => {
    const name = unique()
    const memory = await make(name, { bytes: 100, layout: 'x' })
    const fd = openSync(`/dev/shm/${name}`, 'r+')
    const refused = async (at: number, value: number) => {
      const header = (await make(name, { create: 'never', layout: false })).buffer
      const words = new Int32Array(header, 0, 16)
      const before = words[at / 4] as number
      words[at / 4] = value
      const code = await codeOf(openSharedMemory(name, { layout: 'x' }))
      words[at / 4] = before
      return code
    }
    for (const [at, value] of [
      [0, 0x52435049],
      [4, 2],
      [8, 99],
      [8, 2 ** 31 - 1],
      [12, 1],
      [16, 0],
      [16, -1],
      [16, 2 ** 31 - 1],
    ] as const)
      expect(await refused(at, value)).toBe('ERR_IPC_VERSION')
    writeSync(fd, Uint8Array.of(0xff), 0, 1, 64)
    expect(await codeOf(openSharedMemory(name, { layout: 'x' }))).toBe('ERR_IPC_VERSION')
    ftruncateSync(fd, 4096)
    expect(await codeOf(openSharedMemory(name, { layout: 'x' }))).toBe('ERR_IPC_VERSION')
    expect(() => memory.read(0, new Uint8Array(1))).toThrow(expect.objectContaining({ code: 'ERR_IPC_PROTOCOL' }))
    expect(await codeOf(memory.wait(0, 0))).toBe('ERR_IPC_PROTOCOL')
    closeSync(fd)
  })

  test('a creator that is killed in the middle leaves room for the next', async () => {
    for (let i = 0; i < 4; i++) {
      const name = unique()
      const script = `import { openSharedMemory } from 'ipc-playground'
        await openSharedMemory('${name}', { create: 'exclusive', bytes: 2 ** 28 }); setInterval(() => {}, 2 ** 30)`
      const child = spawn(process.execPath, ['--input-type=module', '-e', script], { cwd: packageFolder, stdio: 'inherit' })
      while (!existsSync(`/dev/shm/${name}`)) await turn()
      const opening = make(name, { create: 'if-missing', bytes: 2 ** 28, timeout: 30_000 })
      for (let turns = i * 20; turns > 0; turns--) await turn()
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
      const memory = await opening
      expect(memory.buffer.byteLength).toBe(2 ** 28)
      memory.unlink()
      memory.close()
    }
  })
})

describe('tokens', () => {
  test('reopen in a thread and in another process, and never what has taken the place', async () => {
    const memory = await make(unique(), { bytes: 64, layout: 'words@1' })
    const worker = new Worker(
      `const { parentPort, workerData } = require('node:worker_threads')
       import('ipc-playground').then(async ({ openSharedMemory }) => {
         const memory = await openSharedMemory(workerData, { layout: 'words@1' })
         Atomics.store(new Int32Array(memory.buffer), 5, 55)
         memory.notify(5)
         memory.close()
       })`,
      { eval: true, workerData: memory.token },
    )
    const exited = once(worker, 'exit')
    await memory.wait(5, 0)
    expect(Atomics.load(new Int32Array(memory.buffer), 5)).toBe(55)
    await exited
    memory.unlink()
    expect(await codeOf(openSharedMemory(memory.token, { layout: 'words@1' }))).toBe('ERR_IPC_NOT_FOUND')
    await make(memory.token.name, { bytes: 64, layout: 'words@1' })
    expect(await codeOf(openSharedMemory(memory.token, { layout: 'words@1' }))).toBe('ERR_IPC_NOT_FOUND')
    expect(await codeOf(openSharedMemory(memory.token, { create: 'if-missing', bytes: 64 }))).toContain('TypeError')
  })

  test.for(['as it is', 'where external buffers are forbidden'])('another process uses it, %s', async (how, context) => {
    const forbidden = how !== 'as it is'
    const memory = await make(unique(), { bytes: 64, layout: 'words@1' })
    const words = new Int32Array(memory.buffer)
    const mutex = await openMutex({ memory, word: 4 })
    words[0] = 1
    memory.write(8, Uint8Array.of(1, 2, 3, 4, 5))
    const env: NodeJS.ProcessEnv = {}
    const folder = mkdtempSync(join(tmpdir(), 'forbidden-'))
    try {
      if (forbidden) {
        if (!existsSync(headers)) return context.skip(`needs the headers of Node in ${headers}`)
        const release = join(folder, 'build', 'Release')
        mkdirSync(release, { recursive: true })
        const sources = (await run(process.execPath, ['scripts/native-sources.mjs'])).stdout.trim().split('\n')
        const cc = [
          '-shared',
          '-fPIC',
          '-std=c11',
          '-D_GNU_SOURCE',
          '-w',
          '-Isrc/native',
          `-I${headers}`,
          '-include',
          'test/fixtures/no-external-buffers.h',
        ]
        const all = [...cc, ...sources, '-o', join(release, 'ipc_playground.node'), '-lrt', '-pthread']
        const built = await run('cc', all, { env: { LD_PRELOAD: undefined } }).catch(() => undefined) // no memory checker of the compiler
        if (built === undefined) return context.skip('needs a C compiler')
        expect(built).toMatchObject({ status: 0, stderr: '' })
        env.IPC_PLAYGROUND_PREBUILD = folder
      }
      const lock = await mutex.acquire()
      const user = run(process.execPath, [userFile, JSON.stringify(memory.token)], { env })
      while (Atomics.load(words, 0) === 1) await memory.wait(0, 1)
      expect([words[0], memory.compareExchange(0, 5, 6), words[0]]).toEqual([-2, -2, -2])
      expect([...new Uint8Array(memory.buffer, 40, 3)]).toEqual([9, 8, 7])
      Atomics.store(words, 1, 1)
      memory.notify(1)
      lock.release()
      const { stdout, stderr } = await user
      expect(stderr).toBe('')
      expect(JSON.parse(stdout)).toEqual({
        zeroCopy: !forbidden,
        created: false,
        bytes: [1, 2, 3, 4, 5],
        seen: 1,
        ...(forbidden ? { buffer: 'ERR_IPC_UNAVAILABLE' } : {}),
        beyond: [expect.stringContaining('RangeError'), expect.stringContaining('RangeError')],
        recovered: false,
      })
      expect(await mutex.withLock(({ recovered }) => recovered)).toBe(true)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
