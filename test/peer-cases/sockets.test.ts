import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { call, type Stage } from 'ipc-playground/matrix'
import { joined, newGroup } from '../../src/matrix/subjects/datagram-sockets.js'
import { numbersOf } from '../../src/matrix/subjects/numbered.js'
import { bound, inetAddress, int, LOOPBACK, octets, openSocket, portOf, unixAddress } from '../../src/matrix/subjects/sockets.js'
import type { Actor } from '../../src/stage/actor.js'
import { K } from '../../src/stage/constants.js'
import { descriptorsOf } from '../../src/stage/kernel.js'
import { peerCase } from './stage.js'

/** More than the loopback interface takes. */
const PATIENCE_MS = 5000

peerCase(
  'libuv pipe_connect_bad_name, pipe_connect_to_file: no such path is ENOENT, a path that is no socket ECONNREFUSED',
  ['ustream'],
  async (stage) => {
    const [client, server] = [await stage.actor('client'), await stage.actor('server')]
    const path = await stage.path()
    const connect = async () => client.do(call('connect', await openSocket(client, K.AF_UNIX, K.SOCK_STREAM), unixAddress(path)))
    assert.equal((await connect()).error, 'ENOENT')
    await writeFile(path, '')
    assert.equal((await connect()).error, 'ECONNREFUSED')

    await server.must(call('unlink', path))
    const { fd } = await bound(server, K.AF_UNIX, K.SOCK_STREAM, unixAddress(path))
    assert.equal((await connect()).error, 'ECONNREFUSED', 'a socket that does not listen')
    await server.must(call('listen', fd, 1))
    assert.equal((await connect()).error, undefined)
  },
)

peerCase(
  'libuv pipe_getsockname_abstract, …_autobind: who binds no name is given an abstract one of five digits, of its own',
  ['ustream'],
  async (stage) => {
    const [client, server] = [await stage.actor('client'), await stage.actor('server')]
    const named = Uint8Array.of(K.AF_UNIX.value, 0)
    const [first, second] = [await bound(server, K.AF_UNIX, K.SOCK_STREAM, named), await bound(server, K.AF_UNIX, K.SOCK_STREAM, named)]
    const nameOf = ({ address }: typeof first) => Buffer.from(address.subarray(2)).toString('latin1')
    for (const socket of [first, second]) assert.match(nameOf(socket), /^\0[0-9a-f]{5}$/)
    assert.notEqual(nameOf(first), nameOf(second))

    await server.must(call('listen', first.fd, 1))
    const out = await openSocket(client, K.AF_UNIX, K.SOCK_STREAM)
    await client.must(call('connect', out, first.address))
    assert.deepEqual((await client.must(call('getpeername', out))).bytes('address'), first.address)
  },
)

/** Of `struct sockaddr_un`. unix(7) */
const SUN_PATH = 108

peerCase(
  'libuv pipe_getsockname_long_path: a path fills sun_path to its last byte, and one byte more is EINVAL',
  ['ustream'],
  async (stage) => {
    const [client, server] = [await stage.actor('client'), await stage.actor('server')]
    const path = (await stage.path()).padEnd(SUN_PATH, 'x')
    const terminated = unixAddress(path)
    const { fd } = await bound(server, K.AF_UNIX, K.SOCK_STREAM, terminated.subarray(0, 2 + SUN_PATH))
    try {
      await server.must(call('listen', fd, 1))
      const out = await openSocket(client, K.AF_UNIX, K.SOCK_STREAM)
      assert.equal((await client.do(call('connect', out, terminated))).error, 'EINVAL')
      await client.must(call('connect', out, terminated.subarray(0, 2 + SUN_PATH)))
      const peer = (await client.must(call('getpeername', out))).bytes('address')
      assert.equal(Buffer.from(peer.subarray(2, 2 + SUN_PATH)).toString(), path)
    } finally {
      await server.must(call('unlink', path))
    }
  },
)

/** A connection, and the socket that listened for it, closed. */
async function connection(stage: Stage): Promise<{ client: Actor; out: number; server: Actor; accepted: number }> {
  const [client, server] = [await stage.actor('client'), await stage.actor('server')]
  const { fd: listener, address } = await bound(server, K.AF_INET, K.SOCK_STREAM, inetAddress(LOOPBACK, 0))
  await server.must(call('listen', listener, 1))
  const out = await openSocket(client, K.AF_INET, K.SOCK_STREAM)
  await client.must(call('connect', out, address))
  const accepted = (await server.must(call('accept', listener, 0))).result
  await server.must(call('close', listener))
  return { client, out, server, accepted }
}

/** Data come first, in order; then how the connection ended. */
async function readToEnd(actor: Actor, fd: number): Promise<string> {
  let text = ''
  for (;;) {
    const read = await actor.do(call('recv', fd, 64, 0))
    if (read.error !== undefined) return `${text} ${read.error}`
    if (read.result === 0) return `${text} end`
    text += read.text
  }
}

peerCase(
  'libuv test-tcp-close-reset, test-tcp-rst: who closes with SO_LINGER of 0 resets the connection: after what had come the other side reads ECONNRESET, and no end',
  ['tcp'],
  async (stage) => {
    for (const [reset, seen] of [
      [true, 'answer ECONNRESET'],
      [false, 'answer end'],
    ] as const) {
      const { client, out, server, accepted } = await connection(stage)
      if (reset) await server.must(call('setsockopt', accepted, K.SOL_SOCKET, K.SO_LINGER, Buffer.concat([int(1), int(0)])))
      await server.must(call('send', accepted, 'answer', 0))
      await client.must(call('poll', out, K.POLLIN, PATIENCE_MS))
      await server.must(call('close', accepted))
      await client.must(call('poll', out, K.POLLRDHUP, PATIENCE_MS))
      assert.equal(await readToEnd(client, out), seen)
    }
  },
)

peerCase('libuv test-shutdown-simultaneous: both sides end at once, and either reads all, then the end', ['tcp'], async (stage) => {
  const { client, out, server, accepted } = await connection(stage)
  await client.must(call('send', out, 'question', 0))
  await server.must(call('send', accepted, 'answer', 0))
  await Promise.all([client.must(call('shutdown', out, K.SHUT_WR)), server.must(call('shutdown', accepted, K.SHUT_WR))])
  assert.deepEqual([await readToEnd(client, out), await readToEnd(server, accepted)], ['answer end', 'question end'])
})

peerCase(
  'libuv test-tcp-oob: an urgent byte is no input: who watches for input alone is not woken by it again and again',
  ['tcp'],
  async (stage) => {
    const { client, out, server, accepted } = await connection(stage)
    const events = async (asked: number, ms = 0) => (await client.must(call('poll', out, asked, ms))).number('revents')
    await server.must(call('send', accepted, 'u', K.MSG_OOB))
    assert.equal(await events(K.POLLPRI.value, PATIENCE_MS), K.POLLPRI.value)
    assert.equal(await events(K.POLLIN.value), 0)
    assert.equal((await client.do(call('recv', out, 64, K.MSG_DONTWAIT))).error, 'EAGAIN')

    await server.must(call('send', accepted, 'input', 0))
    assert.equal(await events(K.POLLIN.value, PATIENCE_MS), K.POLLIN.value)
    assert.equal((await client.must(call('recv', out, 64, 0))).text, 'input')
    assert.equal(await events(K.POLLIN.value), 0)
  },
)

peerCase(
  'libuv test-udp-multicast-join: a member gets what is sent to its group, and a member of another group at the same port does not',
  ['mcast'],
  async (stage) => {
    const [sender, member, other] = [await stage.actor('sender'), await stage.actor('member'), await stage.actor('member of another')]
    const group = newGroup()
    const { fd, address } = await joined(member, group)
    const elsewhere = await joined(other, newGroup(), portOf(address))
    const out = await openSocket(sender, K.AF_INET, K.SOCK_DGRAM)
    await sender.must(call('setsockopt', out, K.IPPROTO_IP, K.IP_MULTICAST_IF, Uint8Array.of(...octets(LOOPBACK))))
    const received = async (text: string, to: Uint8Array) => {
      await sender.must(call('sendto', out, text, 0, to))
      const each = [await member.do(call('recv', fd, 64, K.MSG_DONTWAIT)), await other.do(call('recv', elsewhere.fd, 64, K.MSG_DONTWAIT))]
      return each.map(({ error, text: got }) => error ?? got)
    }
    assert.deepEqual(await received('to the group', address), ['to the group', 'EAGAIN'])
    assert.deepEqual(await received('to the other', elsewhere.address), ['EAGAIN', 'to the other'])
  },
)

const SENDERS = 64

peerCase(
  'libuv test-udp-reuseport: of two that share a port each datagram comes to one, and a sender’s always to the same',
  ['udp'],
  async (stage) => {
    const [sender, ...receivers] = [await stage.actor('sender'), await stage.actor('one'), await stage.actor('other')]
    const open = async (actor: Actor, address: Uint8Array) => {
      const fd = await openSocket(actor, K.AF_INET, K.SOCK_DGRAM)
      await actor.must(call('setsockopt', fd, K.SOL_SOCKET, K.SO_REUSEPORT, int(1)))
      await actor.must(call('bind', fd, address))
      return { actor, fd, address: (await actor.must(call('getsockname', fd))).bytes('address') }
    }
    const [one, two] = receivers as [Actor, Actor]
    const first = await open(one, inetAddress(LOOPBACK, 0))
    const sockets = [first, await open(two, first.address)]
    assert.equal(
      (await sender.do(call('bind', await openSocket(sender, K.AF_INET, K.SOCK_DGRAM), first.address))).error,
      'EADDRINUSE',
      'who does not share it',
    )

    const round = async () => {
      const shares: (readonly number[])[] = []
      for (const { actor, fd } of sockets)
        shares.push(numbersOf((await actor.repeat(SENDERS + 1, call('recv', fd, 64, K.MSG_DONTWAIT))).each))
      return shares
    }
    const out: number[] = []
    for (let at = 0; at < SENDERS; at++) out.push(await openSocket(sender, K.AF_INET, K.SOCK_DGRAM))
    const sendAll = async () => {
      for (const [at, fd] of out.entries()) await sender.must(call('sendto', fd, int(at), 0, first.address))
    }
    await sendAll()
    const shares = await round()
    assert.deepEqual(
      shares.flat().sort((a, b) => a - b),
      [...out.keys()],
    )
    assert.ok(
      shares.every(({ length }) => length > 0),
      'both have a share',
    )
    await sendAll()
    assert.deepEqual(await round(), shares)
  },
)

/** Room for one descriptor: `CMSG_SPACE(sizeof(int))`. cmsg(3) */
const ROOM_FOR_ONE = 24

peerCase(
  'CPython testCmsgTruncLen, testSecondCmsgTrunc: descriptors that have no room are told of by MSG_CTRUNC, and closed',
  ['ustream'],
  async (stage, ustream) => {
    const { sender, receiver } = await ustream.meet(stage)
    const pipe = await sender.actor.must(call('pipe2', 0))
    const [read, write] = [pipe.number('read'), pipe.number('write')]
    const before = descriptorsOf(receiver.actor.pid).length
    const receive = async (...room: number[]) => {
      await sender.actor.must(call('send_rights', sender.fd ?? -1, 'x', read, read, write, write))
      const got = await receiver.actor.must(call('recvmsg', receiver.fd ?? -1, 1, 0, ...room))
      const rights = got.numbers('right')
      const opened = descriptorsOf(receiver.actor.pid).length - before
      for (const right of rights) await receiver.actor.must(call('close', right))
      return { rights: rights.length, opened, truncated: (got.number('flags') & K.MSG_CTRUNC.value) !== 0 }
    }
    // Aligned to 8 bytes, there is room for two.
    assert.deepEqual(await receive(ROOM_FOR_ONE), { rights: 2, opened: 2, truncated: true })
    assert.deepEqual(await receive(0), { rights: 0, opened: 0, truncated: true })
    assert.deepEqual(await receive(), { rights: 4, opened: 4, truncated: false })

    // The surplus is not kept open anywhere: the pipe has no writer but the sender.
    await sender.actor.must(call('close', write))
    assert.equal((await sender.actor.must(call('read', read, 1))).result, 0)
  },
)
