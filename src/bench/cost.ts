/** What processes cost the machine, read from outside, so that nothing of it travels through what is measured. proc(5) */
import { existsSync, readdirSync, readFileSync } from 'node:fs'

/** `sysconf(_SC_CLK_TCK)`, which is part of the kernel's interface to user space. */
const TICK_US = 10_000

export interface Cost {
  readonly cpuUs: number
  /** Context switches: because the thread waited, and because another got its processor. */
  readonly voluntary: number
  readonly involuntary: number
}

/** Of all threads of this process and of `others`, since each began. */
export function costOf(others: readonly number[]): Cost {
  const { userCPUTime, systemCPUTime, voluntaryContextSwitches, involuntaryContextSwitches } = process.resourceUsage()
  const all = { cpuUs: userCPUTime + systemCPUTime, voluntary: voluntaryContextSwitches, involuntary: involuntaryContextSwitches }
  for (const pid of others) {
    const cost = costOfProcess(pid)
    all.cpuUs += cost.cpuUs
    all.voluntary += cost.voluntary
    all.involuntary += cost.involuntary
  }
  return all
}

export const costBetween = (before: Cost, after: Cost): Cost => ({
  cpuUs: after.cpuUs - before.cpuUs,
  voluntary: after.voluntary - before.voluntary,
  involuntary: after.involuntary - before.involuntary,
})

function costOfProcess(pid: number): Cost {
  const withSchedstat = existsSync(`/proc/${pid}/schedstat`) // a kernel with CONFIG_SCHED_INFO
  const cost = { cpuUs: withSchedstat ? 0 : ticksOf(pid) * TICK_US, voluntary: 0, involuntary: 0 }
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const folder = `/proc/${pid}/task/${thread}`
    if (withSchedstat) cost.cpuUs += Number(textOf(`${folder}/schedstat`).split(' ')[0]) / 1000
    const status = textOf(`${folder}/status`)
    cost.voluntary += fieldOf(status, 'voluntary_ctxt_switches')
    cost.involuntary += fieldOf(status, 'nonvoluntary_ctxt_switches')
  }
  return cost
}

/** The most memory that this process or one of `others` ever had. */
export const peakRssOf = (others: readonly number[]): number =>
  Math.max(...['self', ...others].map((pid) => 1024 * fieldOf(textOf(`/proc/${pid}/status`), 'VmHWM')))

/** A number in `/proc/PID/status`; 0 where the line is missing. */
export const fieldOf = (status: string, name: string): number => Number(status.match(`(?:^|\n)${name}:\\s*(\\d+)`)?.[1] ?? 0)

export function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // the thread has just ended
  }
}

function ticksOf(pid: number): number {
  const stat = textOf(`/proc/${pid}/stat`)
  // The name, in parentheses, may hold anything; utime and stime are the 14th and 15th field.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return Number(fields[11]) + Number(fields[12])
}
