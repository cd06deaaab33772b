import assert from 'node:assert/strict'
import { findProperty, findSubject, runCell, unavailable } from 'ipc-playground/matrix'
import { test } from 'vitest'

test.skipIf(unavailable() !== undefined)("T10: what Node calls stdio 'pipe' is a pair of sockets, unlike a pipe of the shell", async () => {
  const { steps } = await runCell(findProperty('P43'), findSubject('pipe'))
  const told = steps.filter(({ kind }) => kind === 'observation').map(({ text }) => text)
  assert.deepEqual(told, ['socket', 'fifo'])
})
