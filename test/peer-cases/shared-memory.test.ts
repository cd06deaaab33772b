import assert from 'node:assert/strict'
import { type Call, call } from 'ipc-playground/matrix'
import { attach, openObject, SEGMENT_BYTES } from '../../src/matrix/subjects/memory.js'
import type { Actor } from '../../src/stage/actor.js'
import { either, K } from '../../src/stage/constants.js'
import { peerCase } from './stage.js'

const READ_WRITE = either(K.PROT_READ, K.PROT_WRITE)
const mapping = (fd: number, bytes: number, protection: typeof READ_WRITE, kind: typeof READ_WRITE) =>
  call('mmap', fd, bytes, protection, kind)

/** The signal that a child of the actor dies of in this call; 0 where it does not. */
async function deathIn(parent: Actor, what: Call): Promise<number> {
  const child = await parent.fork('child')
  await child.must(call('setrlimit', K.RLIMIT_CORE, 0, 0))
  child.begin(what).outcome.then(
    () => child.exit(),
    () => {}, // it died
  )
  return (await parent.must(call('wait', child.pid, 0))).number('signal')
}

peerCase('LTP shm_open/13-1: who opened with O_RDONLY sees what others write, and cannot map to write', ['pshm'], async (stage) => {
  const [owner, reader] = [await stage.actor('owner'), await stage.actor('reader')]
  const name = await stage.name('shm')
  const written = (await owner.must(mapping(await openObject(owner, name, 'make'), SEGMENT_BYTES, READ_WRITE, K.MAP_SHARED))).result
  const fd = (await reader.must(call('shm_open', name, K.O_RDONLY, 0))).result
  assert.equal((await reader.do(mapping(fd, SEGMENT_BYTES, READ_WRITE, K.MAP_SHARED))).error, 'EACCES')
  assert.equal((await reader.do(call('ftruncate', fd, 1))).error, 'EINVAL')

  const seen = (await reader.must(mapping(fd, SEGMENT_BYTES, K.PROT_READ, K.MAP_SHARED))).result
  await owner.must(call('store', written, 'news'))
  assert.equal((await reader.must(call('load', seen, 4))).text, 'news')
  assert.equal(await deathIn(reader, call('store', seen, 'x')), K.SIGSEGV.value)
})

peerCase(
  'LTP mmap/7-1, 7-2, 7-3, 7-4: a private change is its own process’s, a shared one everybody’s, after a fork as well',
  ['pshm'],
  async (stage) => {
    const [owner, other] = [await stage.actor('owner'), await stage.actor('other')]
    const name = await stage.name('shm')
    const shared = (await owner.must(mapping(await openObject(owner, name, 'make'), SEGMENT_BYTES, READ_WRITE, K.MAP_SHARED))).result
    const fd = await openObject(other, name, 'find')
    const [mine, ours] = [
      (await other.must(mapping(fd, SEGMENT_BYTES, READ_WRITE, K.MAP_PRIVATE))).result,
      (await other.must(mapping(fd, SEGMENT_BYTES, READ_WRITE, K.MAP_SHARED))).result,
    ]
    const read = async (actor: Actor, address: number) => (await actor.must(call('load', address, 1))).text

    await owner.must(call('store', shared, '0'))
    await other.must(call('store', mine, '1'))
    assert.deepEqual([await read(other, mine), await read(other, ours), await read(owner, shared)], ['1', '0', '0'])
    const child = await other.fork('child of the other')
    await child.must(call('store', mine, '2'))
    await child.must(call('store', ours, '3'))
    assert.deepEqual([await read(child, mine), await read(other, mine)], ['2', '1'])
    assert.deepEqual([await read(child, ours), await read(other, ours), await read(owner, shared)], ['3', '3', '3'])
  },
)

peerCase(
  'LTP mmap/11-1, 11-2, 11-4: the last page’s tail reads as zero and is no part of the object; beyond it is SIGBUS',
  ['pshm'],
  async (stage) => {
    const [owner, reader] = [await stage.actor('owner'), await stage.actor('reader')]
    const name = await stage.name('shm')
    const page = (await owner.must(call('getpagesize'))).result
    const size = page / 2
    const fd = await openObject(owner, name, 'make')
    await owner.must(call('ftruncate', fd, size))
    const address = (await owner.must(mapping(fd, 2 * page, READ_WRITE, K.MAP_SHARED))).result

    const tail = call('load', address + size, page - size)
    assert.deepEqual((await owner.must(tail)).data, new Uint8Array(page - size))
    await owner.must(call('store', address + size - 1, 'ab'))
    // What is read is the object. In another mapping the tail may be seen as well: mmap(2), BUGS.
    const found = await openObject(reader, name, 'find')
    const { result, text } = await reader.must(call('read', found, page))
    assert.deepEqual([result, text.at(-1)], [size, 'a'])
    assert.equal((await reader.must(call('fstat', found))).number('size'), size)

    assert.equal(await deathIn(owner, call('load', address + page - 1, 1)), 0)
    assert.equal(await deathIn(owner, call('load', address + page, 1)), K.SIGBUS.value)
  },
)

peerCase('LTP mmap/12-1: a mapping outlives the close of its descriptor', ['pshm'], async (stage) => {
  const [owner, other] = [await stage.actor('owner'), await stage.actor('other')]
  const name = await stage.name('shm')
  const map = async (actor: Actor, way: 'make' | 'find') => {
    const fd = await openObject(actor, name, way)
    const address = (await actor.must(mapping(fd, SEGMENT_BYTES, READ_WRITE, K.MAP_SHARED))).result
    await actor.must(call('close', fd))
    assert.equal((await actor.do(call('fstat', fd))).error, 'EBADF')
    return address
  }
  const [here, there] = [await map(owner, 'make'), await map(other, 'find')]
  await owner.must(call('store', here, 'still'))
  assert.equal((await other.must(call('load', there, 5))).text, 'still')
})

peerCase('LTP shmat/shmat01: an attachment for reading is not written to; SHM_RND rounds an address down', ['svshm'], async (stage) => {
  const [owner, reader] = [await stage.actor('owner'), await stage.actor('reader')]
  const { id, address } = await attach(owner, await stage.key('sysv-shm'), 'make')
  await owner.must(call('store', address, 'news'))
  const seen = (await reader.must(call('shmat', id, K.SHM_RDONLY))).result
  assert.equal((await reader.must(call('load', seen, 4))).text, 'news')
  assert.equal(await deathIn(reader, call('store', seen, 'x')), K.SIGSEGV.value)
  assert.equal(await deathIn(owner, call('store', address, 'x')), 0)

  await reader.must(call('shmdt', seen))
  assert.equal((await reader.do(call('shmat', id, 0, seen + 1))).error, 'EINVAL')
  assert.equal((await reader.must(call('shmat', id, K.SHM_RND, seen + 1))).result, seen)
})

peerCase('LTP shmctl/shmctl01: shm_nattch counts what fork, attach, detach, exit and SIGKILL leave', ['svshm'], async (stage) => {
  const [owner, observer] = [await stage.actor('owner'), await stage.actor('observer')]
  const { id, address } = await attach(owner, await stage.key('sysv-shm'), 'make')
  const attached = async () => (await observer.must(call('shmctl', id, K.IPC_STAT))).number('attached')
  assert.equal(await attached(), 1)
  const again = (await owner.must(call('shmat', id, 0))).result
  assert.equal(await attached(), 2, 'twice by one process')
  const [first, second] = [await owner.fork('first child'), await owner.fork('second child')]
  assert.equal(await attached(), 6, 'a child has both')
  await first.must(call('shmdt', again))
  assert.equal(await attached(), 5)
  await first.exit()
  assert.equal(await attached(), 4)
  await second.kill()
  assert.equal(await attached(), 2)
  for (const at of [address, again]) await owner.must(call('shmdt', at))
  assert.equal(await attached(), 0)
})
