/** Names of signals, and which of them a program can take. signal(7) */
import { constants } from 'node:os'
import { native } from '../native/signals.js'

/** One of Node's names, or a real-time signal by its distance from the C library's SIGRTMIN: `'SIGRTMIN+1'`. */
export type SignalName = NodeJS.Signals | `SIGRTMIN+${number}`

const FIRST_REALTIME = 'SIGRTMIN+'
/** adapters/signal has channels over these: SIGRTMIN+5 and +6. */
const CHANNELS = [5, 6]

const cannotBeTaken: Readonly<Record<string, string>> = {
  SIGKILL: 'the kernel lets nobody take it',
  SIGSTOP: 'the kernel lets nobody take it',
  SIGSEGV: 'it is a fault of the thread that it hits',
  SIGBUS: 'it is a fault of the thread that it hits',
  SIGFPE: 'it is a fault of the thread that it hits',
  SIGILL: 'it is a fault of the thread that it hits',
  SIGTRAP: 'it is a fault of the thread that it hits',
  SIGSYS: 'it is a fault of the thread that it hits',
  SIGABRT: 'a thread raises it to end the process',
  SIGIOT: 'a thread raises it to end the process',
  SIGPIPE: 'the kernel sends it to the thread whose write failed, which is told EPIPE',
  SIGXFSZ: 'the kernel sends it to the thread whose write failed, which is told EFBIG',
  SIGPROF: "V8's profiler uses it",
  SIGUSR1: 'Node.js opens its inspector on it; take SIGUSR2 or a real-time signal, or leave it to process.on',
  SIGSTKFLT: 'this library wakes its threads with it',
  SIGURG: 'this library reaches its threads with it',
}

/** The number of a signal; a TypeError or RangeError where it is none here. */
export function signalNumber(name: SignalName): number {
  if (typeof name !== 'string') throw new TypeError(`a signal has a name such as 'SIGHUP', not ${JSON.stringify(name)}`)
  const offset = realtimeOffset(name)
  if (offset !== undefined) {
    const last = native.signalRealtimeMax - native.signalRealtimeMin
    if (offset > last) throw new RangeError(`there are the real-time signals SIGRTMIN+0 to SIGRTMIN+${last}, not ${name}`)
    return native.signalRealtimeMin + offset
  }
  const number = (constants.signals as Readonly<Record<string, number>>)[name]
  if (number === undefined || !Object.hasOwn(constants.signals, name))
    throw new TypeError(`'${name}' is no signal here; write a name such as 'SIGHUP' or 'SIGRTMIN+1'`)
  return number
}

function realtimeOffset(name: string): number | undefined {
  const digits = name.startsWith(FIRST_REALTIME) ? name.slice(FIRST_REALTIME.length) : ''
  return /^(0|[1-9]\d?)$/.test(digits) ? Number(digits) : undefined
}

export const isRealtime = (number: number): boolean => number >= native.signalRealtimeMin

/** The number of a signal that this process can take; a RangeError says why it cannot. */
export function takenNumber(name: SignalName): number {
  const number = signalNumber(name)
  const reason = CHANNELS.includes(realtimeOffset(name) ?? -1) ? 'signal channels of this library are over it' : cannotBeTaken[name]
  if (reason !== undefined) throw new RangeError(`${name} cannot be taken: ${reason}`)
  return number
}
