import assert from 'node:assert/strict'
import { findProperty, findSubject, runCell, unavailable } from 'ipc-playground/matrix'
import { test } from 'vitest'

test.skipIf(unavailable() !== undefined)(
  'T13: a connected unix datagram socket whose peer is gone has no end to read; its next send is refused',
  async () => {
    const { observation, steps, reason } = await runCell(findProperty('P31'), findSubject('udgram'))
    assert.equal(observation?.value, 'only on next send', reason)
    const results = steps.map(({ text }) => /^(recv|send)\(.* = (\w+)$/.exec(text)?.slice(1).join(' ')).filter((word) => word !== undefined)
    assert.deepEqual(results, ['recv EAGAIN', 'send ECONNREFUSED'])
  },
)
