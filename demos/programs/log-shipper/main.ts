/** Whatever writes lines into a FIFO is shipped to a file, although its writers come and go. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawnPeer } from 'ipc-playground'

const folder = mkdtempSync(join(tmpdir(), 'log-shipper-'))
const [fifo, log] = [join(folder, 'app.fifo'), join(folder, 'app.log')]
const shipper = await spawnPeer(new URL('./shipper.js', import.meta.url), { args: [fifo, log] })
await shipper.channel.receive() // it has the FIFO open

for (const line of ['hello from a shell', 'hello from another']) {
  await once(spawn('sh', ['-c', `echo ${line} > ${fifo}`]), 'exit')
  await shipper.channel.receive() // it has shipped something
}
await shipper[Symbol.asyncDispose]()
process.stdout.write(readFileSync(log))
rmSync(folder, { recursive: true })
