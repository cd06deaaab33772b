import assert from 'node:assert/strict'
import { call } from 'ipc-playground/matrix'
import { K } from '../../../src/stage/constants.js'
import { trap } from './trap.js'

trap(
  'T6: real-time signals are taken lowest number first, but handlers that do not mask each other run highest first',
  ['rtsig'],
  async (stage, rtsig) => {
    const { sender, receiver } = await rtsig.meet(stage)
    const [target = 0, signal = 0] = sender.send('').args
    const low = Number(signal)
    const numbers = [low + 1, low, low + 2]
    const rising = [low, low + 1, low + 2]
    const hold = async (how: typeof K.SIG_BLOCK) => receiver.actor.must(call('sigprocmask', how, ...numbers))
    const sendAll = async () => {
      await hold(K.SIG_BLOCK)
      for (const number of numbers) await sender.actor.must(call('sigqueue', target, number, 0))
    }

    await sendAll()
    assert.deepEqual((await receiver.actor.repeat(3, call('sigtimedwait', 0, ...numbers))).numbers('signal'), rising)

    const handled = async (masked: 0 | 1) => {
      for (const number of numbers) await receiver.actor.must(call('handle', number, 0, masked))
      await sendAll()
      await hold(K.SIG_UNBLOCK)
      return (await receiver.actor.must(call('handled'))).numbers('signal')
    }
    // The handler of the lowest is entered first, and interrupted before its first instruction.
    assert.deepEqual(await handled(0), rising.toReversed())
    assert.deepEqual(await handled(1), rising)
  },
)
