import assert from 'node:assert/strict'
import { call } from 'ipc-playground/matrix'
import { filling } from '../../../src/stage/call.js'
import { trap } from './trap.js'

trap('T2: a pipe holds page slots, not bytes: small writes that share no page fill it at half its size', ['pipe'], async (stage, pipe) => {
  const { sender, receiver } = await pipe.meet(stage)
  await sender.waits(false)
  const page = (await sender.actor.must(call('getpagesize'))).result
  const whole = await sender.actor.repeat(1000, sender.send(filling(page)))
  assert.equal(whole.error, 'EAGAIN')
  await receiver.actor.must(call('drain', receiver.fd ?? -1, whole.sum))

  const half = await sender.actor.repeat(1000, sender.send(filling(page / 2 + 1)))
  assert.equal(half.error, 'EAGAIN')
  assert.equal(half.times, whole.times, 'as many writes')
  assert.equal(half.sum, whole.times * (page / 2 + 1), 'of which each takes a slot')
  await receiver.actor.must(call('drain', receiver.fd ?? -1, half.sum))

  // Bytes that follow each other share a page: then all of it is used.
  assert.equal((await sender.actor.repeat(100_000, sender.send(filling(64)))).sum, whole.sum)
})
