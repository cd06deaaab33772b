/** Unix sockets: three types, two kinds of names, who is at the other end, and descriptors that travel. unix(7) */
import { newNetwork } from '../../src/lab/host.js'
import type { Lab } from '../../src/lab/lab.js'
import { defineStory } from '../../src/lab/story.js'
import { bound, connected, openSocket, unixAddress } from '../../src/matrix/subjects/sockets.js'
import type { Actor } from '../../src/stage/actor.js'
import { call, counter } from '../../src/stage/call.js'
import { K, mode } from '../../src/stage/constants.js'
import { Skip } from '../../src/stage/stage.js'
import { passDescriptors } from './support/descriptors.js'
import { compareWithTcp } from './support/round-trips.js'

const ENOUGH = 10_000
const abstract = (name: string): Uint8Array => unixAddress(`\0${name}`)

export default defineStory({
  name: 'unix-sockets',
  title: 'Unix sockets: types, names, credentials, and descriptors that travel',
  prediction:
    'a stream has no borders, datagrams and packets keep theirs, and none is lost; the kernel says who is at the other end; a listening socket and memory go from one process to another; a round trip takes less than over TCP',
  citation: 'unix(7); socket(7) SO_PEERCRED; cmsg(3) SCM_RIGHTS; memfd_create(2); fcntl(2) F_ADD_SEALS',
  async play(lab) {
    const server = await lab.stage.story.hush(() => newNetwork(lab.stage, 'server'))
    const client = await lab.stage.story.hush(() => server.spawn('client'))
    await types(lab, server, client)
    await names(lab, server, client)
    await credentials(lab, server, client)
    await passDescriptors(lab, server, client)
    await compareWithTcp(lab, server, client)
  },
})

async function types(lab: Lab, server: Actor, client: Actor): Promise<void> {
  for (const [name, type, borders] of [
    ['SOCK_STREAM', K.SOCK_STREAM, [15]],
    ['SOCK_SEQPACKET', K.SOCK_SEQPACKET, [3, 5, 7]],
    ['SOCK_DGRAM', K.SOCK_DGRAM, [3, 5, 7]],
  ] as const) {
    lab.intend(`${name}: 3, 5 and 7 bytes are sent, then read until there is nothing.`)
    const { fd, address } = await bound(server, K.AF_UNIX, type, abstract(name))
    if (type !== K.SOCK_DGRAM) await server.must(call('listen', fd, 1))
    const sender = await connected(client, K.AF_UNIX, type, address)
    const receiver = type === K.SOCK_DGRAM ? fd : (await server.must(call('accept', fd, 0))).result
    for (const bytes of ['one', 'three', 'fifteen']) await client.must(call('send', sender, bytes, 0))
    const read = await server.repeat(borders.length + 1, call('recv', receiver, 64, K.MSG_DONTWAIT))
    const lengths = read.each.map(({ length }) => length)
    lab.expect(lengths.join() === borders.join() && read.error === 'EAGAIN', `${name}: read as ${lengths.join(' + ')}`)
    for (const value of lengths) lab.recorder.write({ sample: { name: `${name}: bytes of a read`, value } })
    if (type === K.SOCK_DGRAM) await overload(lab, server, client, { sender, receiver })
    await client.must(call('close', sender))
    const end = await server.do(call('recv', receiver, 64, K.MSG_DONTWAIT))
    if (type === K.SOCK_DGRAM) lab.expect(end.error === 'EAGAIN', 'the sender has closed, and nobody hears of it: there was no connection')
    else lab.expect(end.result === 0, 'the end is read')
    await server.must(call('close', fd))
  }
}

/** UDP loses what the receiver has no room for. */
async function overload(lab: Lab, server: Actor, client: Actor, { sender, receiver }: Record<'sender' | 'receiver', number>) {
  lab.intend('Numbered datagrams, more than the receiver reads.')
  const sent = await client.repeat(ENOUGH, call('send', sender, counter(), K.MSG_DONTWAIT))
  const read = await server.repeat(ENOUGH, call('recv', receiver, 64, K.MSG_DONTWAIT))
  const inOrder = read.each.every((bytes, at) => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true) === at)
  lab.recorder.write({ sample: { name: 'datagrams sent to who does not read', value: sent.times } })
  lab.recorder.write({ sample: { name: 'datagrams read of them', value: read.times } })
  lab.expect(
    sent.error === 'EAGAIN' && sent.times > 0 && read.times === sent.times && inOrder,
    `${sent.times} were taken, then the sender was told EAGAIN; all ${read.times} came, in order`,
  )
}

/** The error of a connect, if any. */
const refusal = async (actor: Actor, address: Uint8Array): Promise<string | undefined> =>
  (await actor.do(call('connect', await openSocket(actor, K.AF_UNIX, K.SOCK_STREAM), address))).error

async function names(lab: Lab, server: Actor, client: Actor): Promise<void> {
  const stranger = await lab.stage.story.hush(() => newNetwork(lab.stage, 'stranger'))
  const path = await lab.stage.path()
  for (const [name, address] of [
    ['a path', unixAddress(path)],
    ['an abstract name', abstract('story')],
  ] as const) {
    lab.intend(`A name: ${name}. The stranger is in another network.`)
    const { fd } = await bound(server, K.AF_UNIX, K.SOCK_STREAM, address)
    await server.must(call('listen', fd, 1))
    const far = await refusal(stranger, address)
    await server.must(call('close', fd))
    const gone = await refusal(client, address)
    const again = (await server.do(call('bind', await openSocket(server, K.AF_UNIX, K.SOCK_STREAM), address))).error
    if (name === 'a path')
      lab.expect(
        far === undefined && gone === 'ECONNREFUSED' && again === 'EADDRINUSE',
        'a file: it is reached from any network, and stays when its socket is closed, until somebody unlinks it',
      )
    else
      lab.expect(
        far === 'ECONNREFUSED' && gone === 'ECONNREFUSED' && again === undefined,
        'no file: it is known in its own network alone, and gone with its socket',
      )
  }
}

/** `struct ucred`, as the kernel has it: nobody can say otherwise. */
async function peerOf(actor: Actor, fd: number) {
  const [pid, uid, gid] = new Int32Array(
    (await actor.must(call('getsockopt', fd, K.SOL_SOCKET, K.SO_PEERCRED, 12))).bytes('value').slice().buffer,
  )
  return { pid, uid, gid }
}

async function credentials(lab: Lab, server: Actor, client: Actor): Promise<void> {
  lab.intend('Who is there? The server asks the kernel, not the client.')
  const path = await lab.stage.path()
  const { fd, address } = await bound(server, K.AF_UNIX, K.SOCK_STREAM, unixAddress(path))
  await server.must(call('listen', fd, 8))
  await server.must(call('chmod', path, mode(0o600)))
  await connected(client, K.AF_UNIX, K.SOCK_STREAM, address)
  const seen = await peerOf(server, (await server.must(call('accept', fd, 0))).result)
  const own = await peerOf(client, (await client.must(call('socketpair', K.AF_UNIX, K.SOCK_STREAM))).number('first'))
  lab.expect(
    seen.pid === client.pid && seen.uid === own.uid && seen.gid === own.gid,
    `process ${seen.pid}, user ${seen.uid}, group ${seen.gid}`,
  )

  lab.intend('A client of another user, at a path of mode 0600 and at an abstract name.')
  const guest = await server.spawn('guest')
  try {
    await lab.stage.demote(guest)
  } catch (error) {
    if (!(error instanceof Skip)) throw error
    lab.intend(`Left out: ${error.message}.`)
    return
  }
  const refused = await refusal(guest, address)
  const open = await bound(server, K.AF_UNIX, K.SOCK_STREAM, abstract('open to all'))
  await server.must(call('listen', open.fd, 8))
  await connected(guest, K.AF_UNIX, K.SOCK_STREAM, open.address)
  const { uid } = await peerOf(server, (await server.must(call('accept', open.fd, 0))).result)
  lab.expect(refused === 'EACCES', 'a path has permissions: who may not write to it may not connect')
  lab.expect(uid !== own.uid, `an abstract name has none; the server sees user ${uid} and may hang up`)
}
