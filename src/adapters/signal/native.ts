import { symbols } from '../../native/index.js'

/** Signals taken in order by a thread of their own, and sent to that thread. */
interface SignalNative {
  /** A receiver for one signal number; with `takeProcessDirected` of 1 it also gets what is sent to the whole process. */
  signalOpen(number: number, threadName: string, takeProcessDirected: number): number
  signalTid(receiver: number): number
  signalFd(receiver: number): number
  /** Moves records of `RECORD_FIELDS` numbers: signal, pid, uid, value, code. */
  signalTake(receiver: number, records: Int32Array): number
  /** A record of signal 0 with this value follows everything that is pending now. Of several the highest comes. */
  signalMark(receiver: number, value: number): number
  signalClose(receiver: number): number
  signalSend(pid: number, tid: number, number: number, value: number): number
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
