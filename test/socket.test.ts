/** What the socket adapters promise beside the conformance suite: names, limits, and peers that are not ours. */
import { type ChildProcess, type ForkOptions, fork, spawn, spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect as netConnect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type AdapterId, type Channel, connect, listen, openReceiver, openSender, Result, type Server, spawnPeer } from 'ipc-playground'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const fixture = (name: string) => new URL(`./fixtures/${name}.js`, import.meta.url)
const bytes = (text: string) => new TextEncoder().encode(text)
const text = (data: Uint8Array | null) => (data === null ? null : new TextDecoder().decode(data))
const pattern = (length: number) => Uint8Array.from({ length }, (_, i) => i * 7 + (i >> 8))
const has = (program: string) => spawnSync('which', [program]).status === 0
const limit = { timeout: 5000 }

let folder = ''
const children: ChildProcess[] = []
const disposables: { close(): Promise<unknown> }[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ipc-socket-'))
})
afterEach(async () => {
  for (const disposable of disposables.splice(0).reverse()) await disposable.close().catch(() => {})
  for (const child of children.splice(0)) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

function own<T extends { close(): Promise<unknown> }>(disposable: T): T {
  disposables.push(disposable)
  return disposable
}

/** Its names are recorded in the test's own folder: no other process sweeps what it left. */
function child(task: string, address: string, options: ForkOptions = {}): ChildProcess {
  const env = { ...process.env, XDG_RUNTIME_DIR: folder }
  const started = fork(fileURLToPath(fixture('socket-child')), [task, address], { env, ...options })
  children.push(started)
  return started
}

const message = async (from: ChildProcess): Promise<unknown> => (await once(from, 'message', { signal: AbortSignal.timeout(10_000) }))[0]

async function accepted(server: Server): Promise<Channel> {
  const { value } = await server[Symbol.asyncIterator]().next()
  return own(value as Channel)
}

async function meet(address: string): Promise<{ server: Server; here: Channel; there: Channel }> {
  const server = own(await listen(address))
  const [here, there] = await Promise.all([accepted(server), connect(server.address, limit)])
  return { server, here, there: own(there) }
}

const ADAPTERS: AdapterId[] = [
  'socket/unix',
  'socket/unix-seqpacket',
  'socket/unix-dgram',
  'socket/tcp',
  'socket/udp',
  'socket/multicast',
  'socket/node-ipc',
]

describe.each(ADAPTERS)('%s', (adapter) => {
  it('carries messages of every size to a spawned peer and back', async () => {
    const peer = await spawnPeer(fixture('echo-child'), { adapter, ...limit })
    try {
      const { channel } = peer
      const { max } = channel.capabilities.payload
      for (const length of new Set([0, 1, 64, 65_503, 65_536, 65_537, 131_072, Math.min(max, 1 << 20)])) {
        if (length > max) continue
        const sent = pattern(length)
        await channel.send(sent, limit)
        expect(Buffer.compare((await channel.receive(limit)) ?? new Uint8Array(1), sent), `${length} bytes`).toBe(0)
      }
      await expect(channel.send(new Uint8Array(Math.min(max + 1, 2 ** 26 + 1)))).rejects.toMatchObject({ code: 'ERR_IPC_PAYLOAD_SIZE' })
      await channel.send(bytes('exit'))
    } finally {
      await peer[Symbol.asyncDispose]()
    }
    expect(await peer.exited).toEqual({ code: 0, signal: null })
  })

  it('carries messages to a worker thread and back', async () => {
    const peer = await spawnPeer(fixture('echo-child'), { adapter, thread: true, ...limit })
    try {
      await peer.channel.send(bytes('hello'))
      expect(text(await peer.channel.receive(limit))).toBe('hello')
      await peer.channel.send(bytes('exit'))
    } finally {
      await peer[Symbol.asyncDispose]()
    }
    expect((await peer.exited).code).toBe(0)
  })

  it('carries messages while this thread blocks', async () => {
    const peer = await spawnPeer(fixture('echo-child'), { adapter, ...limit })
    try {
      const { sync, capabilities } = peer.channel
      expect(sync !== undefined).toBe(capabilities.sync)
      for (const length of [0, 64, 65_503]) {
        sync?.send(pattern(length), limit)
        expect(sync === undefined ? length : sync.receive(limit)?.length).toBe(length)
      }
      if (sync !== undefined) expect(() => sync.receive({ timeout: 5 })).toThrow(expect.objectContaining({ code: 'ERR_IPC_TIMEOUT' }))
      await peer.channel.send(bytes('exit'))
    } finally {
      await peer[Symbol.asyncDispose]()
    }
  })

  it('tells that a spawned peer was killed', async () => {
    const peer = await spawnPeer(fixture('echo-child'), { adapter, ...limit })
    await peer.channel.send(bytes('die'))
    const outcome = await peer.channel.receive(limit).catch((error: { code: string }) => error.code)
    expect([null, 'ERR_IPC_PEER_GONE']).toContain(outcome)
    await peer[Symbol.asyncDispose]()
  })

  it('rejects with ERR_IPC_NOT_FOUND where nobody listens', async () => {
    const address: Record<string, string> = {
      'socket/tcp': 'tcp://127.0.0.1:1',
      'socket/udp': 'udp://127.0.0.1:1',
      'socket/multicast': 'multicast://239.255.1.1:20001',
    }
    const scheme = { 'socket/unix': 'unix', 'socket/unix-seqpacket': 'unix+seqpacket', 'socket/unix-dgram': 'unix+dgram' }[
      adapter as string
    ]
    await expect(connect(address[adapter] ?? `${scheme ?? 'node-ipc'}://${folder}/none`, limit)).rejects.toMatchObject({
      code: 'ERR_IPC_NOT_FOUND',
      adapter,
    })
  })
})

describe.each(['unix', 'unix+seqpacket', 'unix+dgram'])('%s paths', (scheme) => {
  const path = () => join(folder, 'x.sock')
  const url = () => `${scheme}://${path()}`

  it('are made with mode 0600 whatever the umask, and removed', async () => {
    const before = process.umask(0)
    try {
      const server = await listen(url())
      expect(statSync(path()).mode & 0o777).toBe(0o600)
      await server.close()
      expect(existsSync(path())).toBe(false)
      const open = own(await listen(url(), { mode: 0o666 }))
      process.umask(0o077)
      expect(statSync(path()).mode & 0o777).toBe(0o666)
      await open.close()
    } finally {
      process.umask(before)
    }
  })

  it('refuse a second listener, which the first does not notice', async () => {
    const server = own(await listen(url()))
    await expect(listen(url())).rejects.toMatchObject({ code: 'ERR_IPC_EXISTS' })
    const there = own(await connect(url(), limit))
    const here = await accepted(server)
    expect(server.channels.size).toBe(1)
    await there.send(bytes('hello'))
    expect(text(await here.receive(limit))).toBe('hello')
  })

  it('are taken over from a listener that was killed', async () => {
    const dead = child('listen', url())
    await message(dead)
    dead.kill('SIGKILL')
    await once(dead, 'exit')
    expect(existsSync(path())).toBe(true)
    const { here, there } = await meet(url())
    await there.send(bytes('hello'))
    expect(text(await here.receive(limit))).toBe('hello')
  })

  it('go to exactly one of two that find a stale one', async () => {
    const dead = child('listen', url())
    await message(dead)
    dead.kill('SIGKILL')
    await once(dead, 'exit')
    const racers = [child('race', url()), child('race', url()), child('race', url())]
    await Promise.all(racers.map(message))
    for (const racer of racers) racer.send('go')
    const outcomes = (await Promise.all(racers.map(message))) as string[]
    expect(outcomes.sort()).toEqual(['ERR_IPC_EXISTS', 'ERR_IPC_EXISTS', 'won'])
    own(await connect(url(), limit))
    for (const racer of racers) racer.send('done')
    await Promise.all(racers.map((racer) => once(racer, 'exit')))
    expect(existsSync(path())).toBe(false)
  })

  it("of a successor are not removed by the predecessor's close", async () => {
    const predecessor = await listen(url())
    rmSync(path())
    const successor = own(await listen(url()))
    await predecessor.close()
    expect(existsSync(path())).toBe(true)
    const there = own(await connect(url(), limit))
    await accepted(successor)
    expect(there.state).toBe('open')
  })

  it('of another kind of file are left alone', async () => {
    writeFileSync(path(), 'mine')
    await expect(listen(url())).rejects.toMatchObject({ code: 'ERR_IPC_EXISTS' })
    expect(statSync(path()).size).toBe(4)
  })

  it('have at most 107 bytes', async () => {
    const long = `/tmp/${'x'.repeat(102)}`
    expect(Buffer.byteLength(long)).toBe(107)
    await (await listen(`${scheme}://${long}`)).close()
    await expect(listen(`${scheme}://${long}x`)).rejects.toThrow(RangeError)
    await expect(connect(`${scheme}://${long}x`)).rejects.toThrow(RangeError)
  })

  it('that begin with @ are abstract: no file, and gone with their socket', async () => {
    const { server, here, there } = await meet(`${scheme}:///@ipc-playground-${process.pid}`)
    await there.send(bytes('hello'))
    expect(text(await here.receive(limit))).toBe('hello')
    await expect(listen(server.address)).rejects.toMatchObject({ code: 'ERR_IPC_EXISTS' })
    await server.close()
    await (await listen(server.address)).close()
  })

  it('tell each side the credentials of the other', async () => {
    const listener = child('listen', url())
    await message(listener)
    const there = own(await connect(url(), limit))
    expect(there.peer).toEqual({ pid: listener.pid, uid: process.geteuid?.() })
    await there.send(bytes('hello'))
    expect(await there.receiveMessage(limit)).toMatchObject({ from: { pid: listener.pid } })
  })

  it('refuse whom allow refuses', async () => {
    const asked: unknown[] = []
    const server = own(await listen(url(), { allow: (peer) => asked.push(peer?.pid) < 0 }))
    const refused = await connect(url(), limit).then(
      (channel) => own(channel).receive(limit),
      (error: { code: string }) => error.code,
    )
    expect([null, 'ERR_IPC_PEER_GONE']).toContain(refused)
    expect(asked).toEqual([process.pid])
    expect(server.channels.size).toBe(0)
  })
})

it.runIf(process.geteuid?.() === 0)('another user is refused by default, even where the path lets it in', async () => {
  const path = join(folder, 'open.sock')
  chmodSync(folder, 0o755)
  const server = own(await listen({ adapter: 'socket/unix', path }, { mode: 0o666 }))
  const script = `require('net').connect(${JSON.stringify(path)}).on('close', () => process.exit(7)).on('error', () => process.exit(8)).resume()`
  const stranger = spawn(process.execPath, ['-e', script], { uid: 65534, gid: 65534, env: {}, stdio: 'ignore', cwd: '/' })
  children.push(stranger)
  expect([7, 8]).toContain((await once(stranger, 'exit'))[0])
  expect(server.channels.size).toBe(0)
})

describe('unix+seqpacket', () => {
  it('tells a record of no bytes from the end', async () => {
    const { here, there } = await meet(`unix+seqpacket://${folder}/x`)
    await there.send(new Uint8Array(0))
    await there.send(bytes('x'))
    await there.send(new Uint8Array(0))
    await there.end()
    expect((await here.receive(limit))?.length).toBe(0)
    expect(text(await here.receive(limit))).toBe('x')
    expect((await here.receive(limit))?.length).toBe(0)
    expect(await here.receive(limit)).toBe(null)
    await here.send(bytes('the other way still flows'))
    expect(text(await there.receive(limit))).toBe('the other way still flows')
  })

  it('shows an end and not a reset where the closing side had not read everything', async () => {
    const { here, there } = await meet(`unix+seqpacket://${folder}/x`)
    await there.send(new Uint8Array(0))
    await there.send(bytes('never read'))
    await here.send(bytes('last word'))
    await here.close()
    expect(text(await there.receive(limit))).toBe('last word')
    expect(await there.receive(limit)).toBe(null)
  })

  it('keeps a message that does not fit the target', async () => {
    const { here, there } = await meet(`unix+seqpacket://${folder}/x`)
    const sent = pattern(100_000)
    await there.send(sent)
    await there.send(bytes('next'))
    expect(await here.receiveInto(new Uint8Array(10))).toBe(Result.TARGET_SIZE)
    expect(here.tryReceiveInto(new Uint8Array(99_999))).toBe(Result.TARGET_SIZE)
    const target = new Uint8Array(100_000)
    expect(here.tryReceiveInto(target)).toBe(100_000)
    expect(Buffer.compare(target, sent)).toBe(0)
    expect(text(await here.receive(limit))).toBe('next')
  })

  it('waits when the buffer is full and loses nothing', async () => {
    const { here, there } = await meet(`unix+seqpacket://${folder}/x`)
    const one = new Uint8Array(1000)
    let sent = 0
    while (there.trySend(one) >= 0) sent++
    expect(sent).toBeGreaterThan(100)
    const late = there.send(bytes('late'))
    for (let i = 0; i < sent; i++) expect((await here.receive(limit))?.length).toBe(1000)
    await late
    expect(text(await here.receive(limit))).toBe('late')
  })
})

describe('unix+dgram', () => {
  it('tells a sender that the peer is gone, and a receiver nothing', async () => {
    const { here, there } = await meet(`unix+dgram://${folder}/x`)
    await here.send(bytes('last word'))
    await here.close()
    expect(text(await there.receive(limit))).toBe('last word')
    expect(there.tryReceiveInto(new Uint8Array(10))).toBe(Result.WOULD_BLOCK)
    expect(there.trySend(bytes('x'))).toBe(Result.PEER_GONE)
  })

  it('does not leave a connector waiting for a listener that dies before it answers', async () => {
    const address = `unix+dgram://${folder}/x`
    const listener = child('listen', address)
    await message(listener)
    listener.kill('SIGSTOP')
    const connecting = connect(address).catch((error: { code: string }) => error.code)
    await turn()
    listener.kill('SIGKILL')
    // A connector that came to say hello only then finds nobody.
    expect(['ERR_IPC_PEER_GONE', 'ERR_IPC_NOT_FOUND']).toContain(await connecting)
  })

  it('throws away what is no hello, with the descriptors attached', async () => {
    const address = `unix+dgram://${folder}/x`
    const server = own(await listen(address))
    const sender = own(await openSender(address))
    await sender.send(bytes('ipc-playground/1 hello'))
    await sender.send(new Uint8Array(0))
    const there = own(await connect(address, limit))
    await accepted(server)
    expect(there.state).toBe('open')
    expect(server.channels.size).toBe(1)
  })

  it('is spoken raw: many senders, whose credentials come along; create decides', async () => {
    const address = `unix+dgram://${folder}/x`
    await expect(openReceiver(address)).rejects.toMatchObject({ code: 'ERR_IPC_NOT_FOUND' })
    await expect(openSender(address)).rejects.toMatchObject({ code: 'ERR_IPC_NOT_FOUND' })
    const receiver = own(await openReceiver(address, { create: 'exclusive' }))
    await expect(openReceiver(address, { create: 'exclusive' })).rejects.toMatchObject({ code: 'ERR_IPC_EXISTS' })
    await expect(openReceiver(address)).rejects.toMatchObject({ code: 'ERR_IPC_BUSY' })
    const senders = [own(await openSender(address)), own(await openSender(address))]
    for (const [i, sender] of senders.entries()) await sender.send(bytes(`from ${i}`))
    const first = await receiver.receiveMessage(limit)
    expect(first?.from).toEqual({ pid: process.pid, uid: process.geteuid?.() })
    expect([text(first?.data ?? null), text(await receiver.receive(limit))]).toEqual(['from 0', 'from 1'])
    const large = pattern(131_072)
    await senders[0]?.send(large)
    expect(Buffer.compare((await receiver.receive(limit)) ?? new Uint8Array(), large)).toBe(0)
  })

  it('lets a raw sender wait for room in the queue of the receiver', async () => {
    const address = `unix+dgram://${folder}/x`
    const receiver = own(await openReceiver(address, { create: 'exclusive' }))
    const sender = own(await openSender(address))
    let sent = 0
    while (sender.trySend(bytes(`${sent}`)) >= 0) sent++
    const late = sender.send(bytes('late'), limit)
    for (let i = 0; i < sent; i++) expect(text(await receiver.receive(limit))).toBe(`${i}`)
    await late
    expect(text(await receiver.receive(limit))).toBe('late')
  })

  it.runIf(has('socat'))('talks with socat', async () => {
    const address = `unix+dgram://${folder}/x`
    const receiver = own(await openReceiver(address, { create: 'if-missing' }))
    spawnSync('socat', ['-u', '-', `UNIX-SENDTO:${folder}/x`], { input: 'READY=1' })
    expect(text(await receiver.receive(limit))).toBe('READY=1')
  })
})

describe('tcp', () => {
  it('tells the port that the kernel chose, on loopback unless told otherwise', async () => {
    const server = own(await listen({ adapter: 'socket/tcp', port: 0 }))
    expect(server.address).toMatch(/^tcp:\/\/127\.0\.0\.1:[1-9]\d*$/)
    await expect(listen(server.address)).rejects.toMatchObject({ code: 'ERR_IPC_EXISTS' })
  })

  it('resolves names and takes IPv6 in brackets', async () => {
    for (const address of ['tcp://localhost:0', 'tcp://[::1]:0']) {
      const { here, there } = await meet(address)
      await there.send(bytes('hello'))
      expect(text(await here.receive(limit))).toBe('hello')
    }
    await expect(connect('tcp://no.such.host.invalid:80', limit)).rejects.toMatchObject({ code: 'ERR_IPC_NOT_FOUND' })
    await expect(connect('tcp://127.0.0.1')).rejects.toThrow(TypeError)
    await expect(listen({ adapter: 'socket/tcp', port: 65_536 })).rejects.toThrow(RangeError)
  })

  it('can be closed and listened at again at once', async () => {
    const { server, here, there } = await meet('tcp://127.0.0.1:0')
    await here.close()
    await there.close()
    await server.close()
    own(await listen(server.address))
  })

  it.runIf(has('nc'))('talks with nc', async () => {
    const server = own(await listen('tcp://127.0.0.1:0', { framing: 'stream' }))
    const { port } = new URL(server.address)
    const nc = spawn('nc', ['-N', '127.0.0.1', port], { stdio: ['pipe', 'pipe', 'inherit'] })
    children.push(nc)
    nc.stdin.end('hello')
    const { value: channel } = await server[Symbol.asyncIterator]().next()
    expect(text(await channel.receive(limit))).toBe('hello')
    await channel.send(bytes('world'))
    await channel.close()
    expect(String((await once(nc.stdout, 'data'))[0])).toBe('world')
  })
})

describe('unix, with peers that are not ours', () => {
  const stream = async () => own(await listen(`unix://${folder}/x`, { framing: 'stream' }))

  it.runIf(has('nc'))('nc -U', async () => {
    const server = await stream()
    const nc = spawn('nc', ['-N', '-U', `${folder}/x`], { stdio: ['pipe', 'pipe', 'inherit'] })
    children.push(nc)
    nc.stdin.end('hello')
    const { value: channel } = await server[Symbol.asyncIterator]().next()
    expect(text(await channel.receive(limit))).toBe('hello')
    expect(await channel.receive(limit)).toBe(null)
    await channel.send(bytes('world'))
    await channel.close()
    expect(String((await once(nc.stdout, 'data'))[0])).toBe('world')
  })

  it.runIf(has('socat'))('socat, over sequenced packets', async () => {
    const server = own(await listen(`unix+seqpacket://${folder}/x`))
    const socat = spawn('socat', ['-', `UNIX-CONNECT:${folder}/x,type=5`], { stdio: ['pipe', 'pipe', 'inherit'] })
    children.push(socat)
    socat.stdin.write('hello')
    const channel = await accepted(server)
    expect(text(await channel.receive(limit))).toBe('hello')
    await channel.send(bytes('world'))
    expect(String((await once(socat.stdout, 'data'))[0])).toBe('world')
  })

  it('node:net', async () => {
    const server = await stream()
    const socket = netConnect(`${folder}/x`)
    socket.end('hello')
    const { value: channel } = await server[Symbol.asyncIterator]().next()
    expect(text(await channel.receive(limit))).toBe('hello')
    await channel.close()
    socket.destroy()
  })
})

describe('udp', () => {
  it('gives each peer a channel of its own', async () => {
    const server = own(await listen('udp://127.0.0.1:0'))
    expect(server.address).toMatch(/^udp:\/\/127\.0\.0\.1:[1-9]\d*$/)
    for (const name of ['one', 'two']) {
      const [here, there] = await Promise.all([accepted(server), connect(server.address, limit)])
      own(there)
      await here.send(bytes(`to ${name}`))
      await there.send(bytes(`from ${name}`))
      expect(text(await here.receive(limit))).toBe(`from ${name}`)
      expect(text(await there.receive(limit))).toBe(`to ${name}`)
    }
    expect(server.channels.size).toBe(2)
    await expect(listen(server.address)).rejects.toMatchObject({ code: 'ERR_IPC_EXISTS' })
  })

  it('tells a sender that the peer is gone', async () => {
    const { here, there } = await meet('udp://[::1]:0')
    await here.send(new Uint8Array(0))
    expect((await there.receive(limit))?.length).toBe(0)
    await here.send(bytes('last word'))
    await here.close()
    there.trySend(bytes('x'))
    expect(text(await there.receive(limit))).toBe('last word')
    await expect(there.receive(limit)).rejects.toMatchObject({ code: 'ERR_IPC_PEER_GONE' })
  })

  it('ignores strangers at the meeting port', async () => {
    const server = own(await listen('udp://127.0.0.1:0'))
    const stranger = own(await openSender(server.address))
    for (const junk of ['', 'ipc-playground/1', 'ipc-playground/1 hello x 70000', 'ipc-playground/1 hello x y z', '\0'.repeat(60_000)])
      await stranger.send(bytes(junk))
    own(await connect(server.address, limit))
    await accepted(server)
    expect(server.channels.size).toBe(1)
  })

  it('is spoken raw with node:dgram, both ways', async () => {
    const socket = createSocket('udp4')
    try {
      socket.bind(0, '127.0.0.1')
      await once(socket, 'listening')
      const { port } = socket.address()
      const sender = own(await openSender(`udp://127.0.0.1:${port}`))
      const came = once(socket, 'message')
      await sender.send(bytes('hello'))
      expect(String((await came)[0])).toBe('hello')
    } finally {
      socket.close()
    }
    const receiving = child('receive', 'udp://127.0.0.1:20017')
    expect(await message(receiving)).toBe('open')
    const answering = createSocket('udp4')
    answering.send('world', 20_017, '127.0.0.1')
    await once(answering, 'listening')
    expect(await message(receiving)).toEqual({ text: 'world', from: `127.0.0.1:${answering.address().port}` })
    answering.close()
  })
})

describe('multicast', () => {
  const group = `multicast://239.255.7.${1 + (process.pid % 200)}:${21_000 + (process.pid % 9000)}`

  it('reaches every member but the sender', async () => {
    const server = own(await listen(group))
    const members = [child('member', group), child('member', group)]
    const channels = [await accepted(server), await accepted(server)]
    expect(await Promise.all(members.map(message))).toEqual(['joined', 'joined'])
    await channels[0]?.send(bytes('hello'))
    const heard = new Set<string | null>()
    // Both members answer, and each hears the other's answer too, and answers it: the first of each is enough.
    while (heard.size < 2) {
      const said = text((await channels[0]?.receive(limit)) ?? null)
      if (said !== null && said.split(' ').length === 2) heard.add(said)
    }
    expect(heard).toEqual(new Set(members.map(({ pid }) => `${pid} hello`)))
    for (const { pid } of members) if (pid !== undefined) process.kill(pid, 'SIGKILL')
  })

  it('is spoken raw to two receivers in two processes', async () => {
    const receivers = [child('receive', group), child('receive', group)]
    expect(await Promise.all(receivers.map(message))).toEqual(['open', 'open'])
    const sender = own(await openSender(group))
    await sender.send(bytes('to all'))
    for (const told of await Promise.all(receivers.map(message)))
      expect(told).toEqual({ text: 'to all', from: expect.stringMatching(/^127\.0\.0\.1:\d+$/) })
  })

  it('refuses a second listener on this machine, and groups that are none', async () => {
    own(await listen(group))
    await expect(listen(group)).rejects.toMatchObject({ code: 'ERR_IPC_EXISTS' })
    await expect(listen('multicast://127.0.0.1:5000')).rejects.toThrow(TypeError)
    await expect(listen('multicast://239.255.73.80:5000')).rejects.toThrow(TypeError)
    await expect(listen('multicast://239.255.1.1:0')).rejects.toThrow(RangeError)
  })
})

describe('node-ipc', () => {
  it('makes an error of what is no JSON, and survives it', async () => {
    const server = own(await listen(`node-ipc://${folder}/x`))
    const stranger = netConnect(`${folder}/x`)
    const channel = await accepted(server)
    stranger.write('no JSON\f')
    await expect(channel.receive(limit)).rejects.toMatchObject({ code: 'ERR_IPC_PROTOCOL' })
    stranger.destroy()
    const there = own(await connect(`node-ipc://${folder}/x`, limit))
    await accepted(server)
    expect(there.state).toBe('open')
  })
})
