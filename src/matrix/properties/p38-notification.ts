import { call } from '../../stage/call.js'
import { either, K } from '../../stage/constants.js'
import { DATAGRAMS, defineProperty, type Experiment, each, MEMORY, SIGNALS, STREAMS } from './property.js'

const NOW = 0
const EVER = -1

/** A descriptor whose owner asks for SIGIO is sent one when something comes. */
const bySignal: Experiment = async (stage, subject) => {
  const { sender, receiver } = await subject.meet(stage)
  const { actor, fd = -1 } = receiver
  await actor.must(call('sigprocmask', K.SIG_BLOCK, K.SIGIO))
  await actor.must(call('fcntl', fd, K.F_SETOWN, actor.pid))
  await actor.must(call('fcntl', fd, K.F_SETFL, either(K.O_ASYNC, K.O_NONBLOCK)))
  const before = await actor.do(call('sigtimedwait', NOW, K.SIGIO))
  if (before.error === undefined) return 'a signal came before anything was sent'
  await sender.actor.must(sender.send('x'))
  const { result } = await actor.must(call('sigtimedwait', EVER, K.SIGIO))
  return result === K.SIGIO.value ? 'O_ASYNC/SIGIO' : `signal ${result}`
}

/** There is no call that asks for one: nothing comes, though a signal would. */
const byNothing: Experiment = async (stage, subject) => {
  const { sender, receiver } = await subject.meet(stage)
  const { actor } = receiver
  const any = [K.SIGIO, K.SIGUSR1, K.SIGUSR2]
  await actor.must(call('sigprocmask', K.SIG_BLOCK, ...any))
  const told = await stage.unless(
    async () => {
      await sender.actor.must(sender.send('x'))
      const { error, result } = await actor.do(call('sigtimedwait', NOW, ...any))
      return error === undefined ? `signal ${result}` : undefined
    },
    {
      text: 'a signal that is sent comes.',
      see: async () => {
        await sender.actor.must(call('kill', actor.pid, K.SIGIO))
        return (await actor.must(call('sigtimedwait', EVER, ...any))).result
      },
    },
  )
  return told ?? 'none'
}

export default defineProperty({
  id: 'P38',
  name: 'notification',
  experiments: {
    ...each([...STREAMS, ...DATAGRAMS, 'useq'], bySignal),
    pmq: async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      const { actor, fd = -1 } = receiver
      await actor.must(call('sigprocmask', K.SIG_BLOCK, K.SIGUSR1))
      await actor.must(call('mq_notify', fd, K.SIGUSR1))
      stage.intend('One process only is told.')
      const second = await sender.actor.do(call('mq_notify', sender.fd ?? -1, K.SIGUSR1))
      if (second.error !== 'EBUSY') return `a second one may ask: ${second}`
      await sender.actor.must(sender.send('x'))
      await actor.must(call('sigtimedwait', EVER, K.SIGUSR1))
      stage.intend('It is told once, and only of the first message in an empty queue.')
      await sender.actor.must(sender.send('y'))
      const again = await actor.do(call('sigtimedwait', NOW, K.SIGUSR1))
      await actor.must(call('mq_notify', fd, K.SIGUSR1))
      await sender.actor.must(sender.send('z'))
      const onMore = await actor.do(call('sigtimedwait', NOW, K.SIGUSR1))
      return again.error === 'EAGAIN' && onMore.error === 'EAGAIN' ? 'mq_notify' : `told again: ${again}, ${onMore}`
    },
    ...each(['psem', 'svsem', 'svmq', ...MEMORY], byNothing),
    ...each(SIGNALS, async (stage, subject) => {
      const { sender, receiver } = await subject.meet(stage)
      const [, signal = 0] = receiver.receive().args
      const number = typeof signal === 'number' ? signal : 0
      await receiver.actor.handle(number)
      await receiver.actor.must(call('sigprocmask', K.SIG_UNBLOCK, number))
      await sender.actor.must(sender.send(''))
      stage.intend('The receiver has asked for nothing: does its handler run?')
      const { result } = await receiver.actor.must(call('handled'))
      return result === 1 ? 'is one' : `the handler ran ${result} times`
    }),
  },
})
