import assert from 'node:assert/strict'
import { call } from 'ipc-playground/matrix'
import { onlyPending } from '../../../src/matrix/subjects/signals.js'
import { trap } from './trap.js'

const LIMIT = 5

trap('T14: RLIMIT_SIGPENDING counts what is pending in every process of the user', ['rtsig'], async (stage, rtsig) => {
  const { sender, receiver } = await rtsig.meet(stage)
  await onlyPending(stage, receiver.actor, LIMIT)
  await receiver.waits(false)
  const other = await receiver.actor.fork('another process of this user')
  const [, signal = 0] = sender.send('').args
  const queue = (pid: number) => call('sigqueue', pid, signal, 0)

  const elsewhere = await sender.actor.repeat(2, queue(other.pid))
  const here = await sender.actor.repeat(LIMIT + 1, queue(receiver.actor.pid))
  assert.equal(here.error, 'EAGAIN')
  assert.ok(here.times + elsewhere.times <= LIMIT, `${here.times} here and ${elsewhere.times} there`)
  assert.ok(here.times < LIMIT, 'although no more than the limit would be pending here')

  // One that is taken elsewhere makes room here.
  await other.must(receiver.receive())
  assert.equal((await sender.actor.do(queue(receiver.actor.pid))).error, undefined)
})
