/**
 * The addon, typed. Loading never throws: without it `addonError` says why and how to build it, and
 * every native adapter reports that from `unavailable()`.
 */
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { require } from './require.js'

/** The shared symbols. Numbers are >= 0, or -errno. */
export interface SharedNative {
  fdAdopt(fd: number): number
  /** Another part of the process closes it from now on. */
  fdDisown(fd: number): number
  fdClose(fd: number): number
  fdOpen(path: string, flags: number, mode: number): number
  /** `ends` becomes [read, write]. */
  fdPipe(flags: number, ends: Int32Array): number
  /** One read; what does not fit `target` goes to `overflow`. */
  fdRead(fd: number, target: Uint8Array, overflow?: Uint8Array): number
  fdWrite(fd: number, data: Uint8Array): number
  fdPoll(fd: number, events: number, timeoutMs: number): number
  fdAvailable(fd: number): number
  fdSetNonblock(fd: number, on: number): number
  fdSetCloseOnExec(fd: number): number
  fdTryLock(fd: number): number
  fdFlock(fd: number, operation: number): number
  fdMkfifo(path: string, mode: number): number
  pidfdOpen(pid: number): number
  /** One message with descriptors attached, which stay the caller's too. */
  fdSendDescriptors(socket: number, data: Uint8Array, fds: Int32Array): number
  /** `fds` gets the descriptors that came, which are the addon's to close, then -1. -EMSGSIZE where they, or a datagram, did not fit: none is kept. */
  fdReceiveDescriptors(socket: number, target: Uint8Array, fds: Int32Array): number
  /** Our own descriptor for what the process has open under this number. */
  pidfdTake(pidfd: number, fd: number): number
  /** Messages over non-blocking descriptors, which stay the caller's; of this address alone (`only` of 1), or all but those. */
  messageOpen(readFd: number, writeFd: number, told: Int32Array, address: Uint8Array | undefined, only: number): number
  messageClose(messages: number): number
  /** `waits` of 1 waits on this thread, here and below. */
  messageSend(messages: number, data: Uint8Array, waits: number): number
  /** The same for a message of up to 64 bytes; it, its length, `waits` and the result lie in `told`. */
  messageSendStaged(messages: number): void
  /** Messages between two offsets, each behind its length: how many of these bytes were sent. */
  messageSendBatch(messages: number, batch: Uint8Array, from: number, to: number): number
  /** Waits for so many whole ms; 0 never waits, a negative number has no limit. The next message's length; -EMSGSIZE, -ENODATA at the end, -EOVERFLOW where it was cut. */
  messageReceive(messages: number, target: Uint8Array, waitMs: number): number
  /** Receives what is there; the wait in ms and the result lie in `told`. */
  messageFetch(messages: number): void
  /** `out` becomes the sender's address of the message in a slot; its length. */
  messageSender(messages: number, slot: number, out: Uint8Array): number
  /** A byte stream over non-blocking descriptors, which stay the caller's; the same for both directions, or -1. */
  streamOpen(readFd: number, writeFd: number, told: Uint32Array): number
  /** 64 KiB for what is read ahead, of which `told` says where it lies. */
  streamGive(stream: number, buffer: Uint8Array): number
  streamClose(stream: number): number
  /** `waitMs` of 0 never waits, a negative one has no limit. */
  streamRead(stream: number, target: Uint8Array, waitMs: number): number
  streamWrite(stream: number, data: Uint8Array, waitMs: number): number
  /** One frame: the bytes written, the 4 of its header among them. */
  streamSend(stream: number, data: Uint8Array, waitMs: number): number
  /** The same for a message of up to 64 bytes that lies in `told` from word 16 on. */
  streamSendStaged(stream: number, length: number, waitMs: number): number
  /** The next frame's length; -EMSGSIZE, -ENODATA at the end, -ENOLINK at an end inside a frame, -EPROTO over `longest`. */
  streamReceive(stream: number, target: Uint8Array, waitMs: number, longest: number): number
  pollOpen(callback: (fd: number, events: number) => void): number
  watchOpen(poller: number, fd: number): number
  watchSet(watch: number, events: number): number
  watchClose(watch: number): number
  waiterFd(waiter: number): number
  waiterStart(waiter: number): number
  waiterTake(waiter: number): number
  waiterCancel(waiter: number): number
  waiterClose(waiter: number): number
  schedSetAffinity(pid: number, cpus: Int32Array): number
  schedGetAffinity(pid: number, cpus: Int32Array): number
  /** Picoseconds of a turn between two processors, or of a plain loop on one. Blocks the thread so long. */
  spinProbe(cpuA: number, cpuB: number, microseconds: number): number
}

function load(): { addon: object | undefined; error: string | undefined } {
  if (process.platform !== 'linux') return { addon: undefined, error: `needs Linux; this is ${process.platform}` }
  let manifest: string
  try {
    // By the package's own name, for code in a bundle is not where the addon is.
    manifest = require.resolve('ipc-playground/package.json')
  } catch {
    const advice = 'leave ipc-playground out of the bundle (esbuild: --external:ipc-playground) and install it beside'
    return { addon: undefined, error: `this bundle finds no installed ipc-playground, which has the native addon; ${advice}` }
  }
  try {
    const find = createRequire(manifest)('node-gyp-build') as (directory: string) => object
    return { addon: find(dirname(manifest)), error: undefined }
  } catch (error) {
    const reason = (error instanceof Error ? error.message : String(error)).split('\n')[0]
    return { addon: undefined, error: `the native addon does not load (${reason}); run \`npx ipc-playground build\`` }
  }
}

const { addon, error } = load()

/** Why there is no addon, and what to do; undefined where there is one. */
export const addonError = error

/**
 * The addon under the type of one adapter's symbols. Usable only while `addonError` is undefined.
 *
 * An object with so many functions is a hash table to V8; as a prototype it is not, and a call costs a third.
 */
export const symbols = <T>(): SharedNative & T => Object.create(addon ?? null) as SharedNative & T

export const native = symbols<unknown>()
