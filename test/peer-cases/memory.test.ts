import assert from 'node:assert/strict'
import { call } from 'ipc-playground/matrix'
import type { MemoryEnd } from '../../src/matrix/subjects/memory.js'
import type { Actor } from '../../src/stage/actor.js'
import type { Constant } from '../../src/stage/call.js'
import { either, K } from '../../src/stage/constants.js'
import { peerCase } from './stage.js'

const mapping = (fd: number, page: number) => call('mmap', fd, page, either(K.PROT_READ, K.PROT_WRITE), K.MAP_SHARED)

/** What the kernel refuses of a sealed object of two pages with EPERM. */
async function refused(actor: Actor, fd: number, page: number): Promise<readonly string[]> {
  const found: string[] = []
  const attempt = async (name: string, what: Parameters<Actor['do']>[0]) => {
    const outcome = await actor.do(what)
    if (outcome.error !== undefined) found.push(`${name} ${outcome.error}`)
    return outcome
  }
  await attempt('write', call('write', fd, 'x'))
  const { result, error } = await attempt('map', mapping(fd, page))
  if (error === undefined) await actor.must(call('munmap', result, page))
  await attempt('shrink', call('ftruncate', fd, page))
  await attempt('grow', call('ftruncate', fd, 3 * page))
  await attempt('seal', call('fcntl', fd, K.F_ADD_SEALS, K.F_SEAL_SEAL))
  return found
}

/** Made by one process, inherited by the other. */
async function shared(maker: Actor, role: string, ...flags: readonly Constant[]): Promise<{ fd: number; heir: Actor; page: number }> {
  const page = (await maker.must(call('getpagesize'))).result
  const fd = (await maker.must(call('memfd_create', 'ipcpg', either(...flags)))).result
  await maker.must(call('ftruncate', fd, 2 * page))
  return { fd, heir: await maker.spawn(role), page }
}

peerCase('LTP memfd_create/memfd_create01: each seal forbids its operation, and no other, to every holder', ['memfd'], async (stage) => {
  const maker = await stage.actor('maker')
  const expected: readonly (readonly [Constant, readonly string[]])[] = [
    [either(), []],
    [K.F_SEAL_SHRINK, ['shrink EPERM']],
    [K.F_SEAL_GROW, ['grow EPERM']],
    [K.F_SEAL_WRITE, ['write EPERM', 'map EPERM']],
    [K.F_SEAL_FUTURE_WRITE, ['write EPERM', 'map EPERM']],
    [K.F_SEAL_SEAL, ['seal EPERM']],
  ]
  for (const [seal, forbidden] of expected) {
    const { fd, heir, page } = await shared(maker, 'heir', K.MFD_ALLOW_SEALING)
    await maker.must(call('fcntl', fd, K.F_ADD_SEALS, seal))
    assert.equal((await heir.must(call('fcntl', fd, K.F_GET_SEALS, 0))).result, seal.value)
    assert.deepEqual(await refused(heir, fd, page), forbidden, seal.text)
  }
})

peerCase('LTP memfd_create/memfd_create01: without MFD_ALLOW_SEALING nothing can be sealed', ['memfd'], async (stage) => {
  const { fd, heir, page } = await shared(await stage.actor('maker'), 'heir')
  assert.equal((await heir.must(call('fcntl', fd, K.F_GET_SEALS, 0))).result, K.F_SEAL_SEAL.value)
  assert.equal((await heir.do(call('fcntl', fd, K.F_ADD_SEALS, K.F_SEAL_SHRINK))).error, 'EPERM')
  assert.equal((await heir.must(call('ftruncate', fd, page))).result, 0)
})

peerCase('LTP memfd_create/memfd_create01: a writable mapping of another process keeps F_SEAL_WRITE away', ['memfd'], async (stage) => {
  const maker = await stage.actor('maker')
  const { fd, heir, page } = await shared(maker, 'who has it mapped', K.MFD_ALLOW_SEALING)
  const address = (await heir.must(mapping(fd, page))).result
  const sealing = (seal: Constant) => maker.do(call('fcntl', fd, K.F_ADD_SEALS, seal))
  assert.equal((await sealing(K.F_SEAL_WRITE)).error, 'EBUSY')

  assert.equal((await sealing(K.F_SEAL_FUTURE_WRITE)).error, undefined)
  await heir.must(call('store', address, 'still writable'))
  assert.equal((await maker.must(call('read', fd, 5))).text, 'still')

  await heir.must(call('munmap', address, page))
  assert.equal((await sealing(K.F_SEAL_WRITE)).error, undefined)
})

peerCase('LTP futex/futex_wake01: to wake where nobody waits is no error, and wakes 0', ['pshm'], async (stage, pshm) => {
  const { sender, receiver } = (await pshm.meet(stage)) as { sender: MemoryEnd; receiver: MemoryEnd }
  const wake = async () => (await sender.actor.must(call('futex_wake', sender.address, 1000))).result
  assert.equal(await wake(), 0)
  const waiting = receiver.actor.begin(call('futex_wait', receiver.address, 0, -1))
  assert.equal(await waiting.settled(), 'blocked')
  assert.equal(await wake(), 1)
  assert.equal((await waiting.outcome).error, undefined)
  assert.equal(await wake(), 0)
})

/** Where a lock lies: each on a cache line of its own. */
const LOCKS = [0, 64, 128] as const

peerCase(
  'Boost robust_mutex_test: of three locks that died with their owner two are recovered, and the one that is unlocked without that is lost for good',
  ['pshm'],
  async (stage, pshm) => {
    const { sender, receiver } = (await pshm.meet(stage)) as { sender: MemoryEnd; receiver: MemoryEnd }
    const [owner, survivor] = [sender.actor, receiver.actor]
    const late = await survivor.fork('latecomer')
    for (const lock of LOCKS) await survivor.must(call('mutex_init', receiver.address + lock, 1))
    for (const lock of LOCKS) await owner.must(call('mutex_lock', sender.address + lock))
    for (const lock of LOCKS) assert.equal((await survivor.do(call('mutex_trylock', receiver.address + lock))).error, 'EBUSY')
    await owner.kill()

    for (const [at, lock] of LOCKS.entries()) {
      assert.equal((await survivor.do(call('mutex_lock', receiver.address + lock))).error, 'EOWNERDEAD')
      if (at > 0) await survivor.must(call('mutex_consistent', receiver.address + lock))
      await survivor.must(call('mutex_unlock', receiver.address + lock))
    }
    for (const actor of [survivor, late]) {
      const errors: (string | undefined)[] = []
      for (const lock of LOCKS) {
        const { error } = await actor.do(call('mutex_lock', receiver.address + lock))
        errors.push(error)
        if (error === undefined) await actor.must(call('mutex_unlock', receiver.address + lock))
      }
      assert.deepEqual(errors, ['ENOTRECOVERABLE', undefined, undefined])
    }
  },
)
