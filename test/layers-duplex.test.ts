import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { setImmediate as turn } from 'node:timers/promises'
import { type Channel, connect, listen, spawnPeer, toDuplex } from 'ipc-playground'
import { channelPair } from 'ipc-playground/testing'
import { afterAll, beforeAll, describe, test } from 'vitest'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'duplex-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

/** Two ends of a unix socket. */
async function pairAt(name: string): Promise<[Channel<'stream'>, Channel<'stream'>]> {
  const server = await listen({ adapter: 'socket/unix', path: join(folder, name) }, { framing: 'stream' })
  const there = await connect(server.address, { framing: 'stream' })
  for await (const here of server) {
    server.stop()
    return [here, there]
  }
  throw new Error('nobody came')
}

describe('toDuplex', () => {
  test('a channel of bytes through pipelines, both ways, to a program that knows nothing of this library', async () => {
    const server = createServer((socket) => pipeline(socket, socket)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const file = join(folder, 'megabytes')
    const data = new Uint8Array(3_000_000).map((_, i) => i * 7)
    writeFileSync(file, data)
    const duplex = toDuplex(await connect(`tcp://127.0.0.1:${port}`, { framing: 'stream' }))
    const [got] = await Promise.all([buffer(duplex), pipeline(createReadStream(file), duplex, { end: true }).catch(() => {})])
    assert.equal(Buffer.compare(got, data), 0)
    server.close()
  })

  test('program 12: the peer ends, the pipeline is over, and so is the channel', async () => {
    const server = createServer((socket) => socket.end('HTTP/1.0 200 OK\r\n\r\n')).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const channel = await connect(`tcp://127.0.0.1:${port}`, { framing: 'stream' })
    const out = new PassThrough()
    await pipeline(toDuplex(channel), out)
    assert.equal(String(await buffer(out)), 'HTTP/1.0 200 OK\r\n\r\n')
    assert.equal(await channel.closed, undefined)
    server.close()
  })

  test('allowHalfOpen: after the peer has ended this side still answers', async () => {
    const [here, there] = await pairAt('half')
    const asking = toDuplex(there)
    const answering = toDuplex(here, { allowHalfOpen: true })
    asking.end('how many?')
    // A loop over a stream, as `buffer` has one, destroys it at its end.
    let question = ''
    answering.on('data', (data) => {
      question += data
    })
    await once(answering, 'end')
    assert.equal(question, 'how many?')
    answering.end(`${question.length} bytes`)
    assert.equal(String(await buffer(asking)), '9 bytes')
    assert.deepEqual(await Promise.all([here.closed, there.closed]), [undefined, undefined])
  })

  test('a peer that does not read holds the writer back, and what is not read is not received', async () => {
    const [here, there] = await pairAt('pressure')
    const writer = toDuplex(here)
    const chunk = new Uint8Array(64 * 1024)
    let written = 0
    do {
      writer.write(chunk)
      assert(++written < 1000, 'nothing holds it back')
      await turn()
    } while (writer.writableLength < 10 * chunk.length)
    assert(writer.writableNeedDrain)
    const drained = once(writer, 'drain')
    const reader = toDuplex(there)
    await once(reader, 'readable')
    await turn()
    assert(reader.readableLength < 2 * chunk.length, 'it receives ahead of who reads')
    let length = 0
    reader.on('data', (data) => {
      length += data.length
    })
    await drained
    writer.end()
    await once(reader, 'end')
    assert.equal(length, written * chunk.length)
  })

  test('a channel of messages is an object stream: boundaries stay, also of empty messages', async () => {
    const { a, b } = channelPair({ over: 'message' })
    const sent = [Uint8Array.of(1, 2), new Uint8Array(), Uint8Array.of(3)]
    const out = toDuplex(a)
    void pipeline(Readable.from(sent), out).catch(() => {})
    const got: Uint8Array[] = []
    for await (const message of toDuplex(b)) got.push(message)
    assert.deepEqual(got, sent)
  })

  test('destroying the stream destroys the channel, with its reason', async () => {
    const { a, b } = channelPair({ over: 'message' })
    const duplex = toDuplex(a)
    duplex.on('error', () => {})
    const reason = new Error('enough')
    duplex.destroy(reason)
    assert.equal(await a.closed, reason)
    assert.equal(await b.receive().catch((error) => error.code), null)
  })

  test('what fails in the channel destroys the stream with that error: reading, writing, from outside', async () => {
    const reading = channelPair({ over: 'message' })
    const reader = toDuplex(reading.b).resume()
    const reason = new Error('from outside')
    reading.b.destroy(reason)
    assert.deepEqual(await once(reader, 'error'), [reason])

    const writing = channelPair({ over: 'message', payload: { min: 0, max: 4 } })
    const writer = toDuplex(writing.a)
    writer.write(new Uint8Array(5))
    const [tooLong] = await once(writer, 'error')
    assert.equal(tooLong.code, 'ERR_IPC_PAYLOAD_SIZE')
    assert.equal(await writing.a.closed, tooLong)

    const text = toDuplex(channelPair({ over: 'message' }).a)
    text.write('text')
    const [wrong] = await once(text, 'error')
    assert(wrong instanceof TypeError)
  })

  test('a peer that is killed destroys the stream with ERR_IPC_PEER_GONE, or ends it', async () => {
    const peer = await spawnPeer(new URL('./fixtures/sender.js', import.meta.url), {
      adapter: 'shared-memory/ring',
      args: ['Infinity'],
    })
    const duplex = toDuplex(peer.channel)
    await once(duplex, 'readable')
    process.kill(peer.pid, 'SIGKILL')
    const failed = once(duplex, 'error')
    duplex.resume()
    assert.equal((await failed)[0].code, 'ERR_IPC_PEER_GONE')
    await peer[Symbol.asyncDispose]()
  })

  test('a loop that is left destroys the channel, as of any stream', async () => {
    const { a, b } = channelPair({ over: 'message' })
    await b.send(Uint8Array.of(1))
    for await (const _ of toDuplex(a)) break
    assert.equal(a.state, 'closed')
  })
})
