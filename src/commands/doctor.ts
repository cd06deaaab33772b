import { existsSync, readdirSync, readFileSync, statfsSync } from 'node:fs'
import { release } from 'node:os'
import { runFolder } from '../core/janitor.js'
import { limitOf } from '../core/limits.js'
import { tryBackends } from '../lab/backends.js'
import { addonError } from '../native/index.js'
import { type Colours, coloursFor } from './colours.js'
import { allAdapters } from './names.js'
import { networkFacts } from './network-facts.js'
import { version } from './package-folder.js'

/** A fact about this machine, and what it bounds. */
export interface Fact {
  readonly name: string
  readonly value: string
  readonly note?: string
}

/** Tells; judges nothing: the exit status is 0. */
export async function doctor(options: { json?: boolean }): Promise<number> {
  const adapters = (await allAdapters()).map((adapter) => ({ adapter: adapter.id, unavailable: adapter.unavailable() }))
  const links = await tryBackends()
  const facts = [...software(), ...limits(), ...kernel(), ...networkFacts()]
  if (options.json === true) {
    console.log(JSON.stringify({ adapters, links, facts }, undefined, 2))
    return 0
  }
  const paint = coloursFor(process.stdout)
  const { bold, dim } = paint
  tellWhatRuns(
    'Adapters',
    adapters.map(({ adapter, unavailable }) => ({ name: adapter, unavailable })),
    paint,
  )
  tellWhatRuns(
    '\nLinks of the network lab, the best first',
    links.map(({ backend, unavailable }) => ({ name: backend, unavailable })),
    paint,
  )
  console.log(`\n${bold('This machine')}`)
  const names = Math.max(...facts.map(({ name }) => name.length))
  for (const { name, value, note } of facts) console.log(`  ${name.padEnd(names)}  ${value}${note === undefined ? '' : dim(`  ${note}`)}`)
  return 0
}

/** A line each: whether it runs, or what it lacks. */
function tellWhatRuns(
  title: string,
  rows: readonly { readonly name: string; readonly unavailable: string | undefined }[],
  { bold, green, yellow }: Colours,
): void {
  console.log(bold(title))
  const width = Math.max(...rows.map(({ name }) => name.length))
  for (const { name, unavailable } of rows)
    console.log(`  ${unavailable === undefined ? green('runs') : yellow('no  ')}  ${name.padEnd(width)}  ${unavailable ?? ''}`.trimEnd())
}

const software = (): Fact[] => [
  { name: 'ipc-playground', value: version },
  { name: 'Node.js', value: `${process.version} ${process.platform}-${process.arch}` },
  { name: 'kernel', value: release() },
  { name: 'native addon', value: addonError ?? 'loaded' },
  { name: 'run folder', value: folderState(), note: 'ledgers of living processes; `ipc-playground clean` removes the rest' },
]

function folderState(): string {
  try {
    const folder = runFolder()
    const entries = readdirSync(folder).length
    return `${folder} (${entries === 0 ? 'empty' : `${entries} ${entries === 1 ? 'entry' : 'entries'}`})`
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** The rows of /proc/self/limits that bound a mechanism. getrlimit(2) */
const LIMITS: readonly (readonly [row: string, name: string, note: string])[] = [
  ['Max open files', 'RLIMIT_NOFILE', 'descriptors of a process: pipes, FIFOs, sockets, queues'],
  ['Max pending signals', 'RLIMIT_SIGPENDING', 'queued real-time signals of a user; also timers and queue notifications'],
  ['Max msgqueue size', 'RLIMIT_MSGQUEUE', 'bytes in POSIX message queues of a user'],
  ['Max locked memory', 'RLIMIT_MEMLOCK', 'bytes'],
]

const limits = (): Fact[] =>
  LIMITS.flatMap(([row, name, note]) => {
    const limit = limitOf(row)
    if (limit === undefined) return []
    const [soft, hard] = [amount(limit.soft), amount(limit.hard)]
    return [{ name, value: soft === hard ? soft : `${soft} (hard ${hard})`, note }]
  })

const amount = (limit: number): string => (limit === Number.POSITIVE_INFINITY ? 'unlimited' : String(limit))

const SYSCTLS: readonly (readonly [path: string, note: string])[] = [
  ['fs/mqueue/queues_max', 'POSIX message queues'],
  ['fs/mqueue/msg_max', 'messages in one of them'],
  ['fs/mqueue/msgsize_max', 'bytes in one of their messages'],
  ['kernel/msgmni', 'System V message queues'],
  ['kernel/msgmax', 'bytes in one of their messages'],
  ['kernel/msgmnb', 'bytes in one of them'],
  ['kernel/sem', 'System V semaphores: per set, in all, operations per call, sets'],
  ['kernel/shmmni', 'System V segments'],
  ['fs/pipe-max-size', 'bytes of a pipe without privilege'],
  ['net/core/wmem_max', 'bytes of a socket buffer'],
]

function kernel(): Fact[] {
  const sysctls = SYSCTLS.flatMap(([path, note]) => {
    const value = read(`/proc/sys/${path}`)?.trim().replace(/\s+/g, ' ')
    return value === undefined ? [] : [{ name: path.replaceAll('/', '.'), value, note }]
  })
  return [
    ...sysctls,
    { name: '/dev/shm', value: shmState(), note: 'POSIX shared memory and named semaphores' },
    { name: '/dev/mqueue', value: existsSync('/dev/mqueue') ? 'there' : 'not mounted', note: 'only to look at queues; they work without' },
    { name: 'processors', value: allowed(), note: 'that this process may use; same-core and cross-core placements need one and two' },
    { name: 'user namespaces', value: namespaces(), note: 'for a census apart from other processes' },
  ]
}

function shmState(): string {
  try {
    const { bsize, blocks, bavail } = statfsSync('/dev/shm')
    const mib = (count: number) => Math.round((count * bsize) / 2 ** 20)
    return `${mib(bavail)} MiB free of ${mib(blocks)} MiB`
  } catch {
    return 'not mounted'
  }
}

const allowed = (): string => /^Cpus_allowed_list:\s*(.*)$/m.exec(read('/proc/self/status') ?? '')?.[1] ?? 'unknown'

function namespaces(): string {
  const most = Number(read('/proc/sys/user/max_user_namespaces') ?? 0)
  const closed =
    read('/proc/sys/kernel/unprivileged_userns_clone')?.trim() === '0' ||
    read('/proc/sys/kernel/apparmor_restrict_unprivileged_userns')?.trim() === '1'
  return most === 0 ? 'none' : closed ? 'for root' : 'for everybody'
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined // another kernel, or not for this user
  }
}
