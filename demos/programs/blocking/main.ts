/** A command-line tool asks a service and blocks until it is answered: no callbacks, no event loop. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connect } from 'ipc-playground'

const folder = mkdtempSync(join(tmpdir(), 'blocking-'))
const address = `unix://${join(folder, 'x.sock')}`
const service = spawn(process.execPath, [fileURLToPath(new URL('./service.js', import.meta.url)), address], { stdio: 'inherit' })

const channel = await connect(address, { waitForPeer: true, timeout: 20_000 })
const { sync } = channel
if (sync === undefined) throw new Error('async only')
sync.send(new TextEncoder().encode('what is the answer?'))
const answer = sync.receive({ timeout: 10_000 })
console.log(answer === null ? 'the service has ended' : new TextDecoder().decode(answer))

await channel.close()
await once(service, 'exit')
rmSync(folder, { recursive: true })
