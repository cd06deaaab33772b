/** What the kernel shows of a process. proc(5) */
import { readdirSync, readFileSync } from 'node:fs'

export interface KernelView {
  /** `R` runs, `S` sleeps in a call, `T` is stopped, `Z` has ended and is not reaped; undefined: gone. */
  readonly state: string | undefined
  /** The function of the kernel in which it sleeps, where the kernel tells. */
  readonly wchan: string | undefined
  /** The number of its system call and its arguments, where the kernel tells. */
  readonly syscall: string | undefined
  /** How often it gave up its processor by itself, to wait: who polls does so again and again. */
  readonly switches: number | undefined
}

/** A process of whom the kernel answers no more has no parent, either. */
export function parentOf(pid: number): number | undefined {
  const stat = read(`/proc/${pid}/stat`)
  return stat === undefined ? undefined : Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
}

/** The keys of all System V objects of a kind. sysvipc(7) */
export const sysvKeys = (kind: 'sem' | 'msg' | 'shm'): readonly number[] => rows(`/proc/sysvipc/${kind}`).map(([key]) => Number(key))

/** The names of all unix sockets; an abstract one begins with `@`. unix(7) */
export const unixNames = (): readonly string[] => rows('/proc/net/unix').flatMap((words) => words[7] ?? [])

/** By their numbers in /proc/net/tcp and in `struct tcp_info`. netinet/tcp.h */
const NUMBERED = [
  undefined,
  'ESTABLISHED',
  'SYN_SENT',
  'SYN_RECV',
  'FIN_WAIT1',
  'FIN_WAIT2',
  'TIME_WAIT',
  'CLOSE',
  'CLOSE_WAIT',
  'LAST_ACK',
  'LISTEN',
  'CLOSING',
] as const

export type TcpState = NonNullable<(typeof NUMBERED)[number]>
export const TCP_STATES: readonly TcpState[] = NUMBERED.filter((state) => state !== undefined)

/** undefined: not one that the kernel shows. */
export const tcpStateOf = (number: number): TcpState | undefined => NUMBERED[number]

/** `addr:port` of the local ends of all sockets. proc(5) /proc/net/tcp, /proc/net/udp */
export const inetNames = (protocol: 'tcp' | 'udp'): readonly string[] =>
  rows(`/proc/net/${protocol}`).map(([, local = '']) => inetName(local))

/** Whether a TCP socket whose local end is `addr:port` is in the state. */
export const tcpIs = (name: string, state: TcpState): boolean =>
  rows('/proc/net/tcp').some(
    ([, local = '', , number = '']) => inetName(local) === name && tcpStateOf(Number.parseInt(number, 16)) === state,
  )

/** The address is one word in the byte order of the machine, which is little-endian. */
export function inetName(hex: string): string {
  const [address = '', port = ''] = hex.split(':')
  const octets = address.match(/../g)?.reverse() ?? []
  return `${octets.map((octet) => Number.parseInt(octet, 16)).join('.')}:${Number.parseInt(port, 16)}`
}

/** The words of each line below the heading. */
const rows = (path: string): readonly (readonly string[])[] =>
  (read(path) ?? '')
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))

const read = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return undefined
  }
}

/** Only the state: what is asked often. */
export function stateOf(pid: number): string | undefined {
  const stat = read(`/proc/${pid}/stat`)
  return stat?.charAt(stat.lastIndexOf(')') + 2)
}

export function viewOf(pid: number): KernelView {
  const wchan = read(`/proc/${pid}/wchan`)
  const syscall = read(`/proc/${pid}/syscall`)
  const [, switches] = /^voluntary_ctxt_switches:\s*(\d+)/m.exec(read(`/proc/${pid}/status`) ?? '') ?? []
  return {
    state: stateOf(pid),
    wchan: wchan === '0' || wchan === '' ? undefined : wchan,
    syscall: syscall?.split(' ').slice(0, 4).join(' '),
    switches: switches === undefined ? undefined : Number(switches),
  }
}

/** Its effective user and group, as this process numbers them. */
export function ownersOf(pid: number): { readonly uid: number; readonly gid: number } {
  const status = read(`/proc/${pid}/status`) ?? ''
  const effective = (kind: string) => Number(new RegExp(`^${kind}:\\s+\\d+\\s+(\\d+)`, 'm').exec(status)?.[1])
  return { uid: effective('Uid'), gid: effective('Gid') }
}

/** Whether it has a file or an object of shared memory mapped whose path begins with `path`. */
export const mappedBy = (pid: number, path: string): boolean =>
  (read(`/proc/${pid}/maps`) ?? '').split('\n').some((line) => line.slice(line.indexOf('/')).startsWith(path))

export const describeView = (pid: number, { state, wchan, syscall, switches }: KernelView): string =>
  state === undefined
    ? `/proc/${pid} is gone`
    : [
        `/proc/${pid}/stat: ${state}`,
        wchan && `wchan: ${wchan}`,
        syscall && `syscall: ${syscall}`,
        switches !== undefined && `voluntary switches: ${switches}`,
      ]
        .filter(Boolean)
        .join(', ')

/** The numbers of its descriptors. */
export const descriptorsOf = (pid: number): readonly number[] => readdirSync(`/proc/${pid}/fd`).map(Number)

function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    )
  } catch {
    return [] // it has ended meanwhile
  }
}

/** The processes that it started, and theirs. */
export const descendantsOf = (pid: number): number[] => childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child)])

/** What it, and what it started, cost: tasks, and memory in KiB, where a page that several share counts in parts. */
export function costOf(pid: number): { readonly memory: number; readonly tasks: number } {
  const each = [pid, ...descendantsOf(pid)].map((one) => ({
    memory: Number(/^Pss:\s+(\d+)/m.exec(read(`/proc/${one}/smaps_rollup`) ?? '')?.[1] ?? 0),
    tasks: Number(/^Threads:\s+(\d+)/m.exec(read(`/proc/${one}/status`) ?? '')?.[1] ?? 0),
  }))
  return {
    memory: each.reduce((sum, { memory }) => sum + memory, 0),
    tasks: each.reduce((sum, { tasks }) => sum + tasks, 0),
  }
}

/** How many descriptors it may have open. getrlimit(2) RLIMIT_NOFILE */
export const descriptorLimit = (pid: number): number =>
  Number(/^Max open files\s+(\d+)/m.exec(read(`/proc/${pid}/limits`) ?? '')?.[1] ?? Number.POSITIVE_INFINITY)
