/** What of its own command line a process hands to the peers that it starts. */
import assert from 'node:assert/strict'
import { test } from 'vitest'
import { run } from './support/run.js'

const peer = new URL('./fixtures/echo-peer.js', import.meta.url)
/** Should a peer run this again, it ends. */
const program = `
if (process.env.IPC_TEST_STARTED) process.exit(3)
process.env.IPC_TEST_STARTED = '1'
import('ipc-playground').then(async ({ spawnPeer }) => {
  const peer = await spawnPeer('${peer.pathname}')
  await peer.channel.send(Uint8Array.of(42))
  console.log([...await peer.channel.receive()][0])
  await peer[Symbol.asyncDispose]()
})
undefined`

test.each([
  ['-e', [program], ''],
  ['--input-type=module', ['-e', program], ''],
  ['--input-type=commonjs', [`--eval=${program}`], ''],
  ['-p', [program], 'undefined\n'],
  ['-p', ['-e', program], 'undefined\n'],
  ['-pe', [program], 'undefined\n'],
  [`--print`, [program], 'undefined\n'],
])('a program given by %s starts a peer, and not itself again', async (flag, flags, printed) => {
  assert.deepEqual(await run(process.execPath, [flag, ...flags]), { status: 0, stdout: `${printed}42\n`, stderr: '' })
})
