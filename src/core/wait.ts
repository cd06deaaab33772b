/** AbortSignal and timeout, the same way for every call that waits. */
import type { CallOptions } from './channel.js'
import { type ErrorContext, IpcError } from './errors.js'
import { KeepAlive } from './keep-alive.js'

const LONGEST = 2 ** 31 - 1

export function checkTimeout(timeout: number | undefined): void {
  if (timeout !== undefined && !(timeout >= 0)) throw new RangeError(`timeout must be >= 0 ms, not ${timeout}`)
}

export const timeoutError = (timeout: number, context: ErrorContext): IpcError =>
  new IpcError('ERR_IPC_TIMEOUT', `nothing happened in ${timeout} ms`, context)

/** Throws the signal's reason if it is aborted already. */
export function checkOptions(options: CallOptions): void {
  checkTimeout(options.timeout)
  options.signal?.throwIfAborted()
}

/**
 * Calls `giveUp` once with the reason when the signal aborts or the time is over. The function returned
 * ends that; it must be called when the wait is over.
 */
export function limit(options: CallOptions, context: ErrorContext, giveUp: (reason: unknown) => void): () => void {
  const { signal, timeout } = options
  if (signal === undefined && timeout === undefined) return nothing
  let timer: NodeJS.Timeout | undefined
  const aborted = () => {
    clearTimeout(timer)
    giveUp(signal?.reason)
  }
  signal?.addEventListener('abort', aborted, { once: true })
  if (timeout !== undefined && timeout <= LONGEST)
    timer = setTimeout(() => {
      signal?.removeEventListener('abort', aborted)
      giveUp(timeoutError(timeout, context))
    }, timeout)
  return () => {
    clearTimeout(timer)
    signal?.removeEventListener('abort', aborted)
  }
}

const nothing = () => {}

/** Runs `body` with one signal that stands for the caller's signal and timeout. Keeps the process alive meanwhile. */
export async function withSignal<T>(options: CallOptions, context: ErrorContext, body: (signal: AbortSignal) => Promise<T>): Promise<T> {
  checkOptions(options)
  const controller = new AbortController()
  const stop = limit(options, context, (reason) => controller.abort(reason))
  const keepAlive = new KeepAlive()
  keepAlive.hold(true)
  try {
    return await body(controller.signal)
  } finally {
    keepAlive.hold(false)
    stop()
  }
}

/** Settles with `promise`, or rejects with the signal's reason; `late` gets a value that came too late. */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal, late: (value: T) => void = nothing): Promise<T> {
  return new Promise((resolve, reject) => {
    const aborted = () => {
      promise.then(late, nothing)
      reject(signal.reason)
    }
    if (signal.aborted) {
      aborted()
      return
    }
    signal.addEventListener('abort', aborted, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', aborted))
  })
}
