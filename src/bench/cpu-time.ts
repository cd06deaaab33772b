/** Processor time of another process, read from outside, so that nothing of it travels through what is measured. proc(5) */
import { existsSync, readdirSync, readFileSync } from 'node:fs'

/** `sysconf(_SC_CLK_TCK)`, which is part of the kernel's interface to user space. */
const TICK_US = 10_000

/** Microseconds that the threads of a living process have run. */
export function cpuTimeOf(pid: number): number {
  if (!existsSync(`/proc/${pid}/schedstat`)) return ticksOf(pid) * TICK_US // a kernel without CONFIG_SCHED_INFO
  let ns = 0
  for (const thread of readdirSync(`/proc/${pid}/task`)) ns += ranFor(`/proc/${pid}/task/${thread}/schedstat`)
  return ns / 1000
}

function ranFor(schedstat: string): number {
  try {
    return Number(readFileSync(schedstat, 'utf8').split(' ')[0])
  } catch {
    return 0 // the thread has just ended
  }
}

function ticksOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name, in parentheses, may hold anything; utime and stime are the 14th and 15th field.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return Number(fields[11]) + Number(fields[12])
}

/** Microseconds that this process has run, all its threads together. */
export function ownCpuTime(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}
