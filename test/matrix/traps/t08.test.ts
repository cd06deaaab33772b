import assert from 'node:assert/strict'
import { findProperty, findSubject, runCell, unavailable } from 'ipc-playground/matrix'
import { test } from 'vitest'

const tcp = findSubject('tcp')

test.skipIf(unavailable() !== undefined || tcp.unavailable?.() !== undefined)(
  'T8: SO_REUSEADDR of the successor alone does not help against TIME_WAIT; that of both listeners does',
  async () => {
    const { steps } = await runCell(findProperty('P24'), tcp)
    const bound = steps.filter(({ role, text }) => role === 'successor' && text.startsWith('bind('))
    assert.deepEqual(
      bound.map(({ text }) => text.split(' = ').at(-1)),
      ['EADDRINUSE', 'EADDRINUSE', '0'],
    )
  },
)
