/**
 * Every name that this library makes is recorded while it stands, so that what a killed process left can
 * be removed, and nothing else.
 *
 * Each process (each environment) has one ledger file in a private run folder, held by an
 * open-file-description lock as long as its owner lives, however it ends. `sweep` takes the ledgers
 * whose lock it gets, and removes each object whose identity (inode, or id and creation time) is still
 * the recorded one.
 */
import { constants, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, unlinkSync, writeSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { threadId } from 'node:worker_threads'
import { native } from '../native/index.js'
import { check, IpcError } from './errors.js'

/** One kind of named object. An adapter that makes objects which are no files declares its own. */
export interface ObjectKind {
  readonly kind: string
  /** What tells this object from a later one of the same name; undefined where there is none. */
  identity(name: string): string | undefined
  /** Removes it. Throws nothing. */
  remove(name: string): void
  /** Whether a living process still needs it, so that it is left for a later sweep. */
  needed?(name: string): boolean
}

const kinds = new Map<string, ObjectKind>()

/** Declares a kind, so that `sweep` can remove what it finds of it. */
export function defineKind<K extends ObjectKind>(kind: K): K {
  kinds.set(kind.kind, kind)
  return kind
}

/** FIFOs, sockets, mapped files, and what lives under /dev/shm. */
export const fileKind = defineKind({
  kind: 'file',
  identity(path) {
    const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false })
    return stat === undefined ? undefined : `${stat.dev}:${stat.ino}:${stat.birthtimeNs}`
  },
  remove(path) {
    try {
      unlinkSync(path)
    } catch {
      // gone, or no longer ours to remove
    }
  },
})

/** A folder with all that is in it. Where a run folder is in it, what killed processes left there goes first. */
export const folderKind = defineKind({
  kind: 'folder',
  identity: fileKind.identity,
  needed(path) {
    const inner = join(path, FOLDER)
    if (!existsSync(inner)) return false
    sweepFolder(inner)
    return readdirSync(inner).some(isLedger)
  },
  remove(path) {
    try {
      rmSync(path, { recursive: true, force: true })
    } catch {
      // no longer ours to remove
    }
  },
})

const FOLDER = 'ipc-playground'

/** The private folder of this user's ledgers and temporary names: 0700, owned by this user, no symlink. */
export function runFolder(): string {
  const base = process.env.XDG_RUNTIME_DIR
  const uid = process.geteuid?.() ?? userInfo().uid
  const folder = base !== undefined && base !== '' && existsSync(base) ? join(base, FOLDER) : join(tmpdir(), `${FOLDER}-${uid}`)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const stat = lstatSync(folder)
  if (!stat.isDirectory() || stat.uid !== uid || (stat.mode & 0o077) !== 0)
    throw new IpcError(
      'ERR_IPC_PERMISSION',
      `the run folder ${folder} must be a folder of yours with mode 0700; remove it or set XDG_RUNTIME_DIR`,
    )
  return folder
}

interface Line {
  op: 'make' | 'drop'
  id: number
  kind: string
  name: string
  identity: string
}

let ledger: { fd: number; path: string } | undefined
let nextId = 0
const standing = new Map<number, { kind: ObjectKind; name: string; identity: string }>()

/** An object that stands, and is ours to remove. */
export interface Tracked {
  readonly name: string
  /** Removes the object if it is still the one that was made, and its record. Idempotent. */
  remove(): void
  /** Somebody else removed it, or it shall stay: drops the record alone. */
  forget(): void
}

/** Records an object that was just made under `name`. */
export function track(kind: ObjectKind, name: string): Tracked {
  const identity = kind.identity(name) ?? ''
  const id = nextId++
  write({ op: 'make', id, kind: kind.kind, name, identity })
  standing.set(id, { kind, name, identity })
  let over = false
  const drop = (remove: boolean) => {
    if (over) return
    over = true
    standing.delete(id)
    if (remove) removeIfSame(kind, name, identity)
    write({ op: 'drop', id, kind: kind.kind, name, identity })
  }
  return { name, remove: () => drop(true), forget: () => drop(false) }
}

function removeIfSame(kind: ObjectKind, name: string, identity: string): boolean {
  if (identity === '' || kind.identity(name) !== identity) return false
  kind.remove(name)
  return true
}

function write(line: Line): void {
  if (ledger === undefined) {
    if (line.op === 'drop') return
    openLedger()
  }
  if (ledger !== undefined) writeSync(ledger.fd, `${JSON.stringify(line)}\n`)
}

function openLedger(): void {
  sweep()
  if (native.fdOpen === undefined) return // without the addon nothing can be locked, so nothing is recorded
  const folder = runFolder()
  for (;;) {
    const path = join(folder, `${process.pid}-${threadId}-${process.hrtime.bigint().toString(36)}.ledger`)
    const fd = check(
      native.fdOpen(`${path}.new`, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600),
      'open',
    )
    // Only a locked file gets the name of a ledger: a sweep never takes one that is just being made.
    try {
      check(native.fdTryLock(fd), 'fcntl')
      renameSync(`${path}.new`, path)
    } catch {
      native.fdClose(fd) // a sweep was faster and took it for abandoned
      continue
    }
    ledger = { fd, path }
    process.on('exit', atExit)
    return
  }
}

function atExit(): void {
  for (const { kind, name, identity } of standing.values()) removeIfSame(kind, name, identity)
  standing.clear()
  if (ledger === undefined) return
  fileKind.remove(ledger.path)
  native.fdClose(ledger.fd)
  ledger = undefined
}

/** What `sweep` removed. */
export interface Swept {
  readonly kind: string
  readonly name: string
}

/** Removes what processes that no longer live have left. Needs the addon; never removes what a living process holds. */
export const sweep = (): Swept[] => (native.fdOpen === undefined ? [] : sweepFolder(runFolder()))

/** Whether this entry of a run folder is the record of a process, which lives or was not swept yet. */
export const isLedger = (entry: string): boolean => entry.endsWith('.ledger') || entry.endsWith('.ledger.new')

function sweepFolder(folder: string): Swept[] {
  const removed: Swept[] = []
  for (const entry of readdirSync(folder)) {
    if (!isLedger(entry)) continue
    const path = join(folder, entry)
    if (path === ledger?.path) continue
    const fd = native.fdOpen(path, constants.O_RDWR | constants.O_NOFOLLOW, 0)
    if (fd < 0) continue
    try {
      if (native.fdTryLock(fd) !== 0) continue
      const lines = standingIn(readFileSync(path, 'utf8'))
      if (lines.some((line) => !kinds.has(line.kind))) continue // of an adapter that is not loaded here
      if (
        lines.some(({ kind, name, identity }) => kinds.get(kind)?.identity(name) === identity && kinds.get(kind)?.needed?.(name) === true)
      )
        continue
      for (const line of lines) {
        const kind = kinds.get(line.kind)
        if (kind !== undefined && removeIfSame(kind, line.name, line.identity)) removed.push({ kind: line.kind, name: line.name })
      }
      fileKind.remove(path)
    } finally {
      native.fdClose(fd)
    }
  }
  return removed
}

function standingIn(text: string): Line[] {
  const lines = new Map<number, Line>()
  for (const row of text.split('\n')) {
    let line: Line
    try {
      line = JSON.parse(row)
    } catch {
      continue // the last line of a process killed while writing it
    }
    if (line.op === 'make') lines.set(line.id, line)
    else lines.delete(line.id)
  }
  return [...lines.values()]
}
