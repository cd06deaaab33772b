import assert from 'node:assert/strict'
import { call } from 'ipc-playground/matrix'
import type { PosixSemaphoreEnd } from '../../src/matrix/subjects/posix-semaphore.js'
import type { SysvSemaphoreEnd } from '../../src/matrix/subjects/sysv-semaphore.js'
import { K } from '../../src/stage/constants.js'
import { peerCase } from './stage.js'

peerCase(
  'posix_ipc test_acquisition_zero_timeout: a limit of 0 takes what is there, and waits for nothing',
  ['psem'],
  async (stage, psem) => {
    const { sender, receiver } = await psem.meet(stage)
    const attempt = call('sem_timedwait', (receiver as PosixSemaphoreEnd).address, 0)
    assert.equal((await receiver.actor.do(attempt)).error, 'ETIMEDOUT')
    await sender.actor.must(sender.send(''))
    assert.equal((await receiver.actor.do(attempt)).error, undefined)
    assert.equal((await receiver.actor.do(attempt)).error, 'ETIMEDOUT')
  },
)

peerCase(
  'sysv_ipc test_Z_success, test_Z_failure, test_attribute_waiting_for_zero: who waits for zero is counted, and woken by zero alone',
  ['svsem'],
  async (stage, svsem) => {
    const { sender, receiver } = (await svsem.meet(stage)) as { sender: SysvSemaphoreEnd; receiver: SysvSemaphoreEnd }
    const { id } = sender
    const [taker, waiter] = [sender.actor, receiver.actor]
    const counted = async () =>
      [await taker.must(call('semctl', id, 0, K.GETZCNT, 0)), await taker.must(call('semctl', id, 0, K.GETNCNT, 0))].map(
        ({ result }) => result,
      )
    const untilZero = (flags: number) => call('semop', id, 0, 0, flags)
    assert.equal((await waiter.do(untilZero(0))).error, undefined)

    await taker.must(call('semctl', id, 0, K.SETVAL, 2))
    assert.equal((await waiter.do(untilZero(K.IPC_NOWAIT.value))).error, 'EAGAIN')
    const waiting = waiter.begin(untilZero(0))
    assert.equal(await waiting.settled(), 'blocked')
    assert.deepEqual(await counted(), [1, 0])

    const patient = await stage.actor('who waits for three permits')
    const taking = patient.begin(call('semop', id, 0, -3, 0))
    assert.equal(await taking.settled(), 'blocked')
    assert.deepEqual(await counted(), [1, 1])

    const take = call('semop', id, 0, -1, 0)
    await taker.must(take)
    assert.equal(await waiting.settled(), 'blocked')
    await taker.must(take)
    assert.equal((await waiting.outcome).error, undefined)
    assert.deepEqual(await counted(), [0, 1])
    await taker.must(call('semop', id, 0, 3, 0))
    assert.equal((await taking.outcome).error, undefined)
    assert.deepEqual(await counted(), [0, 0])
  },
)
