/** The limit of pending signals is the user's: what others of this user have pending leaves a cell its room. */
import assert from 'node:assert/strict'
import { findProperty, findSubject, runCell, unavailable } from 'ipc-playground/matrix'
import { test } from 'vitest'
import { limitPending, pendingLimit } from '../support/pending-limit.js'

const rtsig = findSubject('rtsig')

test.skipIf(unavailable() !== undefined || rtsig.unavailable?.() !== undefined)(
  'actors queue more signals than the soft limit allows who starts them',
  async () => {
    const soft = pendingLimit('SOFT')
    limitPending('1')
    try {
      const { verdict, reason } = await runCell(findProperty('P11'), rtsig)
      assert.equal(verdict, 'pass', reason)
    } finally {
      limitPending(soft)
    }
  },
)
