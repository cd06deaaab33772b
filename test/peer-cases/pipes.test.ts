import assert from 'node:assert/strict'
import { call } from 'ipc-playground/matrix'
import { filling } from '../../src/stage/call.js'
import { K } from '../../src/stage/constants.js'
import { peerCase } from './stage.js'

peerCase('LTP pipe/pipe02: a writer without a reader dies of SIGPIPE, and its parent sees that', ['pipe'], async (stage) => {
  const parent = await stage.actor('parent')
  const { read, write } = await parent.must(call('pipe2', 0)).then((made) => ({ read: made.number('read'), write: made.number('write') }))
  await parent.must(call('close', read))
  const [careless, careful] = [await parent.spawn('who takes signals as they come'), await parent.spawn('who ignores SIGPIPE')]
  await careless.must(call('default', K.SIGPIPE))
  await careful.must(call('ignore', K.SIGPIPE))

  careless.begin(call('write', write, 'x'))
  assert.equal((await parent.must(call('wait', careless.pid, 0))).number('signal'), K.SIGPIPE.value)
  assert.equal((await careful.do(call('write', write, 'x'))).error, 'EPIPE')
})

peerCase(
  'LTP pipe2/pipe2_04: a pipe is as large as F_SETPIPE_SZ made it, and full then: EAGAIN, or the writer sleeps',
  ['pipe'],
  async (stage, pipe) => {
    const { sender, receiver } = await pipe.meet(stage)
    const [fd, page] = [sender.fd ?? -1, (await sender.actor.must(call('getpagesize'))).result]
    const sized = async (pages: number) => sender.actor.do(call('fcntl', fd, K.F_SETPIPE_SZ, pages * page))
    assert.equal((await sized(2)).result, 2 * page)
    assert.equal((await receiver.actor.must(call('fcntl', receiver.fd ?? -1, K.F_GETPIPE_SZ, 0))).result, 2 * page)

    await sender.waits(false)
    const filled = await sender.actor.repeat(1000, sender.send(filling(page)))
    assert.deepEqual([filled.sum, filled.error], [2 * page, 'EAGAIN'])
    assert.equal((await sized(1)).error, 'EBUSY', 'no smaller than what is in it')

    await sender.waits(true)
    const writing = sender.actor.begin(sender.send('x'))
    assert.equal(await writing.settled(), 'blocked')
    await receiver.actor.must(call('drain', receiver.fd ?? -1, 2 * page))
    assert.equal((await writing.outcome).result, 1)
  },
)
