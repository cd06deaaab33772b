/** Runs a program as a user would, and tells what came of it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

// dist/test/support/ -> the package
export const packageFolder = fileURLToPath(new URL('../../../', import.meta.url))
export const cliFile = fileURLToPath(new URL('../../src/cli.js', import.meta.url))

export interface Outcome {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Outcome>
  /** Settles when standard output or error has shown `text`. */
  shown(text: string): Promise<void>
}

/** `input`: the child's standard input is written by the caller, else it has none. */
export function start(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; input?: true } = {},
): Running {
  const child = spawn(command, args, {
    cwd: options.cwd ?? packageFolder,
    env: { ...process.env, ...options.env },
    stdio: [options.input === true ? 'pipe' : 'ignore', 'pipe', 'pipe'],
  })
  const texts = { stdout: '', stderr: '' }
  const waiting = new Set<() => void>()
  for (const name of ['stdout', 'stderr'] as const)
    child[name]?.setEncoding('utf8').on('data', (chunk: string) => {
      texts[name] += chunk
      for (const look of waiting) look()
    })
  const ended = new Promise<Outcome>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (status) => resolve({ status, ...texts }))
  })
  return {
    child,
    ended,
    shown: (text) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (!`${texts.stdout}${texts.stderr}`.includes(text)) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        ended.then(() => reject(new Error(`ended without showing '${text}': ${texts.stdout}${texts.stderr}`)), reject)
        look()
      }),
  }
}

export const run = (command: string, args: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}): Promise<Outcome> =>
  start(command, args, options).ended

export const cli = (args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Outcome> =>
  run(process.execPath, [cliFile, ...args], { env })
