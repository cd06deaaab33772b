/** Ordinary programs on the other end. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { View } from './narrator.js'

const LIMIT_MS = 5000

export interface Shell {
  readonly pid: number
  /** What it printed, when it has ended. */
  readonly ended: Promise<View>
}

/** Runs `command` in a shell. It is killed when it takes too long, and with this process. */
export function shell(command: string, input?: string): Shell {
  const child = spawn('sh', ['-c', command], {
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
  })
  let text = ''
  const collect = (chunk: string) => {
    text += chunk
  }
  child.stdout?.setEncoding('utf8').on('data', collect)
  child.stderr?.setEncoding('utf8').on('data', collect)
  child.stdin?.end(input)
  const atExit = () => child.kill('SIGKILL')
  process.once('exit', atExit)
  return {
    pid: child.pid ?? -1,
    ended: new Promise((resolve) => {
      child.once('close', () => {
        process.off('exit', atExit)
        resolve({ command, lines: text === '' ? [] : text.trimEnd().split('\n') })
      })
    }),
  }
}

export const installed = (program: string): boolean =>
  (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)))
