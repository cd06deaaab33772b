/**
 * Every adapter, killed at random moments: a peer in the middle of an exchange, an owner of names in the
 * middle of listening, a thread and a process that end in the middle of anything. Slow: with FULL=1 only.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readlinkSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { type Address, connect, isIpcError, spawnPeer } from 'ipc-playground'
import { afterAll, afterEach, beforeEach, describe, test } from 'vitest'
import { sweep } from '../src/core/janitor.js'
import { adapterById, adapterIds } from '../src/core/registry.js'
import { native } from '../src/native/index.js'
import { census, left } from './census.js'
import { busy } from './support/busy.js'
import { PrivateRunFolder } from './support/census.js'

const ROUNDS = 10
/** Starting a peer and the first of the exchange take about so long. */
const LIFE_MS = 200
/** An exchange is well under way after some of this. */
const EXCHANGE_MS = 30
const FACTOR = Number(process.env.IPC_TEST_TIMEOUT_FACTOR ?? 1) || 1
/** Nothing here takes longer, unless it hangs; machines may be busy with other things. */
const WATCHDOG_MS = 60_000 * FACTOR
/** After so long without an answer it is lost, and the next try may do better. */
const TRY_MS = 2500 * FACTOR
const POLLIN = 1

const fixture = (name: string) => new URL(`./fixtures/${name}.js`, import.meta.url)
const program = (name: string) => fileURLToPath(fixture(name))
const codeOf = (error: unknown) => (isIpcError(error) ? error.code : String(error))

async function within<T>(what: string, work: PromiseLike<T>): Promise<T> {
  const late = new AbortController()
  try {
    return await Promise.race([work, sleep(WATCHDOG_MS, undefined, { signal: late.signal }).then(() => assert.fail(`${what} hangs`))])
  } finally {
    late.abort()
  }
}

/** Descriptors and threads of this process. Node leaves the module open that a thread was just loading when it was ended. */
const resources = () => ({
  descriptors: readdirSync('/proc/self/fd').filter((fd) => !/\.(js|json|node)$/.test(targetOf(fd))).length,
  threads: readdirSync('/proc/self/task').length,
})

function targetOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`)
  } catch {
    return '' // it was closed meanwhile
  }
}

const outer = process.env.XDG_RUNTIME_DIR
let place: PrivateRunFolder
let before: ReturnType<typeof census>

beforeEach(() => {
  place = new PrivateRunFolder()
  process.env.XDG_RUNTIME_DIR = place.env.XDG_RUNTIME_DIR
  before = census(place.folder)
})

afterEach(async () => {
  // Whoever was left alone ends by itself.
  for (const pid of place.processes()) {
    const process = native.pidfdOpen(pid)
    if (process < 0) continue // it has ended
    const ended = native.fdPoll(process, POLLIN, WATCHDOG_MS)
    native.fdClose(process)
    assert.equal(ended, POLLIN, `process ${pid} lives on`)
  }
  sweep()
  const remains = await left(before, () => census(place.folder))
  place.remove()
  assert.deepEqual(remains, [])
})

afterAll(() => {
  if (outer === undefined) delete process.env.XDG_RUNTIME_DIR
  else process.env.XDG_RUNTIME_DIR = outer
})

for (const id of await adapterIds()) {
  const adapter = await adapterById(id)
  const { capabilities } = adapter
  const reason = adapter.unavailable() ?? (capabilities.connects ? undefined : 'makes no channels')
  if (reason !== undefined) {
    test.skip(`${id}: ${reason}`, () => {})
    continue
  }
  const thread = capabilities.rendezvous === 'inherit' && adapter.offer === undefined

  describe.skipIf(process.env.FULL !== '1')(id, { timeout: ROUNDS * WATCHDOG_MS }, () => {
    test.skipIf(thread)(
      'a peer killed in the middle of an exchange leaves the survivor an end, and the next peer the mechanism',
      async () => {
        for (let round = 0; round < ROUNDS; round++) {
          const peer = await within('the rendezvous', spawnPeer(fixture('busy-peer'), { adapter: id }))
          const over = busy(peer.channel)
          await sleep(Math.random() * EXCHANGE_MS)
          process.kill(peer.pid, 'SIGKILL')
          const { sending, receiving } = await within('the survivor', over)
          assert.equal(codeOf(sending), 'ERR_IPC_PEER_GONE')
          if (receiving !== null) assert.equal(codeOf(receiving), 'ERR_IPC_PEER_GONE')
          await within('closing', peer[Symbol.asyncDispose]())
        }
      },
    )

    test.skipIf(adapter.temporary === undefined)(
      'an owner of names killed at any moment leaves none that a successor cannot take',
      async () => {
        const address = { adapter: id, ...adapter.temporary?.(place.folder) } as Address
        for (let round = 0; round < ROUNDS; round++) {
          const owner = spawn(process.execPath, [program('restless-owner'), JSON.stringify(address)], {
            stdio: ['ignore', 'pipe', 'inherit'],
          })
          const exited = once(owner, 'exit')
          let latest = ''
          const heard = new Promise<void>((resolve) => {
            createInterface(owner.stdout).on('line', (line) => {
              latest = line
              resolve()
            })
          })
          const stop = new AbortController()
          const exchanges = visit(heard, () => latest, stop.signal, capabilities.payload.min)
          try {
            await within('the first exchange', exchanges.first)
            await sleep(Math.random() * EXCHANGE_MS)
          } finally {
            owner.kill('SIGKILL')
            stop.abort()
          }
          await exited
          await within('who was connecting', exchanges.over)
          sweep()
        }
      },
    )

    test.skipIf(capabilities.exempt?.[10] !== undefined)('a thread ended at any moment leaves its process as it was', async () => {
      let first: ReturnType<typeof resources> | undefined
      for (let round = 0; round < ROUNDS; round++) {
        const worker = new Worker(fixture('busy-parent'), { workerData: [id, thread ? 'thread' : 'process'], env: { ...process.env } })
        await within('the thread', once(worker, 'message'))
        await sleep(Math.random() * LIFE_MS)
        await within('the end of the thread', worker.terminate())
        sweep()
        // The first round loads what stays.
        if (round === 0) first = resources()
      }
      const last = resources()
      assert(
        first !== undefined && last.descriptors <= first.descriptors,
        `${last.descriptors} descriptors, after the first round ${first?.descriptors}`,
      )
      assert(last.threads <= first.threads, `${last.threads} threads, after the first round ${first.threads}`)
    })

    test('process.exit at any moment ends with its status', async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const args = [program('busy-parent'), id, thread ? 'thread' : 'process', String(Math.random() * LIFE_MS)]
        const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
        assert.deepEqual(await within('the exit', once(child, 'exit')), [42, null])
      }
    })
  })
}

/** Connects and exchanges a message, again and again, until it is told to stop. `first` settles after one that went well. */
function visit(
  heard: Promise<void>,
  address: () => string,
  signal: AbortSignal,
  bytes: number,
): { first: Promise<void>; over: Promise<void> } {
  let succeed = () => {}
  const first = new Promise<void>((resolve) => {
    succeed = resolve
  })
  const loop = async () => {
    await heard
    while (!signal.aborted) {
      try {
        const channel = await connect(address(), { waitForPeer: true, signal, timeout: TRY_MS })
        try {
          await channel.send(new Uint8Array(bytes), { signal })
          // Where messages may be dropped, or nothing tells that the owner was killed, the next try may do better.
          if ((await channel.receive({ signal, timeout: TRY_MS })) !== null) succeed()
        } finally {
          channel.destroy()
        }
      } catch {
        // the owner was between two names, or was killed
      }
      await new Promise(setImmediate)
    }
  }
  return { first, over: loop() }
}
