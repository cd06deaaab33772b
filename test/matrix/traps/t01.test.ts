import assert from 'node:assert/strict'
import { findProperty, findSubject, runCell, unavailable } from 'ipc-playground/matrix'
import { test } from 'vitest'

test.skipIf(unavailable() !== undefined)(
  'T1: sem_wait is restarted after a handler; sem_timedwait may end with EINTR, whatever signal(7) says',
  async () => {
    const { observation, verdict, reason } = await runCell(findProperty('P39'), findSubject('psem'))
    assert.equal(verdict, 'pass', reason)
    assert.match(observation?.value ?? '', /^sem_wait restarted; sem_timedwait (EINTR|restarted)$/)
  },
)
