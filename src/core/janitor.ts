/**
 * Every name that this library makes is recorded while it stands, so that what a killed process left can
 * be removed, and nothing else.
 *
 * Each process (each environment) has one ledger file in a private run folder, held by an
 * open-file-description lock as long as its owner lives, however it ends. `sweep` takes the ledgers
 * whose lock it gets, and removes each object whose identity (inode, or id and creation time) is still
 * the recorded one. What its owner was about to make when it was killed, which has no recorded identity,
 * is removed if it is new since, made at that moment, and in no living process's ledger.
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
  /** When it was made, in ms since 1970, to the second at least; undefined where there is none. */
  born(name: string): number | undefined
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
  born: (path) => lstatSync(path, { throwIfNoEntry: false })?.birthtimeMs,
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
  born: fileKind.born,
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
  /** `intend`: the identity is that of what stood under the name before. */
  op: 'intend' | 'make' | 'drop'
  id: number
  kind: string
  name: string
  identity: string
  /** With `intend`: ms since 1970. */
  at?: number
}

/** How long after it was announced an object may have been made; clocks of file systems and of System V are coarse. */
const MAKING_MS = 2000

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

/** Records an object that stands under `name` and is ours. Where a call makes it, `trackNew` is safer. */
export const track = (kind: ObjectKind, name: string): Tracked => record(nextId++, kind, name)

/** An object that is about to be made. */
export interface Intent {
  /** It was made. */
  made(): Tracked
  /** It was not. */
  dropped(): void
}

/** Records that this process is about to make an object under `name`: killed meanwhile, it leaves nothing. */
export function intend(kind: ObjectKind, name: string): Intent {
  const id = nextId++
  const line = { id, kind: kind.kind, name, identity: kind.identity(name) ?? '' }
  write({ op: 'intend', ...line, at: Date.now() })
  return { made: () => record(id, kind, name), dropped: () => write({ op: 'drop', ...line }) }
}

/**
 * Makes an object under `name`, so recorded that this process leaves nothing whenever it is killed. `make`
 * answers a number >= 0, or -errno where it made nothing; then nothing is tracked.
 */
export function trackNew(kind: ObjectKind, name: string, make: () => number): { result: number; tracked: Tracked | undefined } {
  const intent = intend(kind, name)
  let result = -1
  try {
    result = make()
  } finally {
    if (result < 0) intent.dropped()
  }
  return { result, tracked: result < 0 ? undefined : intent.made() }
}

function record(id: number, kind: ObjectKind, name: string): Tracked {
  const identity = kind.identity(name) ?? ''
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

function removeIfSame(kind: ObjectKind | undefined, name: string, identity: string): boolean {
  if (kind === undefined || identity === '' || kind.identity(name) !== identity) return false
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
  const announced: Line[] = []
  const claimed = new Set<string>()
  for (const entry of readdirSync(folder)) {
    if (!isLedger(entry)) continue
    const path = join(folder, entry)
    if (path === ledger?.path) {
      for (const line of linesOf(path)) claimed.add(keyOf(line))
      continue
    }
    const fd = native.fdOpen(path, constants.O_RDWR | constants.O_NOFOLLOW, 0)
    if (fd < 0) continue
    try {
      const lines = linesOf(path)
      if (native.fdTryLock(fd) !== 0) {
        for (const line of lines) claimed.add(keyOf(line))
        continue
      }
      if (lines.some((line) => !kinds.has(line.kind))) continue // of an adapter that is not loaded here
      if (lines.some(({ kind, name, identity }) => standsStill(kind, name, identity) && kinds.get(kind)?.needed?.(name) === true)) continue
      for (const line of lines) {
        if (line.op === 'intend') announced.push(line)
        else if (removeIfSame(kinds.get(line.kind), line.name, line.identity)) removed.push({ kind: line.kind, name: line.name })
      }
      fileKind.remove(path)
    } finally {
      native.fdClose(fd)
    }
  }
  // Last, for whoever lives may have made the same name since.
  for (const line of announced) if (!claimed.has(keyOf(line)) && removeAnnounced(line)) removed.push({ kind: line.kind, name: line.name })
  return removed
}

const keyOf = ({ kind, name }: Swept): string => JSON.stringify([kind, name])

const standsStill = (kind: string, name: string, identity: string): boolean => kinds.get(kind)?.identity(name) === identity

function removeAnnounced({ kind, name, identity, at = 0 }: Line): boolean {
  const known = kinds.get(kind)
  const now = known?.identity(name)
  if (known === undefined || now === undefined || now === identity) return false
  const born = known.born(name)
  if (born === undefined || Math.abs(born - at) > MAKING_MS) return false
  return removeIfSame(known, name, now)
}

/** The last state of each object in a ledger. */
function linesOf(path: string): Line[] {
  try {
    return standingIn(readFileSync(path, 'utf8'))
  } catch {
    return [] // its owner has just ended
  }
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
    if (line.op === 'drop') lines.delete(line.id)
    else lines.set(line.id, line)
  }
  return [...lines.values()]
}
