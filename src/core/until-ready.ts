/** Waiting for an object that another process is making: nothing announces that it has finished, or has died. */
import type { CallOptions } from './channel.js'
import type { ErrorContext } from './errors.js'
import { sweep } from './janitor.js'
import { limit, withSignal } from './wait.js'

const FIRST_RETRY_MS = 1
const LONGEST_RETRY_MS = 50

/** What `attempt` answers, which is tried less and less often while that is undefined. */
export const untilReady = <T>(options: CallOptions, errors: ErrorContext, attempt: () => T | undefined): Promise<T> =>
  withSignal(options, errors, async (signal) => {
    for (let delay = FIRST_RETRY_MS; ; delay = Math.min(2 * delay, LONGEST_RETRY_MS)) {
      const ready = attempt()
      if (ready !== undefined) return ready
      if (delay === LONGEST_RETRY_MS) sweep() // what a killed creator left half-made
      await pause(delay, signal)
    }
  })

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = limit({ signal }, {}, (reason) => {
      clearTimeout(timer)
      reject(reason)
    })
    const timer = setTimeout(() => {
      stop()
      resolve()
    }, ms)
  })
}
