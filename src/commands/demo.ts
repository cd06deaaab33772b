import { spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { AdapterId } from '../core/channel.js'
import { adapterById } from '../core/registry.js'
import { interruptible } from './interrupt.js'
import { adaptersNamed, mechanismOf } from './names.js'
import { UsageError } from './outcome.js'
import { packageFolder } from './package-folder.js'

const DEMOS = join(packageFolder, 'dist', 'demos')
const PROGRAMS = join(DEMOS, 'programs')

export async function demo(name: string): Promise<number> {
  return interruptible(async (signal) =>
    readdirSync(PROGRAMS).includes(name) ? runFile(join(PROGRAMS, name, 'main.js'), [], signal) : runDemo(await demoAdapter(name), signal),
  )
}

/** The adapter that tells the story: the one named, or the mechanism's first that runs here. */
export async function demoAdapter(name: string): Promise<AdapterId> {
  const reasons: string[] = []
  for (const id of await adaptersNamed(name)) {
    const reason = (await adapterById(id)).unavailable()
    if (reason === undefined) return id
    reasons.push(`${id} cannot run here: ${reason}`)
  }
  throw new UsageError(reasons.join('\n'))
}

/** Runs the mechanism's story, or the one for any mechanism, in a process of its own. Its exit status. */
export async function runDemo(adapter: AdapterId, signal: AbortSignal): Promise<number> {
  const own = join(DEMOS, `${mechanismOf(adapter)}.js`)
  return runFile(existsSync(own) ? own : join(DEMOS, 'generic.js'), [adapter], signal)
}

async function runFile(file: string, args: readonly string[], signal: AbortSignal): Promise<number> {
  signal.throwIfAborted()
  const child = spawn(process.execPath, [file, ...args], { stdio: 'inherit' })
  // The terminal interrupts the story too; whoever signals this process alone does not.
  const end = () => child.kill('SIGTERM')
  signal.addEventListener('abort', end, { once: true })
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', (code) => resolve(code ?? 1))
    })
  } finally {
    signal.removeEventListener('abort', end)
  }
}
