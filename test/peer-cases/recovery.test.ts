import assert from 'node:assert/strict'
import { call } from 'ipc-playground/matrix'
import type { Actor } from '../../src/stage/actor.js'
import { either, K } from '../../src/stage/constants.js'
import { peerCase } from './stage.js'

const OWNERS = 5

peerCase(
  'iceoryx2 abandoned_token_is_detected_as_dead, cleaner_of_abandoned_token_can_be_acquired_once: a lock on a record is free when its owner is dead, not while it is stopped, and one survivor gets it',
  [],
  async (stage) => {
    const path = await stage.path()
    const open = async (actor: Actor) => {
      const fd = (await actor.must(call('open', path, either(K.O_RDWR, K.O_CREAT), 0o600))).result
      return { actor, fd }
    }
    const lock = ({ actor, fd }: Awaited<ReturnType<typeof open>>) => actor.do(call('fcntl_lock', fd, K.F_OFD_SETLK, K.F_WRLCK))
    const survivors = [await open(await stage.actor('one survivor')), await open(await stage.actor('another'))]
    const claims = async () => (await Promise.all(survivors.map(lock))).map(({ error }) => error ?? 'cleaner')

    for (let round = 0; round < OWNERS; round++) {
      const owner = await open(await stage.actor('owner'))
      assert.equal((await lock(owner)).error, undefined)
      await owner.actor.freeze()
      assert.deepEqual(await claims(), ['EAGAIN', 'EAGAIN'])
      await owner.actor.kill()
      assert.deepEqual((await claims()).sort(), ['EAGAIN', 'cleaner'])
      for (const { actor, fd } of survivors) await actor.must(call('fcntl_lock', fd, K.F_OFD_SETLK, K.F_UNLCK))
    }
  },
)
