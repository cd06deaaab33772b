/** A sockaddr in a story. */
import assert from 'node:assert/strict'
import { call } from 'ipc-playground/matrix'
import { test } from 'vitest'
import { inetAddress, unixAddress } from '../../src/matrix/subjects/sockets.js'
import { describe } from '../../src/stage/call.js'

const shown: readonly (readonly [string, Uint8Array])[] = [
  ['127.0.0.1:8080', inetAddress('127.0.0.1', 8080)],
  ['/run/a b', unixAddress('/run/a b')],
  ['@name', unixAddress('\0name')],
]

for (const [text, address] of shown)
  test(`an address is shown as ${text}`, () => {
    assert.equal(describe(call('connect', 4, address)), `connect(4, ${text})`)
  })

test('bytes that are no address are shown as bytes', () => {
  assert.equal(describe(call('send', 4, Uint8Array.of(2, 0, 1), 0)), 'send(4, <020001>, 0)')
})
