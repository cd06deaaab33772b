/** Which process a pid was, once another may have it. */
import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { type ErrorContext, fromNodeError, systemError } from './errors.js'

const { ENOENT, ESRCH } = constants.errno
const PID_MAX = 2 ** 22

/** Tells a process from every other one that has or had its pid. Plain data: fit for JSON and for other processes of this machine. */
export interface ProcessIdentity {
  readonly pid: number
  /** When it began, as the kernel has it, and since which boot. Opaque. */
  readonly started: string
}

export function checkPid(pid: unknown): number {
  if (typeof pid !== 'number' || !Number.isInteger(pid)) throw new TypeError(`pid must be an integer, not ${JSON.stringify(pid)}`)
  if (pid < 1 || pid > PID_MAX) throw new RangeError(`pid must be 1 to ${PID_MAX}, not ${pid}`)
  return pid
}

/**
 * The process that has this pid now. Who has the identity from while the process was known to live (its parent, say, or
 * itself) reaches that one or none. proc_pid_stat(5), starttime
 * @throws ERR_IPC_NOT_FOUND, ERR_IPC_PERMISSION where /proc hides the processes of others
 */
export function processIdentity(pid: number): ProcessIdentity {
  checkPid(pid)
  const errors: ErrorContext = { address: `process ${pid}` }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The command, in parentheses, may hold anything. What follows begins with field 3; starttime is field 22.
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[22 - 3]
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
    return { pid, started: `${boot}/${ticks}` }
  } catch (error) {
    const known = fromNodeError(error, errors)
    if (known.errno !== -ENOENT && known.errno !== -ESRCH) throw known
    throw systemError(ESRCH, known.syscall ?? 'open', errors)
  }
}
