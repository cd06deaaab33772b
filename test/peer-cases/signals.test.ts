import assert from 'node:assert/strict'
import { call } from 'ipc-playground/matrix'
import { counter } from '../../src/stage/call.js'
import { K } from '../../src/stage/constants.js'
import { peerCase } from './stage.js'

const QUEUED = 20
/** `si_code` of what sigqueue(3) sent. sigaction(2) */
const SI_QUEUE = -1

peerCase('LTP sigqueue/1-1, 4-1: as many deliveries as were queued, each with its value', ['rtsig'], async (stage, rtsig) => {
  const { sender, receiver } = await rtsig.meet(stage)
  const [, signal = 0] = sender.send('').args
  await receiver.actor.handle(Number(signal), 0)
  assert.equal((await sender.actor.repeat(QUEUED, sender.send(counter()))).times, QUEUED)
  assert.equal((await receiver.actor.must(call('handled'))).result, 0, 'while it is held')

  await receiver.actor.must(call('sigprocmask', K.SIG_UNBLOCK, signal))
  const handled = await receiver.actor.must(call('handled'))
  const expected = Array.from({ length: QUEUED }, (_, at) => at)
  assert.deepEqual(handled.numbers('value'), expected)
  assert.ok(handled.numbers('code').every((code) => code === SI_QUEUE))
  assert.ok(handled.numbers('sender').every((pid) => pid === sender.actor.pid))
})
