/** How the kernel tells a process what it does not wait for: that a read is complete, that something came. */
import type { Lab } from '../../../src/lab/lab.js'
import { type Constant, call } from '../../../src/stage/call.js'
import { either, K } from '../../../src/stage/constants.js'
import type { Pair } from './pairs.js'

/** siginfo_t of a descriptor: `si_fd` lies where `si_value` does. sigaction(2) */
const POLL_IN = 1

/** Ready means that one may read; complete, that it has been read. */
export async function completion(lab: Lab, { server, client, accepted, connected }: Pair): Promise<void> {
  const lying = async () => await server.do(call('recv', accepted, 64, either(K.MSG_PEEK, K.MSG_DONTWAIT)))
  lab.intend('Ready is not complete: what poll tells of still lies in the kernel.')
  await client.must(call('send', connected, 'ready', 0))
  const ready = (await server.must(call('poll', accepted, K.POLLIN, 0))).result
  lab.expect(ready === 1 && (await lying()).text === 'ready', 'the bytes wait for a read')
  await server.must(call('read', accepted, 64))

  lab.intend('The server asks for a read by io_uring, and goes on; then a message comes.')
  const { error } = await server.do(call('ring_read', accepted, 64))
  if (error !== undefined) {
    lab.intend(`This kernel lets us use no io_uring (${error}): left out.`)
    return
  }
  const before = await server.do(call('ring_completed'))
  await client.must(call('send', connected, 'complete', 0))
  const after = await server.must(call('ring_completed'))
  const left = await lying()
  lab.recorder.write({ sample: { name: 'io_uring: bytes read without a call', value: after.result } })
  lab.expect(
    before.error === 'EAGAIN' && after.text === 'complete' && left.error === 'EAGAIN',
    'the bytes lie in the memory of the server, which made no call for them; at the socket there are none',
  )
}

export async function signals(lab: Lab, { server, client, accepted, connected }: Pair): Promise<void> {
  const thrice = async () => {
    for (const word of ['one', 'two', 'three']) await client.must(call('send', connected, word, 0))
  }
  lab.intend('Signal-driven: the server is busy (it holds its signals back) while three messages come.')
  const realTime: Constant = { text: 'SIGRTMIN', value: (await server.must(call('sigrtmin'))).result }
  for (const signal of [K.SIGIO, realTime]) await server.must(call('handle', signal, K.SA_RESTART, 0))
  await server.must(call('sigprocmask', K.SIG_BLOCK, K.SIGIO, realTime))
  await server.must(call('fcntl', accepted, K.F_SETOWN, server.pid))
  await server.must(call('fcntl', accepted, K.F_SETFL, K.O_ASYNC))
  await thrice()
  await server.must(call('sigprocmask', K.SIG_UNBLOCK, K.SIGIO))
  const standard = (await server.must(call('handled'))).result
  lab.recorder.write({ sample: { name: 'SIGIO of three messages', value: standard } })
  lab.expect(standard === 1, 'one SIGIO: a pending standard signal is not counted, and it names no descriptor')

  lab.intend('The same with a real-time signal (F_SETSIG).')
  await server.must(call('fcntl', accepted, K.F_SETSIG, realTime))
  await thrice()
  await server.must(call('sigprocmask', K.SIG_UNBLOCK, realTime))
  const queued = await server.must(call('handled'))
  lab.recorder.write({ sample: { name: 'real-time signals of three messages', value: queued.result } })
  lab.expect(
    queued.result === 3 &&
      queued.numbers('value').every((fd) => fd === accepted) &&
      queued.numbers('code').every((code) => code === POLL_IN),
    `three signals, each says POLL_IN of descriptor ${accepted}`,
  )
}
