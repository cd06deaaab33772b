/** Ctrl-C and SIGTERM: the work ends early, and nothing of it stays behind. */
import { sweep } from '../core/janitor.js'
import { killDescendants } from './descendants.js'
import { Interrupted } from './outcome.js'

/** How long work may take to end by itself; a second signal does not wait. */
const PATIENCE_MS = 3000

/**
 * Runs `work` with a signal that aborts on SIGINT and SIGTERM. When that happened and the work is over,
 * or is not within a few seconds: kills the processes that were started, removes their objects, and
 * rejects with `Interrupted`. What the work itself does with partial results it does before it settles.
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  let interrupted: Interrupted | undefined
  let giveUp = () => {}
  const givenUp = new Promise<void>((resolve) => {
    giveUp = resolve
  })
  const onSignal = (name: NodeJS.Signals) => {
    if (interrupted !== undefined) return giveUp()
    interrupted = new Interrupted(name as 'SIGINT' | 'SIGTERM')
    controller.abort(interrupted)
    setTimeout(giveUp, PATIENCE_MS).unref()
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  try {
    const result = await Promise.race([
      work(controller.signal),
      givenUp.then(() => {
        throw interrupted
      }),
    ])
    if (interrupted !== undefined) throw interrupted
    return result
  } catch (error) {
    throw interrupted ?? error
  } finally {
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
    if (interrupted !== undefined) {
      killDescendants()
      sweep()
      // Not by itself: work that was given up may hold handles.
      process.exit((interrupted as Interrupted).exitStatus)
    }
  }
}
