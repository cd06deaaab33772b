/** The processes that this one started, and theirs. proc(5), `/proc/PID/task/TID/children` */
import { readdirSync, readFileSync } from 'node:fs'

function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    )
  } catch {
    return [] // it has ended meanwhile
  }
}

const descendantsOf = (pid: number): number[] => childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child)])

/** Kills them all, those they start meanwhile too. */
export function killDescendants(): void {
  const killed = new Set<number>()
  for (;;) {
    const left = descendantsOf(process.pid).filter((pid) => !killed.has(pid))
    if (left.length === 0) return
    for (const pid of left) {
      killed.add(pid)
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // it has ended meanwhile
      }
    }
  }
}
