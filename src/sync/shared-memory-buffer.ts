/**
 * Memory that processes share by name, as itself. shm_overview(7), futex(2)
 *
 * The object is a page of header, then the user's bytes. The header, in the machine's byte order: magic
 * 0x4d435049 ("IPCM" as bytes on a little-endian machine) at 0, version 1 at 4, the user's bytes as a
 * 64-bit integer at 8 (low word first), the bytes of the layout tag at 16, ready (1, stored last) at 20, the tag at 64 as
 * UTF-8, at most 256 bytes. With `layout: false` there is no header and the object is the user's bytes.
 */
import { type BigIntStats, constants, fchmodSync, fstatSync, lstatSync, unlinkSync } from 'node:fs'
import { constants as os } from 'node:os'
import { checkName } from '../core/address.js'
import type { CallOptions, Create, Timeout } from '../core/channel.js'
import { checkCreate } from '../core/create.js'
import { check, checkThread, type ErrorContext, fromNodeError, IpcError, systemError, unavailable } from '../core/errors.js'
import { fileKind, trackNew } from '../core/janitor.js'
import { checkMode } from '../core/rendezvous.js'
import { untilReady } from '../core/until-ready.js'
import { checkOptions, checkTimeout, timeoutError, withSignal } from '../core/wait.js'
import { addonError } from '../native/index.js'
import { EVERYBODY, Mapping, native } from '../native/memory.js'
import { Waiter } from '../native/waiter.js'

const MAGIC = 0x4d435049
const VERSION = 1
const HEADER_BYTES = 4096
const TAG_OFFSET = 64
const MAX_TAG_BYTES = 256
const NAME_MAX = 255
const word = { magic: 0, version: 1, bytesLow: 2, bytesHigh: 3, tagBytes: 4, ready: 5 }
const READY_OFFSET = 4 * word.ready
const { O_RDWR, O_CREAT, O_EXCL } = constants
const { EAGAIN, ETIMEDOUT, EEXIST, ENOENT } = os.errno

export interface SharedMemoryOptions extends CallOptions {
  /** Default `'never'`: use what is there. */
  create?: Create
  /** The user's bytes. Needed to create; where given, what is there must have as many. */
  bytes?: number
  /** Names what the bytes mean, for instance `'frames@2'`; all who open must agree. `false`: no header, for programs that know none. */
  layout?: string | false
  /** Permissions where this call creates. Default 0o600. */
  mode?: number
}

/** What another thread or process needs to open the same memory and no later one of its name: structured-clonable, JSON. */
export interface SharedMemoryToken {
  readonly name: string
  readonly identity: string
}

/** Memory shared with other processes. Close it; until then it stays mapped. Its name stays until `unlink`. */
export interface SharedMemoryBuffer extends Disposable {
  /**
   * The user's bytes. Detached (length 0) after `close`. Words change atomically through `Atomics` on an Int32Array over it.
   * @throws ERR_IPC_UNAVAILABLE where `zeroCopy` is false
   */
  readonly buffer: ArrayBuffer
  /**
   * False where the embedder forbids memory that is not V8's own, as Electron does. There is no `buffer` then, since a
   * copy would be shared with nobody; everything else works: `read`, `write` and `compareExchange`, waiting, locks.
   */
  readonly zeroCopy: boolean
  /** This call made it, zeroed. */
  readonly created: boolean
  readonly token: SharedMemoryToken
  /** Fills `target` with a copy of the user's bytes from `offset` on. @throws RangeError where there are fewer */
  read(offset: number, target: Uint8Array): void
  /** Copies `source` to `offset` of the user's bytes. @throws RangeError where it does not fit */
  write(offset: number, source: Uint8Array): void
  /** Atomically: what this 32-bit word was, as a signed number. Where that is `expected`, it is `replacement` from now on. */
  compareExchange(word: number, expected: number, replacement: number): number
  /**
   * Sleeps until a `notify` on this 32-bit word, unless its value is not `expected`. `'ok'` may come for
   * nothing: look at the word again. `Atomics.wait` does not reach other processes; this does.
   * @throws ERR_IPC_TIMEOUT, ERR_IPC_CLOSED, ERR_IPC_LIMIT where there can be no thread to wait with, ERR_IPC_PROTOCOL where
   *         the memory was truncated
   */
  wait(word: number, expected: number, options?: CallOptions): Promise<'ok' | 'not-equal'>
  /** As `wait`, blocking the thread. */
  waitSync(word: number, expected: number, options?: Timeout): 'ok' | 'not-equal'
  /** Wakes at most `count` of those who wait on this word, in any process: how many. Default all. */
  notify(word: number, count?: number): number
  /** Removes the name, if it still is this object's; the memory lives until the last has closed. */
  unlink(): void
  /** Detaches the buffer and unmaps. Waiting calls reject with ERR_IPC_CLOSED, mutexes in it close. Idempotent. */
  close(): void
}

/**
 * Opens or creates shared memory by name (one name without a further slash, at most 255 bytes), or opens what a token is of.
 *
 * Who finds memory that its creator has not finished waits for it. All of it is reserved when created.
 *
 * @throws ERR_IPC_EXISTS, ERR_IPC_NOT_FOUND (by `create`, or where the memory of a token has no name any more),
 *         ERR_IPC_VERSION where size or layout differ, ERR_IPC_LIMIT where there is no room, ERR_IPC_PERMISSION,
 *         ERR_IPC_TIMEOUT, ERR_IPC_UNAVAILABLE; TypeError or RangeError on bad arguments
 */
export async function openSharedMemory(where: string | SharedMemoryToken, options: SharedMemoryOptions = {}): Promise<SharedMemoryBuffer> {
  const { name, identity } = typeof where === 'object' && where !== null ? where : { name: where, identity: undefined }
  const bare = checkName(name, NAME_MAX)
  const { create = 'never', bytes, layout = '' } = options
  checkCreate(create)
  if (identity !== undefined && create !== 'never') throw new TypeError("a token is of memory that is there: create is 'never'")
  if (bytes === undefined ? create !== 'never' : !Number.isSafeInteger(bytes) || bytes < 1)
    throw new RangeError(`bytes must be an integer >= 1 where memory may be created, not ${bytes}`)
  const tag = layout === false ? undefined : new TextEncoder().encode(layout)
  if (tag !== undefined && tag.length > MAX_TAG_BYTES) throw new RangeError(`layout has ${tag.length} bytes; at most ${MAX_TAG_BYTES} fit`)
  const mode = checkMode(options.mode)
  const errors: ErrorContext = { address: `/dev/shm/${bare}` }
  if (addonError !== undefined) throw unavailable(addonError, errors)

  return untilReady(options, errors, () => attempt({ name: bare, identity, create, bytes, tag, mode, errors }))
}

interface Wanted {
  readonly name: string
  readonly identity: string | undefined
  readonly create: Create
  readonly bytes: number | undefined
  readonly tag: Uint8Array | undefined
  readonly mode: number
  readonly errors: ErrorContext
}

/** undefined where it is there but not ready. */
function attempt(wanted: Wanted): SharedMemory | undefined {
  const { name, identity, create, bytes, mode, errors } = wanted
  if (create !== 'never' && bytes !== undefined) {
    // Recorded only until it is ready: from then on its name is the user's to keep.
    const { result, tracked } = trackNew(fileKind, `/dev/shm/${name}`, () => native.memoryOpenNamed(name, O_RDWR | O_CREAT | O_EXCL, mode))
    if (tracked !== undefined)
      try {
        const memory = made(result, bytes, wanted)
        tracked.forget()
        return memory
      } catch (error) {
        tracked.remove()
        throw error
      } finally {
        native.fdClose(result)
      }
    if (create === 'exclusive' || result !== -EEXIST) throw systemError(result, 'shm_open', errors)
  }
  const fd = native.memoryOpenNamed(name, O_RDWR, 0)
  if (fd === -ENOENT && create === 'if-missing') return undefined
  if (identity !== undefined && fd === -ENOENT) throw gone(errors)
  check(fd, 'shm_open', errors, fd === -ENOENT ? "there is no such memory; make it with create: 'if-missing'" : undefined)
  try {
    if (identity !== undefined && identityOf(fd) !== identity) throw gone(errors)
    return found(fd, wanted)
  } finally {
    native.fdClose(fd)
  }
}

const gone = (errors: ErrorContext) =>
  new IpcError('ERR_IPC_NOT_FOUND', 'the memory of this token was unlinked; ask for the token of what has taken its place', errors)

function made(fd: number, bytes: number, { name, tag, mode, errors }: Wanted): SharedMemory {
  fchmodSync(fd, mode)
  const header = tag === undefined ? 0 : HEADER_BYTES
  check(native.memoryReserve(fd, header + bytes), 'posix_fallocate', errors)
  const mapping = Mapping.ofFile(fd, header + bytes, errors)
  if (tag !== undefined) {
    const page = new Uint8Array(TAG_OFFSET + tag.length)
    const words = new Int32Array(page.buffer, 0, TAG_OFFSET / 4)
    words[word.magic] = MAGIC
    words[word.version] = VERSION
    words[word.bytesLow] = (bytes % 2 ** 32) | 0
    words[word.bytesHigh] = Math.floor(bytes / 2 ** 32)
    words[word.tagBytes] = tag.length
    page.set(tag, TAG_OFFSET)
    mapping.write(0, page)
    mapping.compareExchange(READY_OFFSET, 0, 1)
  }
  return new SharedMemory(mapping, header, bytes, true, { name, identity: identityOf(fd) }, errors)
}

function found(fd: number, { name, bytes, tag, errors }: Wanted): SharedMemory | undefined {
  const { size } = fstatSync(fd)
  if (size === 0) return undefined
  const differs = (what: string) => new IpcError('ERR_IPC_VERSION', what, errors)
  const ofSize = (has: number) => {
    if (bytes !== undefined && bytes !== has)
      throw differs(`it has ${has} bytes, not ${bytes}; leave bytes out to take it as it is, or unlink it to make it anew`)
  }
  const token = { name, identity: identityOf(fd) }
  if (tag === undefined) {
    ofSize(size)
    return new SharedMemory(Mapping.ofFile(fd, size, errors), 0, size, false, token, errors)
  }
  if (size <= HEADER_BYTES) throw differs(`it has ${size} bytes, which is no room for a header; layout: false opens it raw`)
  const mapping = Mapping.ofFile(fd, size, errors)
  try {
    if (mapping.compareExchange(READY_OFFSET, 0, 0) === 0) {
      mapping.close()
      return undefined
    }
    const page = new Uint8Array(TAG_OFFSET + MAX_TAG_BYTES)
    mapping.read(0, page, page.length)
    const words = new Int32Array(page.buffer, 0, TAG_OFFSET / 4)
    if (words[word.magic] !== MAGIC) throw differs('it was not made by openSharedMemory; layout: false opens it raw')
    if (words[word.version] !== VERSION)
      throw differs(`its header is of version ${words[word.version]}, not ${VERSION}; use the same version of this library`)
    const told = ((words[word.bytesLow] as number) >>> 0) + (words[word.bytesHigh] as number) * 2 ** 32
    if (told !== size - HEADER_BYTES) throw differs(`its header tells ${told} bytes, the object has ${size - HEADER_BYTES}`)
    ofSize(told)
    const length = Math.min(Math.max(words[word.tagBytes] as number, 0), MAX_TAG_BYTES)
    const theirs = new TextDecoder().decode(page.subarray(TAG_OFFSET, TAG_OFFSET + length))
    const ours = new TextDecoder().decode(tag)
    if (theirs !== ours) throw differs(`its layout is '${theirs}', not '${ours}'`)
    return new SharedMemory(mapping, HEADER_BYTES, told, false, token, errors)
  } catch (error) {
    mapping.close()
    throw error
  }
}

const identityOf = (fd: number): string => identityIn(fstatSync(fd, { bigint: true }))
const identityIn = ({ dev, ino }: BigIntStats): string => `${dev}:${ino}`

/** A waiting thread, and what to do when its wait has ended. */
interface Sleeper {
  readonly waiter: Waiter
  done: (result: number) => void
}

export class SharedMemory implements SharedMemoryBuffer {
  readonly created: boolean
  readonly token: SharedMemoryToken
  readonly #buffer: ArrayBuffer | undefined
  readonly #mapping: Mapping
  readonly #offset: number
  readonly #bytes: number
  readonly #errors: ErrorContext
  readonly #idle: Sleeper[] = []
  readonly #asleep = new Set<Sleeper>()
  readonly #closing = new Set<() => void>()
  #closed = false

  /** Closes the mapping where it throws. */
  constructor(mapping: Mapping, offset: number, bytes: number, created: boolean, token: SharedMemoryToken, errors: ErrorContext) {
    this.#mapping = mapping
    this.#offset = offset
    this.#bytes = bytes
    this.#errors = errors
    this.created = created
    this.token = Object.freeze(token)
    this.#buffer = mapping.view(offset, bytes)
  }

  get zeroCopy(): boolean {
    return this.#buffer !== undefined
  }

  get buffer(): ArrayBuffer {
    if (this.#buffer !== undefined) return this.#buffer
    throw unavailable(
      'this embedder of Node forbids external buffers (V8 memory cage), so there is no view of shared memory; use read, write and compareExchange',
      this.#errors,
    )
  }

  /** Where a word lies. @throws RangeError where there is none, ERR_IPC_CLOSED, ERR_IPC_PROTOCOL where the memory was truncated */
  locate(index: number): { readonly mapping: number; readonly offset: number } {
    return { mapping: this.#mapping.handle, offset: this.#word(index) }
  }

  /** `dependent` is called when the memory closes, before it is unmapped, unless what is answered was called. */
  onClose(dependent: () => void): () => void {
    this.#closing.add(dependent)
    return () => this.#closing.delete(dependent)
  }

  #word(index: number): number {
    const words = Math.floor(this.#bytes / 4)
    if (!Number.isInteger(index) || index < 0 || index >= words) throw new RangeError(`there are the words 0 to ${words - 1}, not ${index}`)
    return this.#usable(4 * index)
  }

  #part(offset: number, length: number): number {
    if (!Number.isInteger(offset) || offset < 0 || offset + length > this.#bytes)
      throw new RangeError(`there are ${this.#bytes} bytes, not ${length} from ${offset} on`)
    return this.#usable(offset)
  }

  /** The place in the mapping. */
  #usable(offset: number): number {
    if (this.#closed) throw this.#closedError()
    this.#refuseTruncated()
    return this.#offset + offset
  }

  #closedError(): IpcError {
    return new IpcError('ERR_IPC_CLOSED', 'the memory is closed', this.#errors)
  }

  #refuseTruncated(): void {
    if (this.#mapping.faulted) throw new IpcError('ERR_IPC_PROTOCOL', 'another process has truncated the memory', this.#errors)
  }

  read(offset: number, target: Uint8Array): void {
    this.#mapping.read(this.#part(offset, target.length), target, target.length)
    this.#refuseTruncated()
  }

  write(offset: number, source: Uint8Array): void {
    this.#mapping.write(this.#part(offset, source.length), source)
    this.#refuseTruncated()
  }

  compareExchange(index: number, expected: number, replacement: number): number {
    const found = this.#mapping.compareExchange(this.#word(index), expected | 0, replacement | 0)
    this.#refuseTruncated()
    return found
  }

  waitSync(index: number, expected: number, options: Timeout = {}): 'ok' | 'not-equal' {
    checkTimeout(options.timeout)
    const result = native.futexWait(this.#mapping.handle, this.#word(index), expected | 0, options.timeout ?? -1)
    if (result === -ETIMEDOUT) throw timeoutError(options.timeout ?? 0, this.#errors)
    return this.#outcome(result)
  }

  async wait(index: number, expected: number, options: CallOptions = {}): Promise<'ok' | 'not-equal'> {
    checkOptions(options)
    if (this.compareExchange(index, expected, expected) !== (expected | 0)) return 'not-equal'
    return withSignal(options, this.#errors, (signal) => this.#sleep(this.#word(index), expected | 0, signal))
  }

  #outcome(result: number): 'ok' | 'not-equal' {
    if (result === -EAGAIN) return 'not-equal'
    check(result, 'futex', this.#errors)
    return 'ok'
  }

  #sleep(at: number, expected: number, signal: AbortSignal): Promise<'ok' | 'not-equal'> {
    return new Promise((resolve, reject) => {
      const sleeper = this.#idle.pop() ?? this.#newSleeper()
      const aborted = () => {
        sleeper.waiter.stop()
        sleeper.done(sleeper.waiter.take())
      }
      sleeper.done = (result) => {
        signal.removeEventListener('abort', aborted)
        this.#asleep.delete(sleeper)
        this.#idle.push(sleeper)
        // Nothing was obtained where it was stopped before it was woken.
        if (result === -EAGAIN && signal.aborted) return reject(signal.reason)
        if (result === -EAGAIN && this.#closed) return reject(this.#closedError())
        try {
          resolve(this.#outcome(result))
        } catch (error) {
          reject(error)
        }
      }
      this.#asleep.add(sleeper)
      signal.addEventListener('abort', aborted, { once: true })
      native.futexWaiterAim(sleeper.waiter.handle, at, expected)
      const started = sleeper.waiter.start()
      if (started < 0) sleeper.done(started)
    })
  }

  #newSleeper(): Sleeper {
    const handle = checkThread(native.futexWaiterOpen(this.#mapping.handle), this.#errors)
    const ended = () => {
      const result = sleeper.waiter.take()
      if (!sleeper.waiter.busy) sleeper.done(result) // else it was told of the wait before this one
    }
    const sleeper: Sleeper = { waiter: new Waiter(handle, ended), done: () => {} }
    return sleeper
  }

  notify(index: number, count: number = EVERYBODY): number {
    if (!(count >= 0)) throw new RangeError(`count must be >= 0, not ${count}`)
    return check(native.futexWake(this.#mapping.handle, this.#word(index), Math.min(Math.floor(count), EVERYBODY)), 'futex', this.#errors)
  }

  unlink(): void {
    const path = `/dev/shm/${this.token.name}`
    const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false })
    if (stat === undefined || identityIn(stat) !== this.token.identity) return
    try {
      unlinkSync(path)
    } catch (error) {
      const known = fromNodeError(error, this.#errors)
      if (known.errno !== -ENOENT) throw known
    }
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    for (const dependent of [...this.#closing]) dependent()
    for (const sleeper of [...this.#asleep]) {
      sleeper.waiter.stop()
      sleeper.done(sleeper.waiter.take())
    }
    for (const sleeper of this.#idle.splice(0)) sleeper.waiter.close()
    this.#mapping.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
