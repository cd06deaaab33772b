/**
 * Channels over two FIFOs, and the raw ends of one. fifo(7)
 *
 * A listener makes `path.1`, which it reads, and `path.0`, the gate; it is ready when it reads. A connector
 * opens both (which fails before that), takes the gate's name away (which only one can) and says hello
 * through `path.1`. From then on the FIFOs have no name. Every open is non-blocking: a blocking one would occupy a thread of Node's pool until the other
 * side comes. Nothing but these opens and the bytes themselves is needed from the kernel, so the same
 * rendezvous serves our addon and Node's own streams.
 */
import { randomBytes } from 'node:crypto'
import { constants as fs, fstatSync, lstatSync, unlinkSync } from 'node:fs'
import { constants } from 'node:os'
import { basename, join } from 'node:path'
import {
  type Acceptor,
  type Adapter,
  type ConnectContext,
  type Endpoint,
  type ListenContext,
  type OpenContext,
  READABLE,
} from '../../core/adapter.js'
import { checkPath, pathOf, pathUrl } from '../../core/address.js'
import { type AdapterId, type Adapters, type Capabilities, Result } from '../../core/channel.js'
import { check, type ErrorContext, fromNodeError, IpcError, systemError } from '../../core/errors.js'
import { fileKind, sweep, type Tracked, trackNew } from '../../core/janitor.js'

const { EEXIST, ELOOP, ENXIO, ENOENT } = constants.errno
const READ = fs.O_RDONLY | fs.O_NONBLOCK | fs.O_NOFOLLOW
const WRITE = fs.O_WRONLY | fs.O_NONBLOCK | fs.O_NOFOLLOW
/** PATH_MAX and NAME_MAX without the end mark, and without the suffix of a channel's two names. */
const MAX_PATH = 4095 - 2
const MAX_NAME = 255 - 2
const HELLO = new TextEncoder().encode('ipc1')
const FIRST_RETRY_MS = 1
const LONGEST_RETRY_MS = 50

type FifoId = Extract<AdapterId, `fifo/${string}`>

/** What an implementation supplies. Results are >= 0, or -errno. */
export interface FifoSystem {
  mkfifo(path: string, mode: number): number
  open(path: string, flags: number): number
  close(fd: number): void
  /** A stream over both directions; -1 for one that is not there. Owns the descriptors; calls `released` when closed. */
  endpoint(readFd: number, writeFd: number, context: ErrorContext, released?: () => void): Endpoint
  /** The raw reading end, which must not take the time before the first writer for the end. */
  receiver(readFd: number, context: ErrorContext, released: () => void): Endpoint
}

export const fifoCapabilities: Omit<Capabilities, 'sync'> = {
  framing: 'stream',
  payload: { min: 0, max: 2 ** 32 - 1 },
  native: 'simplex',
  order: 'fifo',
  whenFull: 'block',
  end: 'kernel',
  halfClose: true,
  rendezvous: 'name',
  peers: 'one',
  lifetime: 'process',
  asyncWait: 'poll',
  detectsPeerExit: true,
  crashSafe: true,
  zeroCopy: false,
  connects: true,
  opens: true,
  crossesHosts: false,
  priority: false,
}

/** Everything of a FIFO adapter but its name and facts. */
export function fifoMethods<Id extends FifoId>(id: Id, scheme: string, system: FifoSystem) {
  const url = (path: string) => pathUrl(scheme, checkFifoPath(path))
  const errorsOf = (path: string): ErrorContext => ({ adapter: id, address: url(path) })
  return {
    parse: (from: URL): Adapters[Id] => ({ path: pathOf(from) }),
    format: ({ path }: Adapters[Id]): string => url(path),
    temporary: (folder: string): Adapters[Id] => ({ path: join(folder, `${randomBytes(6).toString('hex')}.fifo`) }),
    listen: ({ path }: Adapters[Id], context: ListenContext) => listenAt(system, path, context, url(path), errorsOf(path)),
    connect: ({ path }: Adapters[Id], context: ConnectContext) => connectTo(system, path, context, errorsOf(path)),
    openReceiver: ({ path }: Adapters[Id], context: OpenContext) => openReceiver(system, path, context, errorsOf(path)),
    openSender: ({ path }: Adapters[Id], context: OpenContext) => openSender(system, path, context, errorsOf(path)),
  } satisfies Partial<Adapter<Id>>
}

function checkFifoPath(path: unknown): string {
  const checked = checkPath(path, MAX_PATH)
  const name = new TextEncoder().encode(basename(checked)).length
  if (name > MAX_NAME) throw new RangeError(`a name in a path has at most ${MAX_NAME} bytes here, not ${name}: ${checked}`)
  return checked
}

/** Makes a FIFO of ours. What a killed process left under this name is removed first. */
function make(system: FifoSystem, path: string, mode: number, errors: ErrorContext): Tracked {
  const tryIt = () => trackNew(fileKind, path, () => system.mkfifo(path, mode))
  let { result, tracked } = tryIt()
  if (result === -EEXIST && sweep().some(({ name }) => name === path)) ({ result, tracked } = tryIt())
  check(result, 'mkfifo', errors)
  return tracked as Tracked
}

/** Opens a FIFO and nothing else: no symlink's target, no regular file, no device. */
function openFifo(system: FifoSystem, path: string, flags: number, errors: ErrorContext): number {
  const noFifo = () => new IpcError('ERR_IPC_EXISTS', `${path} is no FIFO; choose another path`, errors)
  const stat = lstatSync(path, { throwIfNoEntry: false })
  if (stat !== undefined && !stat.isFIFO()) throw noFifo()
  const fd = system.open(path, flags)
  if (fd === -ELOOP) throw noFifo()
  if (fd >= 0 && !fstatSync(fd).isFIFO()) {
    system.close(fd)
    throw noFifo()
  }
  return fd
}

async function listenAt(
  system: FifoSystem,
  path: string,
  context: ListenContext,
  address: string,
  errors: ErrorContext,
): Promise<Acceptor> {
  const names: Tracked[] = []
  const fds: number[] = []
  const undo = () => {
    for (const name of names) name.remove()
    for (const fd of fds) system.close(fd)
  }
  const open = (name: string, flags: number) => {
    const fd = check(openFifo(system, name, flags, errors), 'open', errors)
    fds.push(fd)
    return fd
  }
  try {
    for (const name of [`${path}.1`, `${path}.0`]) names.push(make(system, name, context.mode, errors))
    // Ours until the hello: without a reader our own writing end could not be opened yet.
    open(`${path}.0`, READ)
    const writeFd = open(`${path}.0`, WRITE)
    // Last: a connector takes the gate only where it finds this reader.
    const readFd = open(`${path}.1`, READ)
    // Ours until the hello: a connector that goes before it has said hello must not look like an end.
    open(`${path}.1`, WRITE)
    const spare = fds.filter((fd) => fd !== readFd && fd !== writeFd)
    const endpoint = system.endpoint(readFd, writeFd, errors)
    fds.splice(0)
    let listening = true
    const stop = () => {
      if (!listening) return false
      listening = false
      for (const name of names) name.remove()
      for (const fd of spare) system.close(fd)
      endpoint.watch(0)
      return true
    }
    hear(endpoint, errors, (error) => {
      if (!stop()) return
      if (error === undefined && context.allow(undefined)) context.accept(endpoint)
      else endpoint.close()
      context.done(error)
    })
    return {
      address,
      pause() {},
      resume() {},
      close() {
        if (stop()) endpoint.close()
      },
    }
  } catch (error) {
    undo()
    throw error
  }
}

/** Reads the hello and nothing behind it. */
function hear(endpoint: Endpoint, errors: ErrorContext, heard: (error: IpcError | undefined) => void): void {
  const hello = new Uint8Array(HELLO.length)
  let have = 0
  endpoint.onReady = () => {
    while (have < hello.length) {
      const n = endpoint.tryReceiveInto(hello.subarray(have))
      if (n === Result.WOULD_BLOCK) return
      if (n < 0) return heard(endpoint.error ?? new IpcError('ERR_IPC_PEER_GONE', 'the FIFO ended before a peer came', errors))
      have += n
    }
    const known = HELLO.every((byte, i) => hello[i] === byte)
    heard(known ? undefined : new IpcError('ERR_IPC_PROTOCOL', 'what connected did not say hello; both sides must be this library', errors))
  }
  endpoint.watch(READABLE)
}

async function connectTo(system: FifoSystem, path: string, context: ConnectContext, errors: ErrorContext): Promise<Endpoint> {
  context.signal.throwIfAborted()
  const readFd = check(openFifo(system, `${path}.0`, READ, errors), 'open', errors)
  let writeFd = -1
  try {
    writeFd = check(openFifo(system, `${path}.1`, WRITE, errors), 'open', errors)
    claim(`${path}.0`, readFd, errors)
  } catch (error) {
    if (writeFd >= 0) system.close(writeFd)
    system.close(readFd)
    throw error
  }
  const endpoint = system.endpoint(readFd, writeFd, errors)
  // Fits an empty pipe whole.
  if (endpoint.trySend(HELLO, 0) === HELLO.length) return endpoint
  endpoint.close()
  throw endpoint.error ?? systemError(-ENXIO, 'write', errors)
}

/** Takes the gate's name away, if it is still the gate that was opened. Who succeeds is the peer. */
function claim(gate: string, fd: number, errors: ErrorContext): void {
  const ours = fstatSync(fd, { bigint: true })
  const there = lstatSync(gate, { bigint: true, throwIfNoEntry: false })
  if (there === undefined || there.ino !== ours.ino || there.dev !== ours.dev) throw systemError(-ENOENT, 'unlink', errors)
  try {
    unlinkSync(gate)
  } catch (error) {
    throw fromNodeError(error, errors)
  }
}

/** By `create`: the FIFO's record if this call made it and shall remove it, and whether it made it. */
function prepare(system: FifoSystem, path: string, context: OpenContext, errors: ErrorContext): { made: boolean; release: () => void } {
  if (context.create === 'never') return { made: false, release: () => {} }
  const { result, tracked } = trackNew(fileKind, path, () => system.mkfifo(path, context.mode))
  if (result === -EEXIST && context.create === 'if-missing') return { made: false, release: () => {} }
  check(result, 'mkfifo', errors)
  if (context.unlink === 'never') tracked?.forget()
  return { made: true, release: () => tracked?.remove() }
}

async function openReceiver(system: FifoSystem, path: string, context: OpenContext, errors: ErrorContext): Promise<Endpoint> {
  const { release } = prepare(system, path, context, errors)
  let readFd = -1
  try {
    readFd = check(openFifo(system, path, READ, errors), 'open', errors)
    if (context.endAfterLastWriter) return system.receiver(readFd, errors, release)
    // A writer of our own: there is always one, so there is no end.
    const holder = check(openFifo(system, path, WRITE, errors), 'open', errors)
    return system.receiver(readFd, errors, () => {
      system.close(holder)
      release()
    })
  } catch (error) {
    if (readFd >= 0) system.close(readFd)
    release()
    throw error
  }
}

/**
 * A FIFO that nobody reads cannot be opened for writing: ERR_IPC_NOT_FOUND. Who has just made it waits
 * for its first reader.
 */
async function openSender(system: FifoSystem, path: string, context: OpenContext, errors: ErrorContext): Promise<Endpoint> {
  const { made, release } = prepare(system, path, context, errors)
  try {
    for (let delay = FIRST_RETRY_MS; ; delay = Math.min(2 * delay, LONGEST_RETRY_MS)) {
      context.signal.throwIfAborted()
      const fd = openFifo(system, path, WRITE, errors)
      if (fd >= 0) return system.endpoint(-1, fd, errors, release)
      if (fd !== -ENXIO || !made)
        throw systemError(
          fd,
          'open',
          errors,
          fd === -ENXIO ? 'no process has the FIFO open for reading; start the reader first' : undefined,
        )
      // Nothing announces a reader.
      await new Promise((resolve) => setTimeout(resolve, delay))
    }
  } catch (error) {
    release()
    throw error
  }
}
