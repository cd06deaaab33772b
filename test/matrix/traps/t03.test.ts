import assert from 'node:assert/strict'
import { call } from 'ipc-playground/matrix'
import { filling } from '../../../src/stage/call.js'
import { trap } from './trap.js'

trap('T3: room in a full pipe is freed by whole pages: 100 bytes read leave none for 100', ['pipe'], async (stage, pipe) => {
  const { sender, receiver } = await pipe.meet(stage)
  await sender.waits(false)
  const page = (await sender.actor.must(call('getpagesize'))).result
  assert.equal((await sender.actor.repeat(1000, sender.send(filling(page)))).error, 'EAGAIN')

  const take = async (bytes: number) => receiver.actor.must(call('drain', receiver.fd ?? -1, bytes))
  await take(100)
  assert.equal((await sender.actor.do(sender.send(filling(100)))).error, 'EAGAIN')
  await take(page - 100)
  assert.equal((await sender.actor.must(sender.send(filling(100)))).result, 100)
})
