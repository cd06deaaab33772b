/** FIFOs without our addon: the npm package `mkfifo` makes them, Node's own streams move the bytes. */
import { chmodSync, closeSync, openSync, unlinkSync } from 'node:fs'
import { Socket } from 'node:net'
import { constants } from 'node:os'
import { defineAdapter } from '../../core/adapter.js'
import { type ErrorContext, fromNodeError } from '../../core/errors.js'
import { NodeStreamEndpoint } from '../../core/node-stream-endpoint.js'
import { errnoOfText } from '../../core/strerror.js'
import { require } from '../../native/require.js'
import { fifoCapabilities, fifoMethods } from './rendezvous.js'

declare module '../../core/channel.js' {
  interface Adapters {
    /** As `fifo/native`. Needs the npm package `mkfifo`. */
    'fifo/mkfifo': { path: string }
  }
}

interface MkfifoPackage {
  mkfifoSync(path: string, mode: number): void
}

let loaded: MkfifoPackage | undefined

/** The package, which is optional and has an install script of its own. */
function load(): MkfifoPackage {
  loaded ??= require('mkfifo') as MkfifoPackage
  return loaded
}

function unavailable(): string | undefined {
  if (process.platform === 'win32') return 'Windows has no FIFOs in the file system'
  try {
    load()
    return undefined
  } catch (error) {
    const reason = (error instanceof Error ? error.message : String(error)).split('\n')[0]
    return `the package mkfifo is not there or not built (${reason}); run \`npm install mkfifo@2.1.0\` and allow its install script`
  }
}

/** Not the package's asynchronous call: it ends the process where its thread ends in the middle. */
function mkfifo(path: string, mode: number): number {
  try {
    load().mkfifoSync(path, mode & 0o600)
  } catch (error) {
    return errnoOfText(error)
  }
  try {
    if (mode !== 0o600) chmodSync(path, mode) // past the umask
    return 0
  } catch (error) {
    unlinkSync(path)
    return numberOf(error)
  }
}

const numberOf = (error: unknown): number => fromNodeError(error).errno ?? -constants.errno.EIO

/** Descriptors of FIFOs as sockets: libuv polls them, and nothing waits on the thread pool. */
class FifoStreams extends NodeStreamEndpoint {
  readonly #released: () => void

  constructor(readFd: number, writeFd: number, context: ErrorContext, released: () => void = () => {}) {
    super(
      readFd < 0 ? undefined : new Socket({ fd: readFd, readable: true, writable: false }),
      writeFd < 0 ? undefined : new Socket({ fd: writeFd, readable: false, writable: true }),
      context,
    )
    this.#released = released
  }

  override close(): void {
    super.close()
    this.#released()
  }
}

export default defineAdapter({
  id: 'fifo/mkfifo',
  scheme: 'fifo+mkfifo',
  summary: 'a FIFO made by the npm package mkfifo, over Node streams',
  capabilities: { ...fifoCapabilities, sync: false },
  unavailable,
  ...fifoMethods('fifo/mkfifo', 'fifo+mkfifo', {
    mkfifo,
    open(path, flags) {
      try {
        return openSync(path, flags)
      } catch (error) {
        return numberOf(error)
      }
    },
    close: (fd) => closeSync(fd),
    endpoint: (readFd, writeFd, context, released) => new FifoStreams(readFd, writeFd, context, released),
    // libuv reads when epoll announces, and before the first writer it announces nothing.
    receiver: (readFd, context, released) => new FifoStreams(readFd, -1, context, released),
  }),
})
