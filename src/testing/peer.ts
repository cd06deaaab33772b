/**
 * The other process of the conformance suite. It joins its parent (or is a mere helper), and then does
 * what it is told over a control socket that has nothing to do with the mechanism under test.
 *
 *   node peer.js CONTROL-SOCKET TOKEN join|stream|helper [MODULE-OF-A-REGISTERED-ADAPTER]
 *
 * The control socket does not keep a joined peer alive: its channel does, or nothing. Its end means that
 * the suite is gone, and the peer goes too.
 */
import { createConnection, type Socket } from 'node:net'
import { isMainThread } from 'node:worker_threads'
import { registerFrom } from '../core/registry.js'
import { joinParent } from '../core/spawn.js'
import { Operations } from './operations.js'

interface Order {
  readonly id: number
  readonly operation: string
  readonly options: Record<string, unknown>
}

async function serve(path: string, token: string, role: string, module: string | undefined): Promise<void> {
  if (module !== undefined) await registerFrom(module)
  const operations = new Operations()
  if (role !== 'helper') operations.add('main', await (role === 'stream' ? joinParent({ framing: 'stream' }) : joinParent()))
  const control = createConnection(path)
  control.on('error', () => {}) // 'close' follows
  control.once('close', () => process.exit())
  control.write(`${JSON.stringify({ token })}\n`)
  if (role !== 'helper') control.unref()
  operations.control = control
  let rest = ''
  control.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) obey(operations, control, JSON.parse(line) as Order)
  })
}

async function obey(operations: Operations, control: Socket, { id, operation, options }: Order): Promise<void> {
  let answer: object
  try {
    answer = { id, value: (await operations.run(operation, options)) ?? null }
  } catch (error) {
    const { code, name, message } = error as Error & { code?: string }
    answer = { id, error: { code, name, message } }
  }
  control.write(`${JSON.stringify(answer)}\n`)
}

const [path, token, role, module] = process.argv.slice(2)
if (path !== undefined && token !== undefined && role !== undefined)
  serve(path, token, role, module).catch((error: unknown) => {
    if (isMainThread) process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
    process.exit(1)
  })
