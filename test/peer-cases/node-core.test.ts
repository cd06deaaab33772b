import assert from 'node:assert/strict'
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, test } from 'vitest'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ipc-playground-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function script(name: string, text: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, text)
  return path
}

const listening = async (server: Server, ...at: [string] | [number, string]) => {
  const [first, host] = at
  if (typeof first === 'string') server.listen(first)
  else server.listen(first, host)
  await once(server, 'listening')
}

const ended = (child: ChildProcess) => once(child, 'exit')

test('Node test-net-pipe-connect-errors: a path that is none is ENOENT, one that is no socket ECONNREFUSED', async () => {
  const codeOf = async (path: string) => ((await once(connect(path), 'error')) as [NodeJS.ErrnoException])[0].code
  assert.equal(await codeOf(join(folder, 'nothing')), 'ENOENT')
  assert.equal(await codeOf(await script('file', '')), 'ECONNREFUSED')
})

test('Node test-net-server-reset: resetAndDestroy of one side is ECONNRESET to the other', async () => {
  const server = createServer((socket) => socket.resetAndDestroy())
  await listening(server, 0, '127.0.0.1')
  const address = server.address()
  assert(address !== null && typeof address === 'object')
  const [error] = (await once(connect(address.port, '127.0.0.1'), 'error')) as [NodeJS.ErrnoException]
  assert.equal(error.code, 'ECONNRESET')
  server.close()
})

/** Takes the handles that come, and ends with the third message. */
const CHILD = 'process.on("message", (message, handle) => { handle?.close(); if (message === "three") process.disconnect() })'

test('Node test-child-process-send-returns-boolean: behind a handle that was not acknowledged one message is queued, the next send says false', async () => {
  const child = fork(await script('child.cjs', CHILD))
  const server = createServer()
  await listening(server, join(folder, 'handle'))
  const done = [once(child, 'disconnect'), ended(child)]
  const told = ['one', 'two', 'three'].map((message) => child.send(message, server))
  assert.deepEqual(told, [true, true, false])
  await Promise.all(done)
  server.close()
})

test('Node test-child-process-pipe-dataflow: a megabyte through a chain of three processes arrives as it was sent', async () => {
  const sent = Buffer.from(Array.from({ length: 1 << 20 }, (_, at) => (at * 31 + (at >>> 8)) & 0xff))
  const [first, middle, last] = ['first', 'middle', 'last'].map(() => spawn('cat', { stdio: ['pipe', 'pipe', 'inherit'] }))
  assert(first !== undefined && middle !== undefined && last !== undefined)
  const exits = Promise.all([first, middle, last].map(ended))
  first.stdout.pipe(middle.stdin)
  middle.stdout.pipe(last.stdin)
  first.stdin.end(sent)
  const received = createHash('sha256')
  for await (const chunk of last.stdout) received.update(chunk)
  assert.equal(received.digest('hex'), createHash('sha256').update(sent).digest('hex'))
  assert.deepEqual(await exits, [
    [0, null],
    [0, null],
    [0, null],
  ])
})

const ECHO = 'process.once("message", (message) => process.send(message, () => process.disconnect()))'

test('Node test-child-process-advanced-serialization-largebuffer: a buffer larger than any socket holds comes back equal', async () => {
  const child = fork(await script('echo.cjs', ECHO), { serialization: 'advanced' })
  const sent = new Uint8Array(8 << 20).map((_, at) => (at * 31 + (at >>> 8)) & 0xff)
  const exit = ended(child)
  const answered = once(child, 'message')
  child.send(sent)
  const [received] = (await answered) as [Uint8Array]
  assert.equal(Buffer.compare(received, sent), 0)
  assert.deepEqual(await exit, [0, null])
})
