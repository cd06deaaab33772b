import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { call } from 'ipc-playground/matrix'
import { intOption } from '../../../src/matrix/subjects/sockets.js'
import { filling } from '../../../src/stage/call.js'
import { either, K } from '../../../src/stage/constants.js'
import { trap } from './trap.js'

/** Sends a message of as many letters as its argument says, and exits at once. */
const CHILD = 'process.send("x".repeat(Number(process.argv[2]))); process.exit()'

trap('T15: what a unix stream socket does not take at once is lost when Node exits after send (nodejs/node#36268)', [], async (stage) => {
  const actor = await stage.actor('sender')
  const end = (await actor.must(call('socketpair', K.AF_UNIX, K.SOCK_STREAM))).number('first')
  const buffer = await intOption(actor, end, K.SO_SNDBUF)
  const sent = await actor.do(call('send', end, filling(8 << 20), either(K.MSG_DONTWAIT, K.MSG_NOSIGNAL)))
  // Bytes and what the kernel needs for them are counted together; the last piece goes over the limit.
  assert.ok(sent.result > buffer / 2 && sent.result < 1.5 * buffer, `${sent.result} of ${buffer}`)

  const script = await stage.path()
  await writeFile(script, CHILD)
  const received = async (letters: number) => {
    const child = fork(script, [String(letters)])
    let length = 0
    child.on('message', (message: string) => {
      length += message.length
    })
    const exited = once(child, 'exit')
    await once(child, 'disconnect')
    assert.deepEqual(await exited, [0, null])
    return length
  }
  const fits = Math.floor(sent.result / 2)
  assert.equal(await received(fits), fits)
  assert.equal(await received(8 << 20), 0)
})
