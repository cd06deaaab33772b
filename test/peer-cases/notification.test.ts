import assert from 'node:assert/strict'
import { call } from 'ipc-playground/matrix'
import { K } from '../../src/stage/constants.js'
import { peerCase } from './stage.js'

const NOW = 0
const EVER = -1

peerCase(
  'posix_ipc test_request_notification_signal_one_shot, …_threaded_rearm: who asks again when told is told again',
  ['pmq'],
  async (stage, pmq) => {
    const { sender, receiver } = await pmq.meet(stage)
    const { actor, fd = -1 } = receiver
    await actor.must(call('sigprocmask', K.SIG_BLOCK, K.SIGUSR1))
    const ask = async () => actor.must(call('mq_notify', fd, K.SIGUSR1))
    await ask()
    for (let round = 0; round < 3; round++) {
      await sender.actor.must(sender.send('x'))
      assert.equal((await actor.must(call('sigtimedwait', EVER, K.SIGUSR1))).number('sender'), sender.actor.pid)
      await ask() // before the queue is emptied, as a callback does
      await actor.must(receiver.receive())
    }
    await actor.must(call('mq_notify', fd, 0))
    await sender.actor.must(sender.send('x'))
    assert.equal((await actor.do(call('sigtimedwait', NOW, K.SIGUSR1))).error, 'EAGAIN')
  },
)

peerCase('posix_ipc test_request_notification_cancel_multiple: to withdraw twice does no harm', ['pmq'], async (stage, pmq) => {
  const { sender, receiver } = await pmq.meet(stage)
  const [first, second] = [receiver.actor, sender.actor]
  const ask = (signal: number) => call('mq_notify', receiver.fd ?? -1, signal)
  await first.must(ask(K.SIGUSR1.value))
  const other = call('mq_notify', sender.fd ?? -1, K.SIGUSR1)
  assert.equal((await second.do(other)).error, 'EBUSY')
  for (let time = 0; time < 2; time++) await first.must(ask(0))
  await second.must(other)

  // It withdraws its own alone.
  await first.must(ask(0))
  assert.equal((await first.do(ask(K.SIGUSR1.value))).error, 'EBUSY')
})
