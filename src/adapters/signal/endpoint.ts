/** Sending signals, and receivers that take them in order. sigqueue(3), sigwaitinfo(2), pidfd_open(2) */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { type Endpoint, READABLE, WRITABLE } from '../../core/adapter.js'
import { type AdapterId, type Credentials, Result } from '../../core/channel.js'
import { checkThread, type ErrorContext, IpcError, systemError } from '../../core/errors.js'
import { Streak } from '../../core/streak.js'
import { DescriptorWatcher, EPOLLIN } from '../../native/loop.js'
import { MARK, MARK_ASKED, MARK_PEER_LOST, native, RECORD_FIELDS } from './native.js'

const { EAGAIN, EBUSY, EPIPE, ESRCH } = constants.errno
/** Nothing in the kernel announces room under RLIMIT_SIGPENDING, so a full queue is tried again. */
export const RETRY_MS = 1
const BATCH = 256

/** What differs between real-time and standard signals. */
export interface Variant {
  readonly id: AdapterId
  readonly scheme: string
  /** The number that carries data. */
  readonly number: number
  /** How many bytes of `sival_int` are data: 4 or 0. */
  readonly bytes: number
  /** Threads are named `<prefix>-<role>`, so that others find them under /proc. */
  readonly prefix: string
}

export type Role = 'listen' | 'peer' | 'raw'

/** A thread of `pid` in this role; undefined where there is none. */
export function findThread(pid: number, variant: Variant, role: Role): number | undefined {
  const wanted = `${variant.prefix}-${role}`
  try {
    for (const tid of readdirSync(`/proc/${pid}/task`)) if (nameOf(pid, tid) === wanted) return Number(tid)
  } catch {
    // no such process
  }
  return undefined
}

/** The flag of a task that is ending: it is still listed when pthread_join(3) has returned. */
const PF_EXITING = 4

/** Undefined for a thread that has ended or is ending. proc_pid_stat(5) */
function nameOf(pid: number, tid: string): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/task/${tid}/stat`, 'utf8')
    const end = stat.lastIndexOf(')')
    const flags = stat.slice(end + 2).split(' ')[6]
    return (Number(flags) & PF_EXITING) === 0 ? stat.slice(stat.indexOf('(') + 1, end) : undefined
  } catch {
    return undefined
  }
}

function writeWord(target: Uint8Array, value: number): void {
  target[0] = value
  target[1] = value >>> 8
  target[2] = value >>> 16
  target[3] = value >>> 24
}

/** The effective user of a process, as the kernel has it; undefined where it is gone. */
export function userOf(pid: number): number | undefined {
  return statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid
}

/** Sends to one thread of a process, or to the process where `tid` is 0. */
export class SignalSender implements Endpoint {
  error: IpcError | undefined
  peer: Credentials | undefined
  onReady: (ready: number) => void = () => {}
  protected pid: number
  protected tid: number
  protected readonly variant: Variant
  protected readonly context: ErrorContext
  #retry: NodeJS.Timeout | undefined

  constructor(variant: Variant, pid: number, tid: number) {
    this.variant = variant
    this.pid = pid
    this.tid = tid
    this.context = { adapter: variant.id, address: `${variant.scheme}://${pid}` }
  }

  trySend(data: Uint8Array, _priority?: number): number {
    const value =
      data.length < 4 ? 0 : (data[0] as number) | ((data[1] as number) << 8) | ((data[2] as number) << 16) | ((data[3] as number) << 24)
    const result = this.put(value)
    if (result === 0) return data.length
    if (result === -EAGAIN) return Result.WOULD_BLOCK
    if (result === -ESRCH) return Result.PEER_GONE
    this.error = systemError(result, 'rt_tgsigqueueinfo', this.context)
    return Result.FAILED
  }

  protected put(value: number): number {
    return native.signalSend(this.pid, this.tid, this.variant.number, value, 0)
  }

  tryReceiveInto(_target: Uint8Array): number {
    return Result.END
  }

  watch(interest: number): void {
    if ((interest & WRITABLE) === 0) {
      clearTimeout(this.#retry)
      this.#retry = undefined
      return
    }
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined
      this.onReady(WRITABLE)
    }, RETRY_MS).unref()
  }

  waitSync(_interest: number, timeoutMs: number): number {
    native.signalPoll(-1, -1, timeoutMs < 0 ? RETRY_MS : Math.min(timeoutMs, RETRY_MS))
    return 0
  }

  end(): void {}

  close(): void {
    clearTimeout(this.#retry)
  }
}

/**
 * A receiver, and the peer to whose receiver this side sends. Without a peer it yields what anybody sends (a raw
 * receiver); with one, only what the peer sends to this receiver.
 *
 * A receiver is a thread, which has its name and ends with it. The data of the first channel of a JavaScript
 * thread is sent to that thread itself, which spares the hand-over: 3.7 times the round trip.
 */
export class SignalEndpoint extends SignalSender {
  /** Called for each control signal: a hello or its answer. */
  onControl: (pid: number, value: number, label: number) => void = () => {}
  /** Called when all that was pending at `mark` or at the peer's loss has been handed over. */
  onMark: () => void = () => {}
  /** The receiver's thread. */
  readonly receiverTid: number
  nextLength = 0
  readonly #receiver: number
  readonly #fd: number
  readonly #watcher: DescriptorWatcher
  readonly #raw: boolean
  /** Readable while this thread itself has data; -1 where the receiver's thread takes it. */
  #directFd = -1
  #directWatcher: DescriptorWatcher | undefined
  /** What ends a blocking receive at the peer's end: a waiter, or -errno; undefined until the first. */
  #guard: number | undefined
  /** A try takes several signals at once, a wait one. */
  readonly #streak = new Streak((target) => this.tryReceiveInto(target), Result.WOULD_BLOCK)
  // Records taken and not yet handed over: #next to #kept.
  readonly #batch = new Int32Array(BATCH * RECORD_FIELDS)
  #next = 0
  #kept = 0
  #gone = false
  #lost = false
  #peerFd = -1
  #peerWatcher: DescriptorWatcher | undefined

  constructor(variant: Variant, role: Role) {
    super(variant, 0, 0)
    this.#raw = role === 'raw'
    const receiver = native.signalOpen(variant.number, `${variant.prefix}-${role}`, this.#raw ? 1 : 0)
    if (receiver === -EBUSY)
      throw new IpcError('ERR_IPC_BUSY', 'signals() takes this signal in this process; close that first', this.context)
    this.#receiver = checkThread(receiver, this.context)
    this.receiverTid = native.signalTid(this.#receiver)
    this.#fd = native.signalFd(this.#receiver)
    this.#watcher = new DescriptorWatcher(this.#fd, () => this.onReady(READABLE))
  }

  /** The thread to which data is to be sent. */
  get dataTid(): number {
    return native.signalDataTid(this.#receiver)
  }

  /** Before anybody knows where to send: this thread takes the data itself, unless it does so for another channel. */
  takeDirectly(): void {
    if (this.#directFd >= 0) return
    this.#directFd = native.signalDirect(this.#receiver)
    if (this.#directFd >= 0) this.#directWatcher = new DescriptorWatcher(this.#directFd, () => this.onReady(READABLE))
  }

  set role(role: Role) {
    writeFileSync(`/proc/self/task/${this.receiverTid}/comm`, `${this.variant.prefix}-${role}`)
  }

  /** From now on `pid` is the peer, and its end is noticed. `tid` is its receiver, `dataTid` who takes the data. */
  pairWith(pid: number, tid: number, dataTid: number): void {
    this.pid = pid
    native.signalPair(this.#receiver, pid, tid, dataTid)
    this.peer = { pid, uid: userOf(pid) ?? 0 }
    // A peer in this process is a thread, whose end the rendezvous tells.
    if (pid === process.pid || this.#peerFd >= 0) return
    const fd = native.pidfdOpen(pid)
    if (fd === -ESRCH) this.peerLost()
    if (fd < 0) return
    this.#peerFd = fd
    this.#peerWatcher = new DescriptorWatcher(fd, () => this.peerLost())
  }

  /** What the peer sent before it died is still pending in the thread, and comes first. */
  peerLost(): void {
    this.#forgetPeer()
    if (this.#lost) return
    this.#lost = true
    native.signalMark(this.#receiver, MARK_PEER_LOST)
  }

  /** Asks for `onMark` after everything that is pending now. */
  mark(): void {
    native.signalMark(this.#receiver, MARK_ASKED)
  }

  /** Hands control signals to `onControl` and keeps the rest for later. */
  pump(): void {
    while (this.#fetch());
  }

  get buffered(): boolean {
    return this.#next < this.#kept || this.#gone
  }

  get lastFrom(): Credentials | undefined {
    if (!this.#raw || this.#next === 0) return undefined
    const at = (this.#next - 1) * RECORD_FIELDS
    return { pid: this.#batch[at + 1] as number, uid: this.#batch[at + 2] as number }
  }

  protected override put(value: number): number {
    return this.#raw ? super.put(value) : native.signalPut(this.#receiver, value)
  }

  override tryReceiveInto(target: Uint8Array): number {
    while (this.#next === this.#kept) if (!this.#fetch()) return this.#gone ? Result.PEER_GONE : Result.WOULD_BLOCK
    const { bytes } = this.variant
    if (target.length < bytes) {
      this.nextLength = bytes
      return Result.TARGET_SIZE
    }
    if (bytes > 0) writeWord(target, this.#batch[this.#next * RECORD_FIELDS + 3] as number)
    this.#next++
    return bytes
  }

  receiveSync(target: Uint8Array, waitMs: number): number {
    const { bytes } = this.variant
    // What the lost peer sent is pending in this thread.
    if (this.#directFd >= 0 && this.#lost) this.#gone = true
    if (this.#directFd < 0 || this.#next < this.#kept || this.#gone || target.length < bytes) return this.tryReceiveInto(target)
    if (this.#peerFd >= 0 && this.#guard === undefined) {
      this.#guard = native.signalGuard(this.#receiver, this.#peerFd)
      if (this.#guard >= 0) native.waiterStart(this.#guard)
    }
    // Without a guard `waitSync` waits for the peer's end as well.
    if (this.#guard !== undefined && this.#guard < 0) return this.tryReceiveInto(target)
    const tried = this.#streak.try(target)
    if (tried !== Result.WOULD_BLOCK) return tried
    const value = native.signalReceive(this.#receiver, waitMs)
    if (value === -EPIPE) this.#gone = true
    if (value < 0) return this.tryReceiveInto(target)
    if (bytes > 0) writeWord(target, value)
    return bytes
  }

  /** Takes what has come: false where nothing has, or there is no room. */
  #fetch(): boolean {
    const batch = this.#batch
    const left = this.#kept - this.#next
    if (left === BATCH) return false
    if (left > 0) batch.copyWithin(0, this.#next * RECORD_FIELDS, this.#kept * RECORD_FIELDS)
    this.#next = 0
    this.#kept = left
    const taken = native.signalTake(this.#receiver, left === 0 ? batch : batch.subarray(left * RECORD_FIELDS))
    if (taken <= 0) return false
    for (let i = left; i < left + taken; i++) {
      const at = i * RECORD_FIELDS
      const number = batch[at]
      const pid = batch[at + 1] as number
      if (number === this.variant.number) {
        // At the limit the kernel delivers a standard signal without telling its sender.
        const isOurs = (pid === this.pid && batch[at + 4] === this.receiverTid) || (pid === 0 && this.variant.bytes === 0)
        if (!this.#raw && !isOurs) continue
        if (i > this.#kept) batch.copyWithin(this.#kept * RECORD_FIELDS, at, at + RECORD_FIELDS)
        this.#kept++
      } else if (number === MARK) {
        if (batch[at + 3] === MARK_PEER_LOST) this.#gone = true
        this.onMark()
      } else this.onControl(pid, batch[at + 3] as number, batch[at + 4] as number)
    }
    return true
  }

  override watch(interest: number): void {
    super.watch(interest)
    this.#watcher.want(interest & READABLE ? EPOLLIN : 0)
    this.#directWatcher?.want(interest & READABLE ? EPOLLIN : 0)
    this.#peerWatcher?.want(interest === 0 ? 0 : EPOLLIN)
  }

  override waitSync(interest: number, timeoutMs: number): number {
    const reading = (interest & READABLE) !== 0
    const limit = reading ? timeoutMs : timeoutMs < 0 ? RETRY_MS : Math.min(timeoutMs, RETRY_MS)
    const came = native.signalPoll(reading ? (this.#directFd < 0 ? this.#fd : this.#directFd) : -1, this.#peerFd, limit)
    if (came & 2) {
      if (this.#directFd < 0) this.peerLost()
      else this.#gone = true
    }
    return came === 0 ? 0 : interest
  }

  #forgetPeer(): void {
    if (this.#guard !== undefined && this.#guard >= 0) native.waiterClose(this.#guard)
    this.#guard = undefined
    this.#peerWatcher?.close()
    this.#peerWatcher = undefined
    if (this.#peerFd >= 0) native.fdClose(this.#peerFd)
    this.#peerFd = -1
  }

  override close(): void {
    super.close()
    this.#forgetPeer()
    this.#watcher.close()
    this.#directWatcher?.close()
    native.signalClose(this.#receiver)
  }
}
