/**
 * Memory that processes share by name, as itself. shm_overview(7), futex(2)
 *
 * The object is a page of header, then the user's bytes. The header, in the machine's byte order: magic
 * 0x4d435049 ("IPCM" as bytes on a little-endian machine) at 0, version 1 at 4, the user's bytes as a
 * 64-bit integer at 8 (low word first), the bytes of the layout tag at 16, ready (1, stored last) at 20, the tag at 64 as
 * UTF-8, at most 256 bytes. With `layout: false` there is no header and the object is the user's bytes.
 */
import { constants, fchmodSync, fstatSync, unlinkSync } from 'node:fs'
import { constants as os } from 'node:os'
import { checkName } from '../core/address.js'
import { type CallOptions, type Create, Result, type Timeout } from '../core/channel.js'
import { checkCreate } from '../core/create.js'
import { check, checkThread, type ErrorContext, IpcError, isIpcError, resultError, systemError, unavailable } from '../core/errors.js'
import { fileKind, track } from '../core/janitor.js'
import { checkMode } from '../core/rendezvous.js'
import { untilReady } from '../core/until-ready.js'
import { checkOptions, checkTimeout, timeoutError, withSignal } from '../core/wait.js'
import { DescriptorWatcher, EPOLLIN } from '../native/loop.js'
import { EVERYBODY, Mapping, memoryUnavailable, native } from '../native/memory.js'

const MAGIC = 0x4d435049
const VERSION = 1
const HEADER_BYTES = 4096
const TAG_OFFSET = 64
const MAX_TAG_BYTES = 256
const NAME_MAX = 255
const word = { magic: 0, version: 1, bytesLow: 2, bytesHigh: 3, tagBytes: 4, ready: 5 }
const { O_RDWR, O_CREAT, O_EXCL } = constants
const { EAGAIN, ETIMEDOUT, ECANCELED } = os.errno

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

/** Memory shared with other processes. Close it; until then it stays mapped. Its name stays until `unlink`. */
export interface SharedMemoryBuffer extends Disposable {
  /** The user's bytes. Detached (length 0) after `close`. Words change atomically through `Atomics` on an Int32Array over it. */
  readonly buffer: ArrayBuffer
  /** This call made it, zeroed. */
  readonly created: boolean
  /** What another thread or process needs to open the same: structured-clonable. */
  readonly token: { readonly name: string }
  /**
   * Sleeps until a `notify` on this 32-bit word, unless its value is not `expected`. `'ok'` may come for
   * nothing: look at the word again. `Atomics.wait` does not reach other processes; this does.
   * @throws ERR_IPC_TIMEOUT, ERR_IPC_CLOSED, ERR_IPC_PROTOCOL where the memory was truncated
   */
  wait(word: number, expected: number, options?: CallOptions): Promise<'ok' | 'not-equal'>
  /** As `wait`, blocking the thread. */
  waitSync(word: number, expected: number, options?: Timeout): 'ok' | 'not-equal'
  /** Wakes at most `count` of those who wait on this word, in any process: how many. Default all. */
  notify(word: number, count?: number): number
  /** Removes the name, if it still is this object's; the memory lives until the last has closed. */
  unlink(): void
  /** Detaches the buffer and unmaps. Waiting calls reject with ERR_IPC_CLOSED. Idempotent. */
  close(): void
}

/**
 * Opens or creates shared memory by name (one name without a further slash, at most 255 bytes).
 *
 * Who finds memory that its creator has not finished waits for it. All of it is reserved when created.
 *
 * @throws ERR_IPC_EXISTS, ERR_IPC_NOT_FOUND (by `create`), ERR_IPC_VERSION where size or layout differ,
 *         ERR_IPC_LIMIT where there is no room, ERR_IPC_PERMISSION, ERR_IPC_TIMEOUT, ERR_IPC_UNAVAILABLE
 */
export async function openSharedMemory(name: string, options: SharedMemoryOptions = {}): Promise<SharedMemoryBuffer> {
  const bare = checkName(name, NAME_MAX)
  const { create = 'never', bytes, layout = '' } = options
  checkCreate(create)
  if (bytes === undefined ? create !== 'never' : !Number.isSafeInteger(bytes) || bytes < 1)
    throw new RangeError(`bytes must be an integer >= 1 where memory may be created, not ${bytes}`)
  const tag = layout === false ? undefined : new TextEncoder().encode(layout)
  if (tag !== undefined && tag.length > MAX_TAG_BYTES) throw new RangeError(`layout has ${tag.length} bytes; at most ${MAX_TAG_BYTES} fit`)
  const mode = checkMode(options.mode)
  const errors: ErrorContext = { address: `/dev/shm/${bare}` }
  const reason = memoryUnavailable()
  if (reason !== undefined) throw unavailable(reason, errors)

  return untilReady(options, errors, () => attempt(bare, create, bytes, tag, mode, errors))
}

/** undefined where it is there but not ready. */
function attempt(
  name: string,
  create: Create,
  bytes: number | undefined,
  tag: Uint8Array | undefined,
  mode: number,
  errors: ErrorContext,
): SharedMemory | undefined {
  if (create !== 'never' && bytes !== undefined) {
    const fd = native.memoryOpenNamed(name, O_RDWR | O_CREAT | O_EXCL, mode)
    if (fd >= 0) return made(fd, name, bytes, tag, mode, errors)
    if (create === 'exclusive' || fd !== -os.errno.EEXIST) throw systemError(fd, 'shm_open', errors)
  }
  const fd = native.memoryOpenNamed(name, O_RDWR, 0)
  if (fd === -os.errno.ENOENT && create === 'if-missing') return undefined
  check(fd, 'shm_open', errors)
  try {
    return found(fd, name, bytes, tag, errors)
  } finally {
    native.fdClose(fd)
  }
}

function made(fd: number, name: string, bytes: number, tag: Uint8Array | undefined, mode: number, errors: ErrorContext): SharedMemory {
  // Recorded only until it is ready: from then on its name is the user's to keep.
  const tracked = track(fileKind, `/dev/shm/${name}`)
  try {
    fchmodSync(fd, mode)
    const header = tag === undefined ? 0 : HEADER_BYTES
    check(native.memoryReserve(fd, header + bytes), 'posix_fallocate', errors)
    const mapping = Mapping.ofFile(fd, header + bytes, errors)
    if (tag !== undefined) {
      const page = mapping.buffer(0, HEADER_BYTES)
      const words = new Int32Array(page)
      words[word.magic] = MAGIC
      words[word.version] = VERSION
      words[word.bytesLow] = (bytes % 2 ** 32) | 0
      words[word.bytesHigh] = Math.floor(bytes / 2 ** 32)
      words[word.tagBytes] = tag.length
      new Uint8Array(page).set(tag, TAG_OFFSET)
      Atomics.store(words, word.ready, 1)
    }
    const memory = new SharedMemory(mapping, header, bytes, true, name, identityOf(fd), errors)
    tracked.forget()
    return memory
  } catch (error) {
    tracked.remove()
    throw error
  } finally {
    native.fdClose(fd)
  }
}

function found(
  fd: number,
  name: string,
  bytes: number | undefined,
  tag: Uint8Array | undefined,
  errors: ErrorContext,
): SharedMemory | undefined {
  const { size } = fstatSync(fd)
  const differs = (what: string) => new IpcError('ERR_IPC_VERSION', what, errors)
  if (tag === undefined) {
    if (size === 0) return undefined
    if (bytes !== undefined && bytes !== size) throw differs(`it has ${size} bytes, not ${bytes}`)
    return new SharedMemory(Mapping.ofFile(fd, size, errors), 0, size, false, name, identityOf(fd), errors)
  }
  if (size === 0) return undefined
  if (size <= HEADER_BYTES) throw differs(`it has ${size} bytes, which is no room for a header; layout: false opens it raw`)
  const mapping = Mapping.ofFile(fd, size, errors)
  try {
    const page = mapping.buffer(0, HEADER_BYTES)
    const words = new Int32Array(page)
    if (Atomics.load(words, word.ready) === 0) {
      mapping.close()
      return undefined
    }
    if (words[word.magic] !== MAGIC || words[word.version] !== VERSION)
      throw differs('it was not made by openSharedMemory of this version; layout: false opens it raw')
    const told = ((words[word.bytesLow] as number) >>> 0) + (words[word.bytesHigh] as number) * 2 ** 32
    if (told !== size - HEADER_BYTES) throw differs(`its header tells ${told} bytes, the object has ${size - HEADER_BYTES}`)
    if (bytes !== undefined && bytes !== told) throw differs(`it has ${told} bytes, not ${bytes}`)
    const length = Math.min(Math.max(words[word.tagBytes] as number, 0), MAX_TAG_BYTES)
    const theirs = new TextDecoder().decode(new Uint8Array(page).slice(TAG_OFFSET, TAG_OFFSET + length))
    const ours = new TextDecoder().decode(tag)
    if (theirs !== ours) throw differs(`its layout is '${theirs}', not '${ours}'`)
    return new SharedMemory(mapping, HEADER_BYTES, told, false, name, identityOf(fd), errors)
  } catch (error) {
    mapping.close()
    throw error
  }
}

function identityOf(fd: number): string {
  const { dev, ino } = fstatSync(fd, { bigint: true })
  return `${dev}:${ino}`
}

/** A waiting thread that is free for the next wait. */
interface Sleeper {
  readonly waiter: number
  readonly watcher: DescriptorWatcher
  done: (result: number) => void
}

class SharedMemory implements SharedMemoryBuffer {
  readonly buffer: ArrayBuffer
  readonly created: boolean
  readonly token: { readonly name: string }
  readonly #mapping: Mapping
  readonly #offset: number
  readonly #words: number
  readonly #identity: string
  readonly #errors: ErrorContext
  readonly #fault: Int32Array
  readonly #idle: Sleeper[] = []
  readonly #asleep = new Set<Sleeper>()
  #closed = false

  constructor(mapping: Mapping, offset: number, bytes: number, created: boolean, name: string, identity: string, errors: ErrorContext) {
    this.#mapping = mapping
    this.#offset = offset
    this.#words = Math.floor(bytes / 4)
    this.#identity = identity
    this.#errors = errors
    this.created = created
    this.token = Object.freeze({ name })
    this.#fault = new Int32Array(mapping.buffer(mapping.faultOffset, 4))
    this.buffer = mapping.buffer(offset, bytes)
  }

  /** The byte offset of a word in the mapping. */
  #at(index: number): number {
    if (!Number.isInteger(index) || index < 0 || index >= this.#words)
      throw new RangeError(`there are the words 0 to ${this.#words - 1}, not ${index}`)
    if (this.#closed) throw resultError(Result.CLOSED, this.#errors)
    if (this.#fault[0] !== 0) throw new IpcError('ERR_IPC_PROTOCOL', 'another process has truncated the memory', this.#errors)
    return this.#offset + 4 * index
  }

  waitSync(index: number, expected: number, options: Timeout = {}): 'ok' | 'not-equal' {
    checkTimeout(options.timeout)
    const result = native.futexWait(this.#mapping.handle, this.#at(index), expected | 0, options.timeout ?? -1)
    if (result === -ETIMEDOUT) throw timeoutError(options.timeout ?? 0, this.#errors)
    return this.#outcome(result)
  }

  async wait(index: number, expected: number, options: CallOptions = {}): Promise<'ok' | 'not-equal'> {
    checkOptions(options)
    const at = this.#at(index)
    if (Atomics.load(new Int32Array(this.buffer, 4 * index, 1), 0) !== (expected | 0)) return 'not-equal'
    return withSignal(options, this.#errors, (signal) => this.#sleep(at, expected | 0, signal))
  }

  #outcome(result: number): 'ok' | 'not-equal' {
    if (result === -EAGAIN) return 'not-equal'
    check(result, 'futex', this.#errors)
    return 'ok'
  }

  #sleep(at: number, expected: number, signal: AbortSignal): Promise<'ok' | 'not-equal'> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(resultError(Result.CLOSED, this.#errors))
      const sleeper = this.#idle.pop() ?? this.#newSleeper()
      const aborted = () => native.waiterCancel(sleeper.waiter)
      sleeper.done = (result) => {
        signal.removeEventListener('abort', aborted)
        this.#asleep.delete(sleeper)
        if (!this.#closed) this.#idle.push(sleeper)
        if (result === -ECANCELED) return reject(this.#closed ? resultError(Result.CLOSED, this.#errors) : signal.reason)
        try {
          resolve(this.#outcome(result))
        } catch (error) {
          reject(error)
        }
      }
      this.#asleep.add(sleeper)
      signal.addEventListener('abort', aborted, { once: true })
      native.futexWaiterAim(sleeper.waiter, at, expected)
      native.waiterStart(sleeper.waiter)
      sleeper.watcher.want(EPOLLIN)
    })
  }

  #newSleeper(): Sleeper {
    const waiter = checkThread(native.futexWaiterOpen(this.#mapping.handle), this.#errors)
    const watcher = new DescriptorWatcher(native.waiterFd(waiter), () => sleeper.done(native.waiterTake(waiter)))
    const sleeper: Sleeper = { waiter, watcher, done: () => {} }
    return sleeper
  }

  notify(index: number, count: number = EVERYBODY): number {
    if (!(count >= 0)) throw new RangeError(`count must be >= 0, not ${count}`)
    return check(native.futexWake(this.#mapping.handle, this.#at(index), Math.min(Math.floor(count), EVERYBODY)), 'futex', this.#errors)
  }

  unlink(): void {
    const path = `/dev/shm/${this.token.name}`
    const stat = fileKind.identity(path)
    if (stat === undefined || !stat.startsWith(`${this.#identity}:`)) return
    try {
      unlinkSync(path)
    } catch (error) {
      if (!isIpcError(error) && (error as NodeJS.ErrnoException).code !== 'ENOENT')
        throw systemError((error as NodeJS.ErrnoException).errno ?? 0, 'shm_unlink', this.#errors)
    }
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    for (const sleeper of [...this.#asleep]) {
      native.waiterCancel(sleeper.waiter)
      sleeper.done(native.waiterTake(sleeper.waiter))
      this.#idle.push(sleeper)
    }
    for (const sleeper of this.#idle.splice(0)) {
      sleeper.watcher.close()
      native.waiterClose(sleeper.waiter)
    }
    this.#mapping.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
