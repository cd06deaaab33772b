import assert from 'node:assert/strict'
import { call, Skip } from 'ipc-playground/matrix'
import type { MemoryEnd } from '../../src/matrix/subjects/memory.js'
import { NUMBER_BYTES, numbered, numbersOf } from '../../src/matrix/subjects/numbered.js'
import { openSemaphore, type PosixSemaphoreEnd } from '../../src/matrix/subjects/posix-semaphore.js'
import { openSemaphores } from '../../src/matrix/subjects/sysv-semaphore.js'
import { K, mode } from '../../src/stage/constants.js'
import { peerCase } from './stage.js'

peerCase(
  'LTP sem_wait/7-1, 13-1: sem_wait sleeps where there is no permit, and ends with EINTR after a handler',
  ['psem'],
  async (stage, psem) => {
    const { sender, receiver } = await psem.meet(stage)
    const { address } = receiver as PosixSemaphoreEnd
    await receiver.actor.handle(K.SIGUSR1.value, 0)
    const waiting = receiver.actor.begin(receiver.receive())
    assert.equal(await waiting.settled(), 'blocked')
    assert.equal(receiver.actor.look().state, 'S')
    await sender.actor.must(call('kill', receiver.actor.pid, K.SIGUSR1))
    assert.equal((await waiting.outcome).error, 'EINTR')

    // It has taken nothing, nor does it wait any more: a post is there for who waits next.
    await sender.actor.must(sender.send(''))
    assert.equal((await receiver.actor.must(call('sem_getvalue', address))).number('value'), 1)
    await receiver.actor.must(receiver.receive())
  },
)

peerCase('LTP sem_open/10-1: O_CREAT finds what exists, and its initial value is ignored', ['psem'], async (stage) => {
  const [maker, finder] = [await stage.actor('maker'), await stage.actor('finder')]
  const name = await stage.name('sem')
  const made = await openSemaphore(maker, name, 3)
  const found = (await finder.must(call('sem_open', name, K.O_CREAT, mode(0o600), 7))).result
  const value = async (actor: typeof maker, address: number) => (await actor.must(call('sem_getvalue', address))).number('value')
  assert.equal(await value(finder, found), 3)
  await finder.must(call('sem_wait', found))
  assert.equal(await value(maker, made), 2, 'it is the same semaphore')
})

peerCase(
  'LTP sem_open/15-1: a process has a semaphore at one address until it has closed it as often as opened',
  ['psem'],
  async (stage) => {
    const actor = await stage.actor('who opens it twice')
    const name = await stage.name('sem')
    const first = await openSemaphore(actor, name, 1)
    assert.equal(await openSemaphore(actor, name), first)
    await actor.must(call('sem_close', first))
    await actor.must(call('sem_wait', first))
    assert.equal(await openSemaphore(actor, name), first)
  },
)

/** Of SCHED_FIFO; where two are alike, the one that came first is the one before. */
const PRIORITIES = [2, 1, 3, 2, 3]
const WOKEN = [2, 4, 0, 3, 1]

peerCase(
  'LTP sem_post/8-1: under SCHED_FIFO the highest priority is woken first, of equals who waited longest',
  ['psem'],
  async (stage) => {
    const poster = await stage.actor('who posts')
    const name = await stage.name('sem')
    const posted = await openSemaphore(poster, name, 0)
    const waiting = new Map<number, Promise<number>>()
    for (const [at, priority] of PRIORITIES.entries()) {
      const waiter = await stage.actor(`waiter of priority ${priority}`)
      const { error } = await waiter.do(call('sched_fifo', priority))
      if (error !== undefined) throw new Skip(`no process may be of SCHED_FIFO here: ${error}`)
      const pending = waiter.begin(call('sem_wait', await openSemaphore(waiter, name)))
      assert.equal(await pending.settled(), 'blocked')
      waiting.set(
        at,
        pending.outcome.then(() => at),
      )
    }
    const woken: number[] = []
    while (waiting.size > 0) {
      await poster.must(call('sem_post', posted))
      const at = await Promise.race(waiting.values())
      waiting.delete(at)
      woken.push(at)
    }
    assert.deepEqual(woken, WOKEN)
  },
)

const ROUNDS = 100

peerCase('LTP semop/semop04: holders of a semaphore never overlap in what it guards', ['svsem', 'pshm'], async (stage, _svsem, pshm) => {
  const { sender, receiver } = (await pshm.meet(stage)) as { sender: MemoryEnd; receiver: MemoryEnd }
  const guard = await openSemaphores(sender.actor, await stage.key('sysv-sem'), 1)
  const number = async ({ actor, address }: MemoryEnd) => numbersOf([(await actor.must(call('load', address, NUMBER_BYTES))).data])[0] ?? -1

  /** Adds 1 in two steps, again and again, and takes turns with whoever else does so. */
  const add = async (end: MemoryEnd, guarded: boolean) => {
    const change = async (by: number) => guarded && end.actor.must(call('semop', guard, 0, by, 0))
    for (let round = 0; round < ROUNDS; round++) {
      await change(-1)
      const seen = await number(end)
      await end.actor.must(end.send(numbered(seen + 1)))
      await change(+1)
    }
  }
  const added = async (guarded: boolean) => {
    await sender.actor.must(sender.send(numbered(0)))
    await Promise.all([sender, receiver].map((end) => add(end, guarded)))
    return number(receiver)
  }
  assert.equal(await added(true), 2 * ROUNDS)
  assert.ok((await added(false)) < 2 * ROUNDS, 'without it, additions are lost')
})
