/**
 * What of ours stands on this machine: named objects, folders, processes. As Vitest's global setup it
 * gives the run a folder of its own, for names and for temporary files, and fails the run if anything is left.
 */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { TestProject } from 'vitest/node'
import { folderKind, sweep, track } from '../src/core/janitor.js'
import { adapterById, adapterIds } from '../src/core/registry.js'
import '../src/sync/semaphore.js' // declares the kind of object that it makes

/** Something that stands: what it is, and what tells it from a later one of the same name. */
interface Standing {
  readonly what: string
  readonly identity: string
  /** Whether a living process has it, which will remove it. */
  held(): boolean
}

const uid = process.geteuid?.() ?? 0
// dist/test/ -> the package
const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

function tried<T>(read: () => T, otherwise: T): T {
  try {
    return read()
  } catch {
    return otherwise // it has gone meanwhile, or is not ours to read
  }
}
const pids = (): string[] => readdirSync('/proc').filter((name) => /^\d+$/.test(name))
/** A zombie has ended. */
const lives = (pid: string): boolean => /\) [^Z]/.test(tried(() => readFileSync(`/proc/${pid}/stat`, 'latin1'), ''))

/** Objects that are files, of this user. */
function files(folder: string): Standing[] {
  return tried(() => readdirSync(folder), []).flatMap((name) => {
    const path = join(folder, name)
    const stat = statSync(path, { bigint: true, throwIfNoEntry: false })
    if (stat === undefined || stat.uid !== BigInt(uid)) return []
    return [{ what: path, identity: `${stat.dev}:${stat.ino}:${stat.birthtimeNs}`, held: () => pids().some((pid) => holds(pid, path)) }]
  })
}

/** Open or mapped. An open queue is seen without its folder. */
function holds(pid: string, path: string): boolean {
  const names = [path, `/${basename(path)}`]
  const open = tried(() => readdirSync(`/proc/${pid}/fd`), []).map((fd) => tried(() => readlinkSync(`/proc/${pid}/fd/${fd}`), ''))
  return open.some((name) => names.includes(name)) || tried(() => readFileSync(`/proc/${pid}/maps`, 'utf8'), '').includes(` ${path}\n`)
}

/** System V objects, which this user made. sysvipc(7) */
function systemV(kind: string, idColumn: string): Standing[] {
  const [head = '', ...rows] = tried(() => readFileSync(`/proc/sysvipc/${kind}`, 'utf8').trim().split('\n'), [])
  const columns = head.trim().split(/\s+/)
  return rows.flatMap((row) => {
    const cells = row.trim().split(/\s+/)
    const of = (name: string) => cells[columns.indexOf(name)] ?? ''
    if (Number(of('cuid')) !== uid) return []
    const users = ['cpid', 'lpid', 'lspid', 'lrpid'].map(of)
    return [{ what: `System V ${kind} ${of('key')}`, identity: `${of(idColumn)}:${of('ctime')}`, held: () => users.some(lives) }]
  })
}

/** Names of sockets under `folder`, or in no folder. */
const sockets = (folder: string): Standing[] =>
  tried(() => readFileSync('/proc/net/unix', 'utf8').trim().split('\n'), []).flatMap((line) => {
    const [, , , , , , inode = '', path = ''] = line.trim().split(/\s+/)
    return path.startsWith(folder) ? [{ what: `socket ${path}`, identity: inode, held: () => false }] : []
  })

/** Processes whose program is this package's, other than those of Vitest. */
const processes = (): Standing[] =>
  pids().flatMap((pid) => {
    const command = tried(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0'), [])
    const ours = command.some((word) => word.startsWith(`${root}/dist/src/`) || word.startsWith(`${root}/dist/test/fixtures/`))
    return ours && Number(pid) !== process.pid && lives(pid)
      ? [{ what: `process ${pid}: ${command.join(' ')}`, identity: pid, held: () => false }]
      : []
  })

/** The run folders of who has `folder` as XDG_RUNTIME_DIR, and of who has it as TMPDIR alone. */
const runFolders = (folder: string): string[] => [join(folder, 'ipc-playground'), join(folder, `ipc-playground-${uid}`)]

/** Every object that could be ours, and all that is in `folder`. */
export function census(folder: string): Standing[] {
  return [
    ...files('/dev/shm'),
    ...files('/dev/mqueue'),
    ...systemV('shm', 'shmid'),
    ...systemV('msg', 'msqid'),
    ...systemV('sem', 'semid'),
    ...sockets(folder),
    ...files(folder),
    ...runFolders(folder).flatMap(files),
  ]
}

/** How long another program may have a new object in nobody's hands. */
const PATIENCE_MS = 5000
const LOOK_MS = 50

/**
 * What stands now, did not stand before, and is in nobody's hands. This user's other programs make such
 * objects too, and remove them or take them in their hands; what was left behind stays as it is.
 */
export async function left(before: readonly Standing[], look: () => readonly Standing[]): Promise<string[]> {
  const known = new Set(before.map(({ what, identity }) => `${what} ${identity}`))
  for (const begin = performance.now(); ; await sleep(LOOK_MS)) {
    const found = look().filter((thing) => !known.has(`${thing.what} ${thing.identity}`) && !thing.held())
    if (found.length === 0 || performance.now() - begin > PATIENCE_MS) return found.map(({ what }) => what)
  }
}

/**
 * The folder is recorded, so that `ipc-playground clean` removes it, and the objects of the tests with
 * it, after a run that was killed. Other users may pass through it: some tests are about them.
 */
function ownFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ipc-tests-'))
  track(folderKind, folder)
  chmodSync(folder, 0o755)
  process.env.XDG_RUNTIME_DIR = folder
  process.env.TMPDIR = folder
  return folder
}

export default function setup({ tmpDir }: TestProject): () => Promise<void> {
  if (!existsSync(tmpDir)) {
    mkdirSync(tmpDir)
    track(folderKind, tmpDir) // Vitest's own, where it puts the compiled tests
  }
  const folder = ownFolder()
  for (const runFolder of runFolders(folder)) mkdirSync(runFolder, { mode: 0o700 })
  const look = () => [...census(folder), ...processes()]
  const before = look()
  return async () => {
    // The tests kill owners of names, and end like that themselves: what they left is swept, by kinds that adapters define.
    for (const id of await adapterIds()) await adapterById(id)
    sweep()
    const remains = await left(before, look)
    if (remains.length === 0) return
    process.exitCode = 1
    throw new Error(`the tests left behind:\n  ${remains.join('\n  ')}`)
  }
}
