/** What the kernel shows of two processes at this moment. proc(5) */
import { closeSync, constants, openSync, readdirSync, readFileSync, readlinkSync, readSync, statSync } from 'node:fs'
import { native } from '../../src/native/index.js'
import type { View } from './narrator.js'

function attempt<T>(read: () => T, otherwise: T): T {
  try {
    return read()
  } catch {
    return otherwise // not here, not for this user, or gone meanwhile
  }
}

const linesOf = (path: string): string[] => attempt(() => readFileSync(path, 'utf8').trimEnd().split('\n'), [])

/** A descriptor and what it stands for: `pipe:[4711]`, a path. */
export interface Descriptor {
  readonly fd: number
  readonly target: string
}

export const descriptorsOf = (pid: number): Descriptor[] =>
  attempt(() => readdirSync(`/proc/${pid}/fd`), []).flatMap((fd) =>
    attempt(() => [{ fd: Number(fd), target: readlinkSync(`/proc/${pid}/fd/${fd}`) }], []),
  )

const arrow = ({ fd, target }: Descriptor): string => `${String(fd).padStart(3)} -> ${target}`

/** The fields of /proc/PID/status with these names. */
export const status = (pid: number, ...names: readonly string[]): View => ({
  command: `grep -E '${names.join('|')}' /proc/${pid}/status`,
  lines: linesOf(`/proc/${pid}/status`).filter((line) => names.some((name) => line.startsWith(`${name}:`))),
})

/** Signals that wait for one thread alone; those show in no other's status, nor in the process's ShdPnd. */
export const pending = (pid: number): View => ({
  command: `grep SigPnd /proc/${pid}/task/*/status`,
  lines: attempt(() => readdirSync(`/proc/${pid}/task`), []).flatMap((thread) =>
    linesOf(`/proc/${pid}/task/${thread}/status`)
      .filter((line) => line.startsWith('SigPnd:') && !/0{16}$/.test(line))
      .map((line) => `thread ${thread}  ${line}`),
  ),
})

/** `R` running, `S` sleeping, `T` stopped. */
export const stateOf = (pid: number): string => {
  const [stat = ''] = linesOf(`/proc/${pid}/stat`)
  return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3)
}

/** Where in the kernel each of the threads sleeps that matter here: the first, and those that wait for us. */
export const sleepers = (pid: number): View => ({
  command: `grep . /proc/${pid}/task/*/{comm,wchan}`,
  lines: attempt(() => readdirSync(`/proc/${pid}/task`), []).flatMap((thread) => {
    const [name = ''] = linesOf(`/proc/${pid}/task/${thread}/comm`)
    const [where = ''] = linesOf(`/proc/${pid}/task/${thread}/wchan`)
    return Number(thread) === pid || name.startsWith('ipc') ? [`${thread} ${name.padEnd(16)} ${where === '0' ? '(running)' : where}`] : []
  }),
})

interface Mapping {
  readonly inode: string
  readonly line: string
}

function sharedMappings(pid: number): Mapping[] {
  return linesOf(`/proc/${pid}/maps`).flatMap((line) => {
    const [range = '', mode = '', , device = '', inode = '', ...name] = line.split(/\s+/)
    return mode.endsWith('s') ? [{ inode: `${device}:${inode}`, line: `${range} ${mode} inode ${inode} ${name.join(' ')}`.trimEnd() }] : []
  })
}

/** The memory of `pid` that `other` has mapped too. */
export function mappings(pid: number, other: number): View {
  const theirs = new Set(sharedMappings(other).map(({ inode }) => inode))
  return {
    command: `grep -- '-*s ' /proc/${pid}/maps    # what ${other} has mapped too`,
    lines: sharedMappings(pid)
      .filter(({ inode }) => theirs.has(inode))
      .map(({ line }) => line),
  }
}

/** The tables that name objects of the whole machine. */
const TABLES = [
  '/proc/sysvipc/msg',
  '/proc/sysvipc/sem',
  '/proc/sysvipc/shm',
  '/proc/net/unix',
  '/proc/net/tcp',
  '/proc/net/udp',
  '/proc/net/igmp',
] as const
export type Table = (typeof TABLES)[number]

const FOLDERS = ['/dev/shm', '/dev/mqueue'] as const
export type Folder = (typeof FOLDERS)[number]

/** What is new on this machine since the story began. */
export class Changes {
  readonly #rows = new Map(TABLES.map((table) => [table, new Set(linesOf(table).map(identity))]))
  readonly #entries = new Map(FOLDERS.map((folder) => [folder, new Set(attempt(() => readdirSync(folder), []))]))
  readonly #descriptors = new Set(descriptorsOf(process.pid).map(({ target }) => target))

  /** The heading, and the rows that were not there, among them those that `wanted` takes. */
  rows(table: Table, wanted: (row: string) => boolean = () => true): View {
    const [heading = '', ...rows] = linesOf(table)
    const fresh = rows.filter((row) => this.#rows.get(table)?.has(identity(row)) !== true && wanted(row))
    return { command: `cat ${table}`, lines: fresh.length === 0 ? [] : [heading, ...fresh].map((line) => line.trimEnd()) }
  }

  files(folder: Folder): View {
    const names = attempt(() => readdirSync(folder), []).filter((name) => this.#entries.get(folder)?.has(name) !== true)
    return {
      command: `ls -l ${folder}`,
      lines: names.map((name) => {
        const size = attempt(() => statSync(`${folder}/${name}`).size, 0)
        return `${String(size).padStart(10)} ${name}`
      }),
    }
  }

  /** This process's new descriptors. */
  descriptors(): readonly Descriptor[] {
    return descriptorsOf(process.pid).filter(({ fd, target }) => fd > 2 && !this.#descriptors.has(target))
  }

  /** The objects that this process and `other` both have open: the descriptors of either. */
  shared(other: number): [View, View] {
    const ours = this.descriptors().filter(({ target }) => !target.startsWith('anon_inode:') && !target.startsWith('/dev/'))
    const theirs = descriptorsOf(other).filter(({ fd, target }) => fd > 2 && ours.some((own) => own.target === target))
    const common = ours.filter(({ target }) => theirs.some((their) => their.target === target))
    return [
      { command: `ls -l /proc/${process.pid}/fd    # what ${other} has open too`, lines: common.map(arrow) },
      { command: `ls -l /proc/${other}/fd    # what ${process.pid} has open too`, lines: theirs.map(arrow) },
    ]
  }

  /** Bytes that wait in this process's new pipes, FIFOs and sockets. FIONREAD */
  unread(): View {
    const waiting = this.descriptors().flatMap((descriptor) => {
      const bytes = /^(pipe|socket):|^\//.test(descriptor.target) ? native.fdAvailable(descriptor.fd) : 0
      return bytes > 0 ? [`${arrow(descriptor)}  ${bytes} bytes wait`] : []
    })
    return { command: `# ioctl(fd, FIONREAD) in ${process.pid}`, lines: waiting }
  }

  /** The depth of each POSIX queue that is open here: its descriptor reads as text. mq_overview(7) */
  queues(): View {
    const queues = this.descriptors().flatMap(({ fd, target }) => {
      const text = textOf(`/proc/${process.pid}/fd/${fd}`)
      return text.startsWith('QSIZE:') ? [`${String(fd).padStart(3)} -> ${target}  ${text.replace(/\s+/g, ' ').trim()}`] : []
    })
    return { command: `cat /proc/${process.pid}/fd/N    # of a queue: bytes in it`, lines: queues }
  }
}

function textOf(path: string): string {
  return attempt(() => {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const bytes = new Uint8Array(128)
      return new TextDecoder().decode(bytes.subarray(0, readSync(fd, bytes)))
    } finally {
      closeSync(fd)
    }
  }, '')
}

/** What tells a row from others, whatever happens to its counters: everything up to its first numbers that change. */
function identity(row: string): string {
  return row.trim().split(/\s+/).slice(0, 3).join(' ')
}
