/** A daemon takes jobs at a unix socket until SIGTERM. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connect, json, typed } from 'ipc-playground'

const folder = mkdtempSync(join(tmpdir(), 'daemon-'))
const path = join(folder, 'jobs.sock')
const daemon = spawn(process.execPath, [fileURLToPath(new URL('./daemon.js', import.meta.url)), path], { stdio: 'inherit' })

const channel = await connect({ adapter: 'socket/unix', path }, { waitForPeer: true })
const jobs = typed(
  channel,
  json<{ ok: boolean }, unknown>((value) => value as { ok: boolean }),
)
const answers = jobs.messages()
for (const id of [7, -1]) {
  await jobs.send({ id })
  console.log(`job ${id}:`, (await answers.next()).value)
}

await jobs.send({ what: 'no job' })
console.log('what is no job costs the connection:', (await answers.next()).done ? 'the end' : 'an answer')
await channel.close()

daemon.kill('SIGTERM')
const [status] = await once(daemon, 'exit')
console.log(`the daemon has ended: ${status}`)
rmSync(folder, { recursive: true })
