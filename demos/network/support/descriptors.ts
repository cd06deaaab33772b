/** Descriptors travel over a unix socket: a server that listens, and memory. cmsg(3), SCM_RIGHTS */
import type { Lab } from '../../../src/lab/lab.js'
import { bound, connected, inetAddress, LOOPBACK, unixAddress } from '../../../src/matrix/subjects/sockets.js'
import type { Actor } from '../../../src/stage/actor.js'
import { call } from '../../../src/stage/call.js'
import { either, K } from '../../../src/stage/constants.js'

const PORT = 7100
const PAGE = 4096

/** The master's end of a connection, and the worker's. */
interface Way {
  readonly master: Actor
  readonly from: number
  readonly worker: Actor
  readonly to: number
}

export async function passDescriptors(lab: Lab, master: Actor, worker: Actor): Promise<void> {
  lab.intend('Descriptors travel over a unix socket (SCM_RIGHTS).')
  const { fd, address } = await bound(master, K.AF_UNIX, K.SOCK_STREAM, unixAddress('\0way'))
  await master.must(call('listen', fd, 1))
  const to = await connected(worker, K.AF_UNIX, K.SOCK_STREAM, address)
  const way: Way = { master, from: (await master.must(call('accept', fd, 0))).result, worker, to }
  await listener(lab, way)
  await memory(lab, way)
}

/** Sends what `fd` is to the worker; answers by which number it has it. */
async function pass({ master, from, worker, to }: Way, word: string, fd: number, meanwhile: () => Promise<unknown> = async () => {}) {
  await master.must(call('send_rights', from, word, fd))
  await meanwhile()
  return (await worker.must(call('recvmsg', to, 64, 0))).number('right')
}

async function listener(lab: Lab, way: Way): Promise<void> {
  const { master, worker } = way
  lab.intend('A listening TCP socket is sent to the worker, and the server closes its own: it is in no process then.')
  const { fd } = await bound(master, K.AF_INET, K.SOCK_STREAM, inetAddress(LOOPBACK, PORT))
  await master.must(call('listen', fd, 8))
  const visitor = await master.spawn('visitor')
  const received = await pass(way, 'a listener', fd, async () => {
    await master.must(call('close', fd))
    const visiting = await connected(visitor, K.AF_INET, K.SOCK_STREAM, inetAddress(LOOPBACK, PORT))
    await visitor.must(call('send', visiting, 'anybody there?', 0))
  })
  lab.intend('Meanwhile a visitor has connected: the socket listens while it travels.')
  const { result: accepted } = await worker.must(call('accept', received, 0))
  const { text } = await worker.must(call('recv', accepted, 64, 0))
  lab.expect(
    text === 'anybody there?',
    `the worker, which never bound nor listened, has the visitor: descriptor ${fd} there is ${received} here`,
  )
  await visitor.exit()
}

async function memory(lab: Lab, way: Way): Promise<void> {
  const { master, worker } = way
  lab.intend('A memfd: memory without a name, sealed against shrinking, so that who maps it need not fear SIGBUS.')
  const { result: fd } = await master.must(call('memfd_create', 'pages', K.MFD_ALLOW_SEALING))
  await master.must(call('write', fd, 'first words'))
  await master.must(call('ftruncate', fd, PAGE))
  await master.must(call('fcntl', fd, K.F_ADD_SEALS, either(K.F_SEAL_SHRINK, K.F_SEAL_GROW)))
  const received = await pass(way, 'memory', fd)
  await worker.must(call('lseek', received, 6))
  const rest = await master.must(call('read', fd, 5))
  lab.expect(rest.text === 'words', 'one open file in two processes: the worker moved the offset, the server reads from there')
  const shrunk = await worker.do(call('ftruncate', received, 0))
  lab.expect(shrunk.error === 'EPERM', 'the seal holds for the worker, too')

  const pages = either(K.PROT_READ, K.PROT_WRITE)
  const { result: here } = await master.must(call('mmap', fd, PAGE, pages, K.MAP_SHARED))
  const { result: there } = await worker.must(call('mmap', received, PAGE, pages, K.MAP_SHARED))
  await master.must(call('store', here, 'written later'))
  const seen = (await worker.must(call('load', there, 13))).text
  lab.expect(seen === 'written later', 'both have the same pages: what one stores the other loads, and no byte of it was sent')
}
