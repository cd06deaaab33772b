import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Channel, connect, type IpcError, isIpcError, serve } from 'ipc-playground'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { start } from './support/run.js'

let folder = ''
let last = 0
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'serve-'))
})
afterAll(() => rmSync(folder, { recursive: true }))
const fresh = () => `unix://${join(folder, `${++last}.sock`)}` as const
const bytes = (text: string) => new TextEncoder().encode(text)
const text = (data: Uint8Array | null) => (data === null ? 'the end' : new TextDecoder().decode(data))
const say = async (channel: Channel, word: string) => {
  await channel.send(bytes(word))
  return text(await channel.receive())
}
const daemon = (address: string, timeout: number) =>
  start(process.execPath, [new URL('./fixtures/daemon.js', import.meta.url).pathname, address, String(timeout)])

describe('serve', () => {
  test('a handler that throws costs its client the connection, is printed, and kills neither the daemon nor other clients', async () => {
    const address = fresh()
    const running = daemon(address, 0)
    await running.shown('ready')
    const [unlucky, other] = [await connect(address), await connect(address)]
    assert.equal(await say(unlucky, 'throw'), 'throw')
    assert.equal(await unlucky.receive().then(text, (error) => error.code), 'the end')
    assert.equal(await say(other, 'still there?'), 'still there?')
    await running.shown('a handler failed')
    await other.close()
    await unlucky.close()
    running.child.kill('SIGTERM')
    assert.equal((await running.ended).status, 0)
  })

  test('SIGTERM: handlers are told at once and finish; one that never settles loses its channel at the timeout', async () => {
    const address = fresh()
    const running = daemon(address, 200)
    await running.shown('ready')
    const [polite, stuck, idle] = [await connect(address), await connect(address), await connect(address)]
    await say(polite, 'finish')
    await say(stuck, 'never')
    running.child.kill('SIGTERM')
    assert.equal(text(await polite.receive()), 'goodbye')
    assert.equal(await polite.receive(), null)
    for (const channel of [stuck, idle]) assert.equal(await channel.receive().then(text, (error) => error.code), 'the end')
    const { status, stdout, stderr } = await running.ended
    assert.equal(status, 0)
    assert.equal(stdout, 'ready\nclosed\n')
    assert.equal(stderr.match(/IpcError: .*had not settled/g)?.length, 2)
    await assert.rejects(connect(address), { code: 'ERR_IPC_NOT_FOUND' })
    for (const channel of [polite, stuck, idle]) channel.destroy()
  })

  test('close without handlers settles, removes the name, and may be called again', async () => {
    const address = fresh()
    const service = await serve(address, () => {})
    assert.equal(service.address, address)
    await Promise.all([service.close(), service.close({ timeout: 1 })])
    assert.equal(existsSync(address.slice('unix://'.length)), false)
    await service[Symbol.asyncDispose]()
  })

  test('a handler that returns closes its channel after what it sent', async () => {
    const service = await serve(fresh(), async (channel) => {
      void channel.send(new Uint8Array(1_000_000)).catch(() => {})
    })
    const channel = await connect(service.address)
    assert.equal((await channel.receive())?.length, 1_000_000)
    assert.equal(await channel.receive(), null)
    await channel.close()
    await service.close()
    assert.equal(service.channels.size, 0)
  })

  test('maxPeers are served at a time; the next waits for its turn', async () => {
    let now = 0
    let most = 0
    const service = await serve(
      fresh(),
      async (channel) => {
        most = Math.max(most, ++now)
        for await (const message of channel) await channel.send(message)
        now--
      },
      { maxPeers: 2 },
    )
    const client = async (i: number) => {
      const channel = await connect(service.address)
      const answer = await say(channel, `client ${i}`)
      await channel.close()
      return answer
    }
    const answers = await Promise.all([1, 2, 3, 4, 5].map(client))
    assert.deepEqual(
      answers,
      [1, 2, 3, 4, 5].map((i) => `client ${i}`),
    )
    assert.equal(most, 2)
    await service.close()
  })

  test('whatever a handler throws, and an onError that throws, is survived; so is a handler that throws at once', async ({
    onTestFinished,
  }) => {
    const printed: unknown[] = []
    const { error } = console
    console.error = (what: unknown) => printed.push(what)
    onTestFinished(() => {
      console.error = error
    })
    const thrown: unknown[] = [undefined, 'text', new TypeError('at once')]
    const told: unknown[] = []
    const service = await serve(
      fresh(),
      () => {
        throw thrown[told.length]
      },
      {
        onError: (what) => {
          told.push(what)
          throw new Error('onError failed')
        },
      },
    )
    for (const _ of thrown) {
      const channel = await connect(service.address)
      await channel.receive().catch(() => {})
      channel.destroy()
    }
    assert.deepEqual(told, thrown)
    assert.deepEqual(
      printed.map((what) => String(what)),
      Array(3).fill('Error: onError failed'),
    )
    await service.close()
  })

  test('a handler that rejects with the reason of its signal has not failed; the reason says that the service closes', async () => {
    const told: unknown[] = []
    const reasons: unknown[] = []
    const service = await serve(
      fresh(),
      async (channel, signal) => {
        await channel.send(bytes('hello'))
        await channel.receive({ signal }).catch((reason) => {
          reasons.push(reason)
          throw reason
        })
      },
      { onError: (error) => told.push(error) },
    )
    const channel = await connect(service.address)
    await channel.receive()
    await service.close()
    assert.equal(await channel.receive(), null)
    assert.deepEqual([told.length, (reasons[0] as IpcError).code], [0, 'ERR_IPC_CLOSED'])
    await channel.close()
  })

  test('close gives up when its signal aborts, also where it has before', async () => {
    for (const signal of [AbortSignal.abort(new Error('now')), AbortSignal.timeout(20)]) {
      const told: unknown[] = []
      const service = await serve(fresh(), () => new Promise(() => {}), { onError: (error) => told.push(error) })
      const channel = await connect(service.address)
      while (service.channels.size === 0) await new Promise((resolve) => setImmediate(resolve))
      await service.close({ signal })
      assert(isIpcError(told[0]) && told[0].code === 'ERR_IPC_TIMEOUT' && told.length === 1, String(told))
      assert.equal(told[0].cause, signal.reason)
      assert.equal(await channel.receive().catch((error) => error.code), null)
      channel.destroy()
    }
  })

  test('streams are served as streams', async () => {
    const service = await serve(
      fresh(),
      async (channel) => {
        const framing: 'stream' = channel.framing
        await channel.send(bytes(framing))
      },
      { framing: 'stream' },
    )
    const channel = await connect(service.address, { framing: 'stream' })
    assert.equal(text(await channel.receive()), 'stream')
    await channel.close()
    await service.close()
  })

  test('wrong arguments', async () => {
    // @ts-expect-error a handler is a function
    await assert.rejects(serve(fresh(), 'handler'), TypeError)
    await assert.rejects(
      serve('nothing:///x', () => {}),
      TypeError,
    )
    const service = await serve(fresh(), () => {})
    await assert.rejects(service.close({ timeout: -1 }), RangeError)
  })
})
