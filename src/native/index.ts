/**
 * The addon, typed. Loading never throws: without it `addonError` says why and how to build it, and
 * every native adapter reports that from `unavailable()`.
 */
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The shared symbols. Numbers are >= 0, or -errno. */
export interface SharedNative {
  fdAdopt(fd: number): number
  fdClose(fd: number): number
  fdOpen(path: string, flags: number, mode: number): number
  /** `ends` becomes [read, write]. */
  fdPipe(flags: number, ends: Int32Array): number
  /** One read; what does not fit `target` goes to `overflow`. */
  fdRead(fd: number, target: Uint8Array, overflow?: Uint8Array): number
  fdWrite(fd: number, data: Uint8Array): number
  /** One write of a 4-byte little-endian length and the bytes; counts the 4. */
  fdWriteFrame(fd: number, data: Uint8Array): number
  fdPoll(fd: number, events: number, timeoutMs: number): number
  fdAvailable(fd: number): number
  fdSetNonblock(fd: number, on: number): number
  fdSetCloseOnExec(fd: number): number
  fdTryLock(fd: number): number
  fdFlock(fd: number, operation: number): number
  fdMkfifo(path: string, mode: number): number
  pidfdOpen(pid: number): number
  pollOpen(events: Int32Array, callback: (count: number) => void): number
  pollSet(poller: number, fd: number, had: number, events: number): number
  waiterFd(waiter: number): number
  waiterStart(waiter: number): number
  waiterTake(waiter: number): number
  waiterCancel(waiter: number): number
  waiterClose(waiter: number): number
  schedSetAffinity(pid: number, cpus: Int32Array): number
  schedGetAffinity(pid: number, cpus: Int32Array): number
}

// dist/src/native/ -> the package
const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))))

function load(): { addon: object | undefined; error: string | undefined } {
  if (process.platform !== 'linux') return { addon: undefined, error: `needs Linux; this is ${process.platform}` }
  try {
    const find = createRequire(import.meta.url)('node-gyp-build') as (directory: string) => object
    return { addon: find(root), error: undefined }
  } catch (error) {
    const reason = (error instanceof Error ? error.message : String(error)).split('\n')[0]
    return { addon: undefined, error: `the native addon is not built (${reason}); run \`npx ipc-playground build\`` }
  }
}

const { addon, error } = load()

/** Why there is no addon, and what to do; undefined where there is one. */
export const addonError = error

/** The addon under the type of one adapter's symbols. Usable only while `addonError` is undefined. */
export const symbols = <T>(): SharedNative & T => (addon ?? {}) as SharedNative & T

export const native = symbols<unknown>()
