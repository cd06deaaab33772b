/** Descriptors in the event loop: what is taken, replaced, fails or closes in the turn in which it became ready. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { channelPair } from 'ipc-playground/testing'
import { test } from 'vitest'
import { BaseChannel } from '../src/core/base-channel.js'
import { StreamEndpoint } from '../src/core/descriptor-endpoint.js'
import { framed } from '../src/core/framing.js'
import { adapterById } from '../src/core/registry.js'
import { native } from '../src/native/index.js'
import { DescriptorWatcher, EPOLLERR, EPOLLIN, EPOLLOUT } from '../src/native/loop.js'

const O_NONBLOCK = 0o4000
const context = { adapter: 'pipe/anonymous' } as const

function pipe(flags = O_NONBLOCK): [readFd: number, writeFd: number] {
  const ends = new Int32Array(2)
  assert.equal(native.fdPipe(flags, ends), 0)
  return [ends[0] as number, ends[1] as number]
}

/** What `body` is told resolves the promise. */
const told = <T>(body: (settle: (value: T) => void) => void): Promise<T> => new Promise(body)

const fill = (fd: number): void => {
  while (native.fdWrite(fd, new Uint8Array(65_536)) > 0);
}

test('an open channel gives the event loop no end of its waits', () => {
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
  const before = timers()
  const { a, b } = channelPair()
  a.ref()
  b.ref()
  assert.equal(timers(), before)
  a.destroy()
  b.destroy()
})

test('a callback closes what is ready in the same turn: nothing is told of it, or of who has its number next', async () => {
  const pipes = [pipe(), pipe()] as const
  const watchers: DescriptorWatcher[] = []
  let calls = 0
  let next: readonly [number, number] | undefined
  const first = told<void>((settle) => {
    for (const [i, [readFd]] of pipes.entries())
      watchers[i] = new DescriptorWatcher(readFd, () => {
        calls++
        const other = 1 - i
        watchers[other]?.close()
        native.fdClose(pipes[other]?.[0] as number)
        next = pipe()
        assert.equal(next[0], pipes[other]?.[0])
        watchers[other] = new DescriptorWatcher(next[0], () => calls++)
        watchers[other]?.want(EPOLLIN)
        watchers[i]?.want(0)
        settle()
      })
  })
  for (const watcher of watchers) assert.equal(watcher.want(EPOLLIN), 0)
  for (const [, writeFd] of pipes) native.fdWrite(writeFd, Uint8Array.of(1))
  await first
  await turn()
  await turn()
  assert.equal(calls, 1)
  for (const watcher of watchers) watcher.close()
  for (const fd of new Set([...pipes.flat(), ...(next ?? [])])) native.fdClose(fd)
})

test('a receive whose bytes somebody else took in the same turn waits on', async () => {
  const [stolen, writeFd] = pipe()
  const [lure, lureWrite] = pipe()
  const channel = new BaseChannel(framed(new StreamEndpoint(stolen, -1, context), 1024, context), {
    adapter: 'pipe/anonymous',
    capabilities: (await adapterById('pipe/anonymous')).capabilities,
    framing: 'message',
  })
  const frame = (byte: number) => Uint8Array.of(1, 0, 0, 0, byte)
  const taken = told<number>((settle) => {
    const thief = new DescriptorWatcher(lure, () => {
      settle(native.fdRead(stolen, new Uint8Array(8)))
      thief.close()
    })
    thief.want(EPOLLIN)
  })
  await turn() // so that the kernel knows of the thief first
  const received = channel.receive()
  await turn()
  native.fdWrite(lureWrite, Uint8Array.of(1))
  native.fdWrite(writeFd, frame(1))
  assert.equal(await taken, 5)
  await turn()
  native.fdWrite(writeFd, frame(2))
  assert.deepEqual([...((await received) ?? [])], [2])
  channel.destroy()
  for (const fd of [writeFd, lure, lureWrite]) native.fdClose(fd)
})

test('one watch after another of the same number, and interest that comes and goes', async () => {
  const [readFd, writeFd] = pipe()
  fill(writeFd)
  const events: number[] = []
  for (let i = 0; i < 3; i++) {
    const came = told<number>((settle) => {
      const watcher = new DescriptorWatcher(readFd, (ready) => {
        watcher.want(0)
        events.push(ready)
        settle(ready)
      })
      watcher.want(EPOLLIN)
      watcher.want(0)
      watcher.want(EPOLLIN)
    })
    assert.equal(await came, EPOLLIN)
    await turn()
    await turn()
    assert.equal(events.length, i + 1, 'nothing is told that is not wanted')
  }
  native.fdClose(readFd)
  native.fdClose(writeFd)
})

test('a writer that waits learns that nobody reads any more', async () => {
  const [readFd, writeFd] = pipe()
  fill(writeFd)
  const came = told<number>((settle) => {
    const watcher = new DescriptorWatcher(writeFd, (events) => {
      watcher.close()
      settle(events)
    })
    watcher.want(EPOLLOUT)
  })
  await turn()
  native.fdClose(readFd)
  assert.equal(await came, EPOLLERR)
  native.fdClose(writeFd)
})

test('an error that nobody clears is told again to who still waits', async () => {
  const [readFd, writeFd] = pipe()
  fill(writeFd)
  let calls = 0
  const often = told<void>((settle) => {
    const watcher = new DescriptorWatcher(writeFd, () => {
      if (++calls < 3) return
      watcher.close()
      settle()
    })
    watcher.want(EPOLLOUT)
  })
  native.fdClose(readFd)
  await often
  native.fdClose(writeFd)
})

test('watching leaves the mode of a descriptor as it is', async () => {
  const blocks = (fd: number) =>
    (Number.parseInt(/flags:\s+(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '', 8) & O_NONBLOCK) === 0
  for (const flags of [0, O_NONBLOCK]) {
    const [readFd, writeFd] = pipe(flags)
    const watcher = new DescriptorWatcher(readFd, () => {})
    assert.equal(watcher.want(EPOLLIN), 0)
    assert.equal(blocks(readFd), flags === 0)
    watcher.close()
    native.fdClose(readFd)
    native.fdClose(writeFd)
  }
})

test('a thread that ends while it watches leaves the others theirs', async () => {
  const [readFd, writeFd] = pipe()
  const came = told<void>((settle) => {
    const watcher = new DescriptorWatcher(readFd, () => {
      watcher.close()
      settle()
    })
    watcher.want(EPOLLIN)
  })
  for (const how of ['exit', 'terminate', 'close']) {
    const worker = new Worker(new URL('./fixtures/watching-thread.js', import.meta.url), { workerData: how })
    const exited = once(worker, 'exit')
    await once(worker, 'message')
    if (how === 'terminate') await worker.terminate()
    else worker.postMessage('leave')
    assert.deepEqual(await exited, [how === 'terminate' ? 1 : 0])
  }
  native.fdWrite(writeFd, Uint8Array.of(1))
  await came
  native.fdClose(readFd)
  native.fdClose(writeFd)
})
