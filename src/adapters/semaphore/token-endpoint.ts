/** A channel over two counts: a send raises one of them, a receive lowers the other. */
import { constants } from 'node:os'
import type { Capabilities } from '../../core/channel.js'
import { Streak } from '../../core/streak.js'
import { WaiterEndpoint } from '../../core/waiter-endpoint.js'

const { EAGAIN, EINVAL, EIDRM, EOVERFLOW, ERANGE, ETIMEDOUT } = constants.errno

/** What every semaphore adapter declares alike. */
export const tokenCapabilities = {
  framing: 'event',
  payload: { min: 0, max: 0 },
  order: 'fifo',
  whenFull: 'block',
  end: 'none',
  halfClose: false,
  rendezvous: 'name',
  peers: 'one',
  asyncWait: 'thread',
  detectsPeerExit: false,
  crashSafe: true,
  sync: true,
  zeroCopy: false,
  connects: true,
  opens: false,
  crossesHosts: false,
  priority: false,
} as const satisfies Partial<Capabilities>

/** Messages have no bytes: one is a token. */
export abstract class TokenEndpoint extends WaiterEndpoint {
  readonly #streak = new Streak(() => this.tryTake(), -EAGAIN)

  /** Raises the count: 0; -EOVERFLOW or -ERANGE at its maximum. */
  protected abstract post(): number
  /** Lowers the count: 0; -EAGAIN where it is 0. */
  protected abstract tryTake(): number
  /** As `tryTake`, after a wait on this thread; -EAGAIN or -ETIMEDOUT after `timeoutMs`. */
  protected abstract take(timeoutMs: number): number
  /** Gives a token back that was taken and not received. */
  protected abstract giveBack(): void
  protected abstract release(): void

  /** A removed set is told by EIDRM to those inside, and by EINVAL to those who come later. */
  protected override translated(n: number): number {
    return n === -EINVAL ? -EIDRM : n === -EOVERFLOW || n === -ERANGE ? -EAGAIN : n
  }

  trySend(): number {
    return this.sent(this.post(), 'post')
  }

  tryReceiveInto(): number {
    return this.received(this.obtained() ?? this.tryTake(), 'wait')
  }

  /** While the thread has a wait of its own, it is the thread that gets the token. */
  receiveSync(target: Uint8Array, waitMs: number): number {
    if (waitMs === 0 || this.startedReader?.busy === true) return this.tryReceiveInto()
    const tried = this.#streak.try(target)
    const taken = tried === -EAGAIN ? this.take(waitMs) : tried
    return this.received(taken === -ETIMEDOUT ? -EAGAIN : taken, 'wait')
  }

  override close(): void {
    this.watch(0)
    if ((this.obtained() ?? -EAGAIN) >= 0) this.giveBack()
    super.close()
    this.release()
  }
}
