/** Shared memory that is mapped here, and waiting on its words. */
import { constants } from 'node:os'
import { check, type ErrorContext, IpcError, systemError } from '../core/errors.js'
import { addonError, symbols } from './index.js'

interface MemoryNative {
  memoryMap(fd: number, bytes: number): number
  memoryFaultOffset(mapping: number): number
  /** An ArrayBuffer, or -errno: -ENOTSUP where the embedder forbids external buffers. */
  memoryBuffer(mapping: number, offset: number, length: number): ArrayBuffer | number
  memoryRead(mapping: number, offset: number, target: Uint8Array, length: number): number
  memoryWrite(mapping: number, offset: number, source: Uint8Array): number
  memoryCompareExchange(mapping: number, offset: number, expected: number, replacement: number): number
  memoryFaulted(mapping: number): number
  memoryUnmap(mapping: number): number
  memoryReserve(fd: number, bytes: number): number
  memoryCreateSealed(name: string, bytes: number): number
  memorySealedBytes(fd: number): number
  memoryOpenNamed(name: string, flags: number, mode: number): number
  futexWait(mapping: number, offset: number, expected: number, timeoutMs: number): number
  futexWake(mapping: number, offset: number, count: number): number
  futexWaiterOpen(mapping: number): number
  futexWaiterAim(waiter: number, offset: number, expected: number): number
  eventfdOpen(): number
  eventfdTake(fd: number): number
  /** `offsets`: this side's bell, the peer's, the index and the end of what comes in, and of what goes out. */
  bellOpen(mapping: number, offsets: Int32Array, eventFd: number, lifeFd: number): number
  /** One of `Waited`. */
  bellWait(bell: number, interest: number, seenIn: number, seenOut: number, turns: number, timeoutMs: number): number
  bellRing(bell: number, how: number): number
  /** A waiter, to be closed before the bell. */
  bellGuard(bell: number): number
  bellClose(bell: number): number
}

export const native = symbols<MemoryNative>()

/** `futexWake`: everybody who waits. */
export const EVERYBODY = 2 ** 31 - 1

/**
 * Memory mapped into this process. `close` detaches the buffers first, so that whoever still holds a
 * view sees length 0 and not freed memory; the environment's end does the same.
 */
export class Mapping {
  readonly handle: number
  /** Where the fault word lies: 1 once memory was taken away under us (a truncated file). */
  readonly faultOffset: number
  readonly #context: ErrorContext
  #open = true

  constructor(handle: number, syscall: string, context: ErrorContext) {
    this.handle = check(handle, syscall, context)
    this.faultOffset = native.memoryFaultOffset(handle)
    this.#context = context
  }

  /** Maps `bytes` of an open file. The descriptor may be closed afterwards. */
  static ofFile(fd: number, bytes: number, context: ErrorContext): Mapping {
    return new Mapping(native.memoryMap(fd, bytes), 'mmap', context)
  }

  /** A part of it, which may reach over the fault word. No two parts may begin at the same offset. */
  buffer(offset: number, length: number): ArrayBuffer {
    const buffer = this.view(offset, length)
    if (buffer !== undefined) return buffer
    this.close()
    throw systemError(constants.errno.ENOTSUP, 'napi_create_external_arraybuffer', this.#context)
  }

  /** As `buffer`; undefined where the embedder forbids external buffers. */
  view(offset: number, length: number): ArrayBuffer | undefined {
    const buffer = native.memoryBuffer(this.handle, offset, length)
    if (typeof buffer !== 'number') return buffer
    if (buffer === -constants.errno.ENOTSUP) return undefined
    this.close()
    throw systemError(buffer, 'napi_create_external_arraybuffer', this.#context)
  }

  /** The whole, and the fault word behind it. */
  all(): ArrayBuffer {
    return this.buffer(0, this.faultOffset + Int32Array.BYTES_PER_ELEMENT)
  }

  /** Copies `length` bytes from `offset` on into `target`, without a view for them. */
  readonly read = (offset: number, target: Uint8Array, length: number): void => {
    native.memoryRead(this.handle, offset, target, length)
  }

  /** Whether memory was taken away under us. */
  get faulted(): boolean {
    return native.memoryFaulted(this.handle) !== 0
  }

  write(offset: number, source: Uint8Array): void {
    check(native.memoryWrite(this.handle, offset, source), 'memcpy', this.#context)
  }

  /** Atomically: what the word at this offset was; where that is `expected`, it is `replacement` now. */
  compareExchange(offset: number, expected: number, replacement: number): number {
    return native.memoryCompareExchange(this.handle, offset, expected, replacement)
  }

  close(): void {
    if (!this.#open) return
    this.#open = false
    native.memoryUnmap(this.handle)
  }
}

let refused: string | undefined | null = null

/** Why memory cannot be mapped for JavaScript here; undefined where it can. */
export function memoryUnavailable(): string | undefined {
  if (addonError !== undefined) return addonError
  if (refused === null) {
    try {
      // Not closed, but left to the collector: after the first detached buffer of a process V8 looks at every
      // access to a typed array whether its buffer is detached, which costs half as much again.
      Mapping.ofFile(-1, 1, {}).all()
      refused = undefined
    } catch (error) {
      refused =
        error instanceof IpcError && error.errno === -constants.errno.ENOTSUP
          ? 'this embedder of Node forbids external buffers (V8 memory cage), so shared memory cannot be seen by JavaScript'
          : `memory cannot be mapped (${error instanceof Error ? error.message : error})`
    }
  }
  return refused
}
