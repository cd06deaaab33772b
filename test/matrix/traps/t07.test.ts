import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { call } from 'ipc-playground/matrix'
import { filling } from '../../../src/stage/call.js'
import { trap } from './trap.js'

trap('T7: the queues of POSIX and of System V have other names for the same errors', ['pmq', 'svmq'], async (stage, pmq, svmq) => {
  const errors: Record<string, readonly (string | undefined)[]> = {}
  for (const subject of [pmq, svmq]) {
    const { sender, receiver } = await subject.meet(stage)
    await receiver.waits(false)
    const limit =
      subject.key === 'pmq'
        ? (await sender.actor.must(call('mq_getattr', sender.fd ?? -1))).number('msgsize')
        : Number(readFileSync('/proc/sys/kernel/msgmax', 'utf8'))
    const empty = await receiver.actor.do(receiver.receive())
    const large = await sender.actor.do(sender.send(filling(limit + 1)))
    await sender.actor.must(sender.send('six by'))
    const small = await receiver.actor.do(receiver.receive(3))
    assert.equal((await receiver.actor.must(receiver.receive())).text, 'six by')
    errors[subject.key] = [large.error, small.error, empty.error]
  }
  assert.deepEqual(errors, { pmq: ['EMSGSIZE', 'EMSGSIZE', 'EAGAIN'], svmq: ['EINVAL', 'E2BIG', 'ENOMSG'] })
})
