import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { call } from 'ipc-playground/matrix'
import { intOption } from '../../../src/matrix/subjects/sockets.js'
import { either, K } from '../../../src/stage/constants.js'
import { trap } from './trap.js'

const flags = either(K.MSG_DONTWAIT, K.MSG_NOSIGNAL)

trap(
  'T5: a named receiver of unix datagrams holds max_dgram_qlen + 1 of them, one of a socketpair what SO_SNDBUF has room for',
  ['udgram'],
  async (stage, udgram) => {
    const length = Number(readFileSync('/proc/sys/net/unix/max_dgram_qlen', 'utf8'))
    const pair = await stage.actor('both ends of a socketpair')
    const [end, buffer] = await pair
      .must(call('socketpair', K.AF_UNIX, K.SOCK_DGRAM))
      .then(async (made) => [made.number('first'), await intOption(pair, made.number('first'), K.SO_SNDBUF)] as const)
    const connected = await pair.repeat(1_000_000, call('send', end, 'x', flags))
    assert.equal(connected.error, 'EAGAIN')
    // Each byte is accounted with what the kernel needs for a message, which is more than 256 bytes and less than a page.
    assert.ok(connected.times > buffer / 4096 && connected.times < buffer / 256, `${connected.times} in ${buffer} bytes`)

    const { sender } = await udgram.meet(stage)
    const named = await sender.actor.repeat(1_000_000, call('send', sender.fd ?? -1, 'x', flags))
    assert.equal(named.error, 'EAGAIN')
    // Whichever limit is reached first.
    assert.equal(named.times, Math.min(length + 1, connected.times))
  },
)
