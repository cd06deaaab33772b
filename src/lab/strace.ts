/** What strace(1) counts of a process, which nothing in the process tells. */
import { spawn } from 'node:child_process'
import { programAt } from '../core/program-at.js'
import type { Actor } from '../stage/actor.js'
import { call } from '../stage/call.js'
import { Skip } from '../stage/stage.js'

/** How often each system call was called, by the name that strace has for it. */
export type SystemCalls = ReadonlyMap<string, number>

/** Counts the system calls of an actor while `scene` is played. @throws Skip where there is no strace, or it may not trace */
export async function countedByStrace({ process }: Actor, scene: () => Promise<void>): Promise<SystemCalls> {
  const program = programAt('strace')
  if (program === undefined) throw new Skip('there is no strace')
  const child = spawn(program, ['-c', '-p', String(process.pid)], { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  const over = new Promise<void>((resolve) => child.once('error', () => resolve()).once('close', () => resolve()))
  const attached = new Promise<void>((resolve) =>
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text
      if (said.includes(' attached')) resolve()
    }),
  )
  await Promise.race([attached, over])
  if (!said.includes(' attached')) throw new Skip(`strace may not trace here: ${said.trim().split('\n')[0]}`)
  try {
    await process.request(call('getpid')).outcome // it has been stopped and goes on: no call of the scene is begun twice
    await scene()
  } finally {
    child.kill('SIGINT') // it lets go, and says what it counted
    await over
  }
  return tableOf(said)
}

/** Of lines `% time, seconds, usecs/call, calls[, errors], syscall`. */
const tableOf = (text: string): SystemCalls =>
  new Map(
    text.split('\n').flatMap((line) => {
      const words = line.trim().split(/\s+/)
      const [share = '', , , calls = ''] = words
      const name = words.at(-1) ?? ''
      return /^[\d.]+$/.test(share) && /^\d+$/.test(calls) && name !== 'total' ? [[name, Number(calls)] as const] : []
    }),
  )
