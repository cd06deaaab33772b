/** What the scenes share: a wire, a process at each end of it, and how long a sender waits. */
import type { Lab } from '../../../src/lab/lab.js'
import type { Wire } from '../../../src/lab/wire.js'
import type { Plan, Transfer, Transfers } from './transfer.js'

export interface Scene {
  readonly lab: Lab
  readonly link: Wire
  readonly transfers: Transfers
  readonly timeoutMs: number
}

const ATTEMPTS = 4

/**
 * Plays until these packets were lost, and the sender's timer ended for each of them alone. Else the machine was too
 * busy to answer in time, and what was to be lost was another: each attempt has a longer timer.
 */
export async function timely(
  { lab, transfers, timeoutMs }: Scene,
  lost: readonly string[],
  plan: Omit<Plan, 'timeoutMs' | 'attempt'>,
  play: (transfer: Transfer) => Promise<readonly string[]>,
): Promise<{ readonly transfer: Transfer; readonly delivered: readonly string[] }> {
  for (let attempt = 1; ; attempt++) {
    const transfer = await transfers.open({ ...plan, attempt, timeoutMs: timeoutMs * 2 ** (attempt - 1) })
    const delivered = await play(transfer)
    const timeouts = await transfer.timeouts()
    const wasLost = transfer.packets().flatMap(({ text, fate }) => (fate === 'lost' ? text : []))
    if ((timeouts === lost.length && wasLost.join() === lost.join()) || attempt === ATTEMPTS) return { transfer, delivered }
    lab.stage.observe('the timer ended, and the answer was on its way: this machine is too busy for it; again, with twice the time')
  }
}
