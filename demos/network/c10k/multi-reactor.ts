/** As many reactors as there are processors, each a process, at one port. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { listens } from './wire.js'

const program = fileURLToPath(new URL('./reactor.js', import.meta.url))
const [, , port = ''] = process.argv

const reactors = Array.from({ length: Math.max(2, availableParallelism()) }, () => fork(program, [port]))
await Promise.all(reactors.map((reactor) => once(reactor, 'message')))
listens()
