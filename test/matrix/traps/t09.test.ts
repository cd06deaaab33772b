import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'vitest'

const FIRST_REALTIME_SIGNAL = 34

test('T9: Node reports a child that a real-time signal killed as one that exited with 0', async () => {
  const child = spawn('sleep', ['60'])
  await once(child, 'spawn')
  process.kill(child.pid ?? 0, FIRST_REALTIME_SIGNAL)
  assert.deepEqual(await once(child, 'exit'), [0, null])
  const control = spawn('sleep', ['60'])
  await once(control, 'spawn')
  control.kill('SIGTERM')
  assert.deepEqual(await once(control, 'exit'), [null, 'SIGTERM'])
})
