import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { call, Skip, type Stage } from 'ipc-playground/matrix'
import { openQueue } from '../../src/matrix/subjects/posix-queue.js'
import { newObject } from '../../src/matrix/subjects/subject.js'
import { openSysvQueue } from '../../src/matrix/subjects/sysv-queue.js'
import { filling } from '../../src/stage/call.js'
import { either, K, mode } from '../../src/stage/constants.js'
import { peerCase } from './stage.js'

/** More messages than any queue holds. */
const ENDLESS = 1_000_000
const NOW = 0
const EVER = -1

peerCase(
  'LTP mq_receive/2-1, 12-1: a buffer shorter than msgsize is EMSGSIZE, however short the message is',
  ['pmq'],
  async (stage, pmq) => {
    const { sender, receiver } = await pmq.meet(stage)
    const queue = receiver.fd ?? -1
    const msgsize = (await receiver.actor.must(call('mq_getattr', queue))).number('msgsize')
    await sender.actor.must(sender.send('x'))
    assert.equal((await receiver.actor.do(call('mq_receive', queue, msgsize - 1))).error, 'EMSGSIZE')
    assert.equal((await receiver.actor.must(call('mq_receive', queue, msgsize))).text, 'x', 'and the message stays')
  },
)

peerCase('LTP mq_timedsend/19-1, 20-1: on a full queue no nanosecond is EINVAL, a past one ETIMEDOUT', ['pmq'], async (stage, pmq) => {
  const { sender, receiver } = await pmq.meet(stage)
  const queue = sender.fd ?? -1
  const state = async () => sender.actor.must(call('mq_getattr', queue))
  const maxmsg = (await state()).number('maxmsg')
  const longAgo = (nanoseconds: number) => call('mq_timedsend_until', queue, 'late', 0, 1, nanoseconds)

  await sender.actor.repeat(maxmsg, sender.send('x'))
  for (const none of [-1, 1e9]) assert.equal((await sender.actor.do(longAgo(none))).error, 'EINVAL', `${none} ns`)
  for (const some of [0, 1e9 - 1]) assert.equal((await sender.actor.do(longAgo(some))).error, 'ETIMEDOUT', `${some} ns`)
  assert.equal((await state()).number('curmsgs'), maxmsg, 'what came too late is not in the queue')

  // Where there is room nothing is waited for.
  await receiver.actor.must(receiver.receive())
  await sender.actor.must(longAgo(0))
})

peerCase(
  'LTP mq_notify/2-1, 4-1, 9-1: one process is registered; what it is told ends that, and another may be',
  ['pmq'],
  async (stage, pmq) => {
    const [first, second, sender] = [await stage.actor('first'), await stage.actor('second'), await stage.actor('sender')]
    const queue = await newObject(stage, pmq)
    await queue.make(sender, true)
    const out = await queue.open(sender)
    const [one, other] = [await queue.open(first), await queue.open(second)]
    const register = ({ actor, fd = -1 }: typeof one) => actor.do(call('mq_notify', fd, K.SIGUSR1))
    const told = async ({ actor }: typeof one, ms: number) => (await actor.do(call('sigtimedwait', ms, K.SIGUSR1))).error ?? 'told'
    for (const actor of [first, second]) await actor.must(call('sigprocmask', K.SIG_BLOCK, K.SIGUSR1))

    assert.equal((await register(one)).error, undefined)
    assert.equal((await register(other)).error, 'EBUSY')
    await sender.must(out.send('to the first'))
    assert.equal(await told(one, EVER), 'told')
    await second.must(other.receive())

    assert.equal((await register(other)).error, undefined)
    assert.equal((await register(one)).error, 'EBUSY')
    await sender.must(out.send('to the second'))
    assert.equal(await told(other, EVER), 'told')
    assert.equal(await told(one, NOW), 'EAGAIN')
  },
)

peerCase('LTP mq_open/7-1, 8-1, 9-1: O_RDONLY cannot send, O_WRONLY cannot receive, O_RDWR can both', ['pmq'], async (stage) => {
  const [reader, writer, both] = [await stage.actor('reader'), await stage.actor('writer'), await stage.actor('both')]
  const name = await stage.name('mq')
  const queue = await openQueue(both, name, { messages: 4, bytes: 8 })
  const open = async (actor: typeof both, access: typeof K.O_RDONLY) => (await actor.must(call('mq_open', name, access, 0, 0, 0))).result
  const [readable, writable] = [await open(reader, K.O_RDONLY), await open(writer, K.O_WRONLY)]
  const send = (fd: number) => call('mq_send', fd, 'x', 0)
  const receive = (fd: number) => call('mq_receive', fd, 8)

  assert.equal((await reader.do(send(readable))).error, 'EBADF')
  await writer.must(send(writable))
  assert.equal((await writer.do(receive(writable))).error, 'EBADF')
  await reader.must(receive(readable))
  await both.must(send(queue))
  await both.must(receive(queue))
})

peerCase('LTP msgsnd/msgsnd05: who waits for room is interrupted by a signal, whatever SA_RESTART says', ['svmq'], async (stage, svmq) => {
  const { sender, receiver } = await svmq.meet(stage)
  const message = filling(128)
  await sender.waits(false)
  const { times, error } = await sender.actor.repeat(ENDLESS, sender.send(message))
  assert.equal(error, 'EAGAIN')

  await sender.waits(true)
  await sender.actor.handle(K.SIGUSR1.value, K.SA_RESTART.value)
  const waiting = sender.actor.begin(sender.send(message))
  assert.equal(await waiting.settled(), 'blocked')
  await receiver.actor.must(call('kill', sender.actor.pid, K.SIGUSR1))
  assert.equal((await waiting.outcome).error, 'EINTR')

  await receiver.waits(false)
  assert.equal((await receiver.actor.repeat(ENDLESS, receiver.receive())).times, times, 'what was interrupted is not in the queue')
  await sender.actor.must(sender.send(message))
})

/** What waits in the queue, in the order it was sent. */
const SENT = [
  { type: 3, text: 'third' },
  { type: 1, text: 'first' },
  { type: 2, text: 'second' },
  { type: 3, text: 'last' },
]
const ROOM = 16

/** Sends `SENT`, has `type` and `flags` select, and answers that and what is left. */
async function selecting(stage: Stage, type: number, flag = either(), room = ROOM) {
  const [sender, receiver] = [await stage.actor('sender'), await stage.actor('receiver')]
  const key = await stage.key('sysv-msg')
  const id = await openSysvQueue(sender, key, 'make')
  for (const sent of SENT) await sender.must(call('msgsnd', id, sent.type, sent.text, 0))
  const selected = await receiver.do(call('msgrcv', id, room, type, either(K.IPC_NOWAIT, flag)))
  const rest = await receiver.repeat(ENDLESS, call('msgrcv', id, ROOM, 0, K.IPC_NOWAIT))
  return { selected: selected.error ?? selected.text, rest: rest.each.map((data) => Buffer.from(data).toString()) }
}

const all = SENT.map(({ text }) => text)
const without = (gone: string) => all.filter((text) => text !== gone)

peerCase('LTP msgrcv/msgrcv07: the sign of the type, MSG_EXCEPT and MSG_NOERROR select as documented', ['svmq'], async (stage) => {
  assert.deepEqual(await selecting(stage, 0), { selected: 'third', rest: without('third') }, 'the oldest')
  assert.deepEqual(await selecting(stage, 2), { selected: 'second', rest: without('second') }, 'the oldest of the type')
  assert.deepEqual(await selecting(stage, -2), { selected: 'first', rest: without('first') }, 'of the lowest type up to 2')
  assert.deepEqual(await selecting(stage, 3, K.MSG_EXCEPT), { selected: 'first', rest: without('first') }, 'the oldest of any other type')
  assert.deepEqual(await selecting(stage, 2, K.MSG_NOERROR, 3), { selected: 'sec', rest: without('second') }, 'what there is room for')
  assert.deepEqual(await selecting(stage, 4), { selected: 'ENOMSG', rest: all }, 'nothing of the type')
})

peerCase('LTP msgrcv/msgrcv07: MSG_COPY takes the message at a place, and leaves it', ['svmq'], async (stage) => {
  const copied = await selecting(stage, 2, K.MSG_COPY)
  if (copied.selected === 'ENOSYS') throw new Skip('this kernel was built without MSG_COPY')
  assert.deepEqual(copied, { selected: 'second', rest: all })
  assert.deepEqual(await selecting(stage, all.length, K.MSG_COPY), { selected: 'ENOMSG', rest: all }, 'behind the last')
})

peerCase('LTP msgrcv/msgrcv02: what may not be read is EACCES', ['svmq'], async (stage) => {
  const [owner, stranger] = [await stage.actor('owner'), await stage.nobody('stranger')]
  const key = await stage.key('sysv-msg')
  const id = (await owner.must(call('msgget', key, either(K.IPC_CREAT, K.IPC_EXCL, mode(0o622))))).result
  const receive = call('msgrcv', id, ROOM, 0, K.IPC_NOWAIT)
  await stranger.must(call('msgsnd', id, 1, 'x', 0))
  assert.equal((await stranger.do(receive)).error, 'EACCES')
  assert.equal((await owner.must(receive)).text, 'x')
})

peerCase(
  'LTP msgrcv/msgrcv02: no queue and no room are EINVAL, too little room E2BIG, no message ENOMSG',
  ['svmq'],
  async (stage, svmq) => {
    const { sender, receiver } = await svmq.meet(stage)
    const [id = -1] = sender.send('').args
    await sender.actor.must(sender.send('six by'))
    const error = async (queue: typeof id, room: number, type: number) =>
      (await receiver.actor.do(call('msgrcv', queue, room, type, K.IPC_NOWAIT))).error
    assert.equal(await error(-1, ROOM, 0), 'EINVAL')
    assert.equal(await error(id, -1, 0), 'EINVAL')
    assert.equal(await error(id, 5, 0), 'E2BIG')
    assert.equal(await error(id, ROOM, 2), 'ENOMSG')
    assert.equal(await error(id, 6, 0), undefined)
  },
)

/** The line of a queue in /proc/sysvipc/msg, by the names of its columns. */
function listed(id: number): Record<string, number> {
  const [heading = [], ...rows] = readFileSync('/proc/sysvipc/msg', 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
  const row = rows.find((words) => Number(words[heading.indexOf('msqid')]) === id) ?? []
  return Object.fromEntries(heading.map((name, at) => [name, Number(row[at])]))
}

peerCase('LTP msgctl/msgctl06: msgctl(2) and /proc/sysvipc/msg count alike', ['svmq'], async (stage) => {
  const [sender, receiver] = [await stage.actor('sender'), await stage.actor('receiver')]
  const id = await openSysvQueue(sender, await stage.key('sysv-msg'), 'make')
  const counted = async () => {
    const state = await receiver.must(call('msgctl', id, K.IPC_STAT))
    const { cbytes, qnum, lspid, lrpid } = listed(id)
    const [bytes, messages] = [state.number('bytes'), state.number('messages')]
    assert.deepEqual([cbytes, qnum, lspid, lrpid], [bytes, messages, state.number('sender'), state.number('receiver')])
    return { bytes, messages, sender: state.number('sender'), receiver: state.number('receiver') }
  }
  assert.deepEqual(await counted(), { bytes: 0, messages: 0, sender: 0, receiver: 0 })
  for (const text of ['one', 'three']) await sender.must(call('msgsnd', id, 1, text, 0))
  assert.deepEqual(await counted(), { bytes: 8, messages: 2, sender: sender.pid, receiver: 0 })
  await receiver.must(call('msgrcv', id, ROOM, 0, 0))
  assert.deepEqual(await counted(), { bytes: 5, messages: 1, sender: sender.pid, receiver: receiver.pid })
})
