import assert from 'node:assert/strict'
import { call } from 'ipc-playground/matrix'
import { K } from '../../../src/stage/constants.js'
import { trap } from './trap.js'

trap('T4: of unix seqpacket a record of no bytes and the end both read as 0; only poll tells them apart', ['useq'], async (stage, useq) => {
  const { sender, receiver } = await useq.meet(stage)
  await receiver.waits(false)
  const events = async () => (await receiver.actor.must(call('poll', receiver.fd ?? -1, K.POLLRDHUP, 0))).number('revents')
  const read = async () => {
    const { error, result } = await receiver.actor.do(receiver.receive())
    return error ?? result
  }

  for (const text of ['', 'more']) await sender.actor.must(sender.send(text))
  assert.deepEqual([await events(), await read(), await read(), await read()], [0, 0, 'more'.length, 'EAGAIN'])

  await sender.close()
  assert.deepEqual([await read(), await read()], [0, 0])
  assert.equal((await events()) & K.POLLRDHUP.value, K.POLLRDHUP.value)
})
