/**
 * How two processes meet in a segment that has a name. The listener makes the segment and marks it ready; the
 * connector takes it by compare-and-swap of the claim word, which wakes the listener; the listener removes
 * the name. Who comes second finds the claim taken (ERR_IPC_BUSY) or no name (ERR_IPC_NOT_FOUND).
 *
 * The peer is identified by the pid in the segment and its time of start, and its end told by a pidfd. It
 * is the mode of the name that keeps others out, not this.
 */
import { readFileSync, statSync } from 'node:fs'
import { constants } from 'node:os'
import type { Acceptor, ConnectContext, Endpoint, ListenContext } from '../../core/adapter.js'
import type { Credentials } from '../../core/channel.js'
import { check, checkThread, type ErrorContext, fromNodeError, IpcError, isIpcError, systemError } from '../../core/errors.js'
import { sweep } from '../../core/janitor.js'
import { DescriptorWatcher, EPOLLIN } from '../../native/loop.js'
import { EVERYBODY, type Mapping, native } from '../../native/memory.js'
import {
  HEADER_BYTES,
  LARGEST_RING,
  MAGIC,
  MAX_NAME_BYTES,
  NAME_OFFSET,
  SMALLEST_RING,
  segmentBytes,
  VERSION,
  word,
} from './ring-buffer.js'

const { ESRCH, EINVAL } = constants.errno
/** What pidfd_open(2) says where there is no such process, or where a hostile header holds no pid. */
const noProcess = (pidfd: number): boolean => pidfd === -ESRCH || pidfd === -EINVAL
const WITHDRAWN = -1

/** Where segments with names come from. */
export interface Place {
  /** Makes it exclusively, reserved and zeroed. */
  create(bytes: number, mode: number): { mapping: Mapping; remove(): void }
  /** Maps one that is there, whole, with its size. */
  open(): { mapping: Mapping; bytes: number }
}

/** What lies in the segment: `ring` is 0 where the layout has no rings. */
export interface Layout {
  readonly magic: number
  readonly ring: number
  readonly name: string
}

/** Makes an endpoint of a mapped segment. Owns it and the pidfd of the peer, or -1. */
export type Over = (mapping: Mapping, buffer: ArrayBuffer, ring: number, side: number, pidfd: number) => Endpoint

const totalOf = (ring: number): number => (ring === 0 ? HEADER_BYTES : segmentBytes(ring))

/** When a process started, in clock ticks since boot; undefined where there is none. proc_pid_stat(5) */
function startOf(pid: number, errors: ErrorContext): bigint | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return BigInt(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? 0)
  } catch (error) {
    const failure = fromNodeError(error, errors)
    if (failure.code === 'ERR_IPC_NOT_FOUND') return undefined
    throw failure
  }
}

function writeHeader(words: Int32Array, bytes: Uint8Array, layout: Layout, errors: ErrorContext): void {
  const name = new TextEncoder().encode(layout.name)
  words[word.magic] = layout.magic
  words[word.version] = VERSION
  words[word.ring] = layout.ring
  words[word.total] = totalOf(layout.ring)
  words[word.listener] = process.pid
  const start = startOf(process.pid, errors) ?? 0n
  words[word.startLow] = Number(BigInt.asIntN(32, start))
  words[word.startHigh] = Number(start >> 32n)
  words[word.nameBytes] = name.length
  bytes.set(name, NAME_OFFSET)
  Atomics.store(words, word.ready, 1)
}

const notFound = (why: string, errors: ErrorContext) => new IpcError('ERR_IPC_NOT_FOUND', why, errors)

/** The ring's bytes of a segment whose header holds. */
function readHeader(words: Int32Array, bytes: Uint8Array, size: number, layout: Omit<Layout, 'ring'>, errors: ErrorContext): number {
  if (size < HEADER_BYTES || Atomics.load(words, word.ready) === 0)
    throw notFound('the listener has not finished; try again, or pass waitForPeer: true', errors)
  const [magic, version, ring, total] = words.slice(0, 4) as unknown as [number, number, number, number]
  if (magic !== layout.magic || version !== VERSION)
    throw new IpcError('ERR_IPC_VERSION', `the segment has another layout (magic ${magic >>> 0}, version ${version})`, errors)
  const valid = magic === MAGIC ? ring >= SMALLEST_RING && ring <= LARGEST_RING && (ring & (ring - 1)) === 0 : ring === 0
  if (!valid || total !== totalOf(ring) || total > size)
    throw new IpcError('ERR_IPC_VERSION', `the segment's sizes do not fit (ring ${ring}, total ${total}, mapped ${size})`, errors)
  const nameBytes = words[word.nameBytes] as number
  const name = nameBytes >= 0 && nameBytes <= MAX_NAME_BYTES ? bytes.slice(NAME_OFFSET, NAME_OFFSET + nameBytes) : new Uint8Array()
  if (new TextDecoder().decode(name) !== layout.name)
    throw notFound('a segment of another name has the same key; choose another name', errors)
  return ring
}

/** A process that called itself `pid`; undefined where there is none. */
function credentialsOf(pid: number): Credentials | undefined {
  try {
    return { pid, uid: statSync(`/proc/${pid}`).uid }
  } catch {
    return undefined
  }
}

/** A mapped segment as seen from the process that made or opened it. */
class View {
  readonly mapping: Mapping
  readonly buffer: ArrayBuffer
  readonly words: Int32Array
  readonly bytes: Uint8Array

  constructor(mapping: Mapping) {
    this.mapping = mapping
    this.buffer = mapping.all()
    this.words = new Int32Array(this.buffer, 0, HEADER_BYTES / 4)
    this.bytes = new Uint8Array(this.buffer, 0, HEADER_BYTES)
  }

  endpoint(side: number, ring: number, pid: number, pidfd: number, over: Over): Endpoint {
    const endpoint = over(this.mapping, this.buffer, ring, side, pidfd)
    endpoint.onReady = () => {}
    ;(endpoint as { peer: Credentials | undefined }).peer = credentialsOf(pid)
    return endpoint
  }
}

/** Waits, with a thread, until a connector has claimed the segment. */
function claimed(view: View, errors: ErrorContext, then: (pid: number) => void): () => void {
  const waiter = checkThread(native.futexWaiterOpen(view.mapping.handle), errors)
  const start = () => {
    check(native.futexWaiterAim(waiter, 4 * word.claim, 0), 'futex', errors)
    check(native.waiterStart(waiter), 'futex', errors)
  }
  let over = false
  const stop = () => {
    if (over) return
    over = true
    watcher.close()
    native.waiterClose(waiter)
  }
  const watcher = new DescriptorWatcher(native.waiterFd(waiter), () => {
    native.waiterTake(waiter)
    const pid = Atomics.load(view.words, word.claim)
    if (pid === 0) return start()
    stop()
    then(pid)
  })
  try {
    check(watcher.want(EPOLLIN), 'epoll_ctl', errors)
    start()
  } catch (error) {
    stop()
    throw error
  }
  return stop
}

export function listenNamed(place: Place, layout: Layout, url: string, context: ListenContext, errors: ErrorContext, over: Over): Acceptor {
  let closed = false
  let withdraw = () => {}

  const open = () => {
    const { mapping, remove } = createSwept(place, totalOf(layout.ring), context.mode)
    const taken = (pid: number) => {
      remove()
      withdraw = () => {}
      const pidfd = native.pidfdOpen(pid)
      const endpoint = view.endpoint(0, layout.ring, pid, pidfd, over)
      if (pidfd >= 0 && context.allow(endpoint.peer)) {
        context.accept(endpoint)
        context.done()
        return
      }
      endpoint.close() // gone before it was met, or not allowed: the next one gets a segment of its own
      try {
        if (pidfd < 0 && !noProcess(pidfd)) throw systemError(pidfd, 'pidfd_open', errors)
        open()
      } catch (error) {
        context.done(fromNodeError(error, errors))
      }
    }
    let view: View
    let stop: () => void
    try {
      view = new View(mapping)
      writeHeader(view.words, view.bytes, layout, errors)
      stop = claimed(view, errors, taken)
    } catch (error) {
      remove()
      mapping.close()
      throw error
    }
    withdraw = () => {
      stop()
      remove()
      const pid = Atomics.compareExchange(view.words, word.claim, 0, WITHDRAWN)
      if (pid === 0) mapping.close()
      else view.endpoint(0, layout.ring, pid, -1, over).close() // it came at this very moment: it sees us leave
    }
  }

  open()
  return {
    address: url,
    // One peer: there is nothing to hold back.
    pause() {},
    resume() {},
    close() {
      if (closed) return
      closed = true
      withdraw()
    },
  }
}

/** A name that a killed process left is removed first. */
function createSwept(place: Place, bytes: number, mode: number) {
  try {
    return place.create(bytes, mode)
  } catch (error) {
    if (!isIpcError(error) || error.code !== 'ERR_IPC_EXISTS' || sweep().length === 0) throw error
    return place.create(bytes, mode)
  }
}

export async function connectNamed(
  place: Place,
  layout: Omit<Layout, 'ring'>,
  context: ConnectContext,
  errors: ErrorContext,
  over: Over,
): Promise<Endpoint> {
  context.signal.throwIfAborted()
  const { mapping, bytes } = place.open()
  let pidfd = -1
  try {
    if (bytes < HEADER_BYTES) throw notFound('the listener has not finished; try again, or pass waitForPeer: true', errors)
    const view = new View(mapping)
    const ring = readHeader(view.words, view.bytes, bytes, layout, errors)
    const listener = view.words[word.listener] as number
    pidfd = native.pidfdOpen(listener)
    const start = (BigInt(view.words[word.startHigh] as number) << 32n) | BigInt((view.words[word.startLow] as number) >>> 0)
    if (pidfd < 0 && !noProcess(pidfd)) throw systemError(pidfd, 'pidfd_open', errors)
    if (pidfd < 0 || startOf(listener, errors) !== start)
      throw notFound(`the process ${listener} that listened there has ended; \`ipc-playground clean\` removes what it left`, errors)
    const claim = Atomics.compareExchange(view.words, word.claim, 0, process.pid)
    if (claim === WITHDRAWN) throw notFound('the listener has closed', errors)
    if (claim !== 0) throw new IpcError('ERR_IPC_BUSY', `process ${claim} is the one peer of this listener`, errors)
    native.futexWake(mapping.handle, 4 * word.claim, EVERYBODY)
    return view.endpoint(1, ring, listener, pidfd, over)
  } catch (error) {
    if (pidfd >= 0) native.fdClose(pidfd)
    mapping.close()
    throw error
  }
}
