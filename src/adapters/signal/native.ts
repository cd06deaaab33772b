import { symbols } from '../../native/index.js'

/** Signals taken in order by a thread of their own, or by the JavaScript thread, and sent to that thread. */
interface SignalNative {
  /** A receiver for one signal number; with `raw` of 1 it gets what anybody sends, also to the whole process. */
  signalOpen(number: number, threadName: string, raw: number): number
  signalTid(receiver: number): number
  signalFd(receiver: number): number
  /** Moves records of `RECORD_FIELDS` numbers: signal, pid, uid, value, label. */
  signalTake(receiver: number, records: Int32Array): number
  /** The calling thread takes the data from now on: the descriptor that tells of it; -EBUSY where it takes another receiver's. */
  signalDirect(receiver: number): number
  /** The thread to which data is to be sent. */
  signalDataTid(receiver: number): number
  /** What `signalPut` sends goes there, and what a direct receiver takes comes from there. */
  signalPair(receiver: number, pid: number, tid: number, dataTid: number): number
  /** -ESRCH where the peer's receiver has closed. */
  signalPut(receiver: number, value: number): number
  /** Of a direct receiver: the next word, without a sign; -EAGAIN after the timeout, -EPIPE after the guard saw the peer's end. */
  signalReceive(receiver: number, timeoutMs: number): number
  /** A waiter that ends a `signalReceive` when the peer is gone. */
  signalGuard(receiver: number, pidfd: number): number
  /** A record of signal 0 with this value follows everything that is pending now. Of several the highest comes. */
  signalMark(receiver: number, value: number): number
  signalClose(receiver: number): number
  /** `label` is the upper half of the value. */
  signalSend(pid: number, tid: number, number: number, value: number, label: number): number
  signalPoll(readFd: number, goneFd: number, timeoutMs: number): number
  readonly signalControlNumber: number
  readonly signalDataNumber: number
  readonly signalStandardNumber: number
}

export const native = symbols<SignalNative>()

export const RECORD_FIELDS = 5
/** The signal number of a mark, and its values. */
export const MARK = 0
export const MARK_ASKED = 1
export const MARK_PEER_LOST = 2
