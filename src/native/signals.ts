import { symbols } from './index.js'

/** Signals to the process, taken in the kernel's order by a thread of their own, and sent. Numbers are >= 0, or -errno. */
interface SignalsNative {
  /** From this call on the taker gets these signal numbers; -EBUSY where a channel of this process is over one of them. */
  signalsOpen(numbers: Uint8Array): number
  signalsFd(taker: number): number
  /** Moves records of `RECORD_FIELDS` numbers: signal, pid, uid, value, and 1 where it has a value. */
  signalsTake(taker: number, records: Int32Array): number
  /** The same with all that is pending now: to be called until it answers 0. */
  signalsDrain(taker: number, records: Int32Array): number
  /** What is pending is dropped. */
  signalsClose(taker: number): number
  /** With `queued` of 1 as sigqueue(3), else as kill(2). */
  pidfdSendSignal(pidfd: number, number: number, queued: number, value: number): number
  readonly signalRealtimeMin: number
  readonly signalRealtimeMax: number
}

export const native = symbols<SignalsNative>()

export const RECORD_FIELDS = 5
