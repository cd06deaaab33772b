import assert from 'node:assert/strict'
import { call } from 'ipc-playground/matrix'
import { bound, inetAddress, LOOPBACK } from '../../../src/matrix/subjects/sockets.js'
import { either, K } from '../../../src/stage/constants.js'
import { tcpState } from '../tcp-state.js'
import { trap } from './trap.js'

const BACKLOG = 2

/** More than it takes until a SYN that was dropped is sent again. */
const PATIENCE_MS = 20_000

trap(
  'T11: a backlog of 2 holds 3 connections; who comes fourth is not refused, but stays in SYN_SENT until one is accepted',
  ['tcp'],
  async (stage) => {
    const [server, client] = [await stage.actor('server'), await stage.actor('client')]
    const { fd: listener, address } = await bound(server, K.AF_INET, K.SOCK_STREAM, inetAddress(LOOPBACK, 0))
    await server.must(call('listen', listener, BACKLOG))
    const connecting = async () => {
      const fd = (await client.must(call('socket', K.AF_INET, either(K.SOCK_STREAM, K.SOCK_NONBLOCK), 0))).result
      assert.equal((await client.do(call('connect', fd, address))).error, 'EINPROGRESS')
      return fd
    }
    const writable = (fd: number, ms: number) => client.must(call('poll', fd, K.POLLOUT, ms))

    for (let held = 0; held <= BACKLOG; held++) {
      const fd = await connecting()
      await writable(fd, PATIENCE_MS)
      assert.equal(await tcpState(client, fd), 'ESTABLISHED')
    }
    const fourth = await connecting()
    assert.equal((await writable(fourth, 0)).result, 0)
    assert.equal(await tcpState(client, fourth), 'SYN_SENT')

    await server.must(call('accept', listener, 0))
    await writable(fourth, PATIENCE_MS)
    assert.equal(await tcpState(client, fourth), 'ESTABLISHED')
  },
)
