import assert from 'node:assert/strict'
import { findProperty, findSubject, runCell, unavailable } from 'ipc-playground/matrix'
import { test } from 'vitest'

for (const key of ['ustream', 'useq'])
  test.skipIf(unavailable() !== undefined)(
    `T12: closing a unix socket with unread input resets the connection, as TCP does › ${key}`,
    async () => {
      const { observation, reason } = await runCell(findProperty('P27'), findSubject(key))
      assert.equal(observation?.value, 'ECONNRESET', reason)
    },
  )
