import { descendantsOf } from '../stage/kernel.js'

/** Kills the processes that this one started, and theirs, those they start meanwhile too. */
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
