/** A socket that keeps messages: sequenced packets and datagrams, one system call each. recvmsg(2) */
import { type Credentials, Result } from '../../core/channel.js'
import { DescriptorEndpoint, waits } from '../../core/descriptor-endpoint.js'
import { type ErrorContext, IpcError } from '../../core/errors.js'
import { MSG_TRUNC, native, Receipt } from './native.js'

/** The longest message that any sender on a default Linux gets through: twice net.core.wmem_max for unix sockets. */
const OVERFLOW_BYTES = 512 * 1024

// One for all sockets of this environment: a receive is over, and what did not fit is copied, before the next begins.
const scratch = new Uint8Array(Receipt.BYTES + OVERFLOW_BYTES)
const receipt = new Int32Array(scratch.buffer, 0, Receipt.BYTES / 4)

/** An address as the kernel writes it, to compare with that of a message. */
export function addressWords(family: number, host: string, port: number): Int32Array {
  native.socketAddress(scratch, family, host, port)
  return receipt.slice(Receipt.ADDRESS_LENGTH, Receipt.ADDRESS + Math.ceil((receipt[Receipt.ADDRESS_LENGTH] ?? 0) / 4))
}

/** The sender's address of the message that was received last. */
const senderAddress = (): string => {
  const [host, port] = native.socketAddressText(scratch).split(' ')
  return port === undefined ? (host ?? '') : hostPort(host ?? '', Number(port))
}

/** `host:port`, with brackets where the host has colons. */
export const hostPort = (host: string, port: number): string => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`)

/** One datagram outside any channel: its length or -errno, and its sender. */
export function receiveDatagram(fd: number, target: Uint8Array): { length: number; host: string; port: number } {
  const length = native.socketReceive(fd, target, scratch, 0)
  if (length < 0) return { length, host: '', port: 0 }
  const [host, port] = native.socketAddressText(scratch).split(' ')
  return { length: Math.min(length, target.length), host: host ?? '', port: Number(port) }
}

export interface MessageSocketOptions {
  readonly payload?: { readonly min: number; readonly max: number }
  readonly peer?: Credentials | undefined
  /** Nothing but messages from this address. */
  readonly only?: Int32Array
  /** No messages from this address. */
  readonly except?: Int32Array
}

/**
 * Messages over one socket, or over one a direction. A message that does not fit the target is kept for
 * the next receive. What was sent before an error is handed over before the error.
 */
export class MessageSocket extends DescriptorEndpoint {
  nextLength = 0
  declare readonly payload?: { readonly min: number; readonly max: number }
  readonly #only: Int32Array | undefined
  readonly #except: Int32Array | undefined
  readonly #errors: ErrorContext
  #stash: Uint8Array | undefined
  /** Of the message received last; `undefined` while it is still in the receipt. */
  #from: { told: Credentials | string | undefined } | undefined = { told: undefined }
  #peerGone = false
  #blocks = false

  constructor(readFd: number, writeFd: number, errors: ErrorContext, options: MessageSocketOptions = {}) {
    super(readFd, writeFd, errors)
    this.#errors = errors
    this.peer = options.peer
    this.#only = options.only
    this.#except = options.except
    if (options.payload !== undefined) this.payload = Object.freeze(options.payload)
  }

  /** Valid until the next receive of any socket: whoever wants it asks at once. */
  get lastFrom(): Credentials | string | undefined {
    this.#from ??= { told: this.sender() }
    return this.#from.told
  }

  get buffered(): boolean {
    return this.#stash !== undefined
  }

  trySend(data: Uint8Array): number {
    return this.result(native.socketSend(this.writeFd, data, 0), 'send')
  }

  sendSync(data: Uint8Array, waitMs: number): number {
    return this.result(native.socketSend(this.writeFd, data, this.#mayWait(waitMs)), 'send')
  }

  tryReceiveInto(target: Uint8Array): number {
    return this.#receive(target, 0)
  }

  receiveSync(target: Uint8Array, waitMs: number): number {
    return this.#receive(target, this.#mayWait(waitMs))
  }

  /** The `waits` of natives. What never waits says so itself, so the sockets stay blocking from the first wait on. */
  #mayWait(waitMs: number): number {
    const may = waits(waitMs)
    if (may === 1 && !this.#blocks) {
      for (const fd of new Set([this.readFd, this.writeFd])) native.fdSetNonblock(fd, 0) // where that fails poll(2) waits
      this.#blocks = true
    }
    return may
  }

  #receive(target: Uint8Array, mayWait: number): number {
    if (this.#stash !== undefined) return this.#unstash(target, this.#stash)
    for (;;) {
      const n = native.socketReceive(this.readFd, target, scratch, this.#peerGone ? 0 : mayWait)
      if (n < 0) {
        const result = this.result(n, 'recvmsg')
        if (result === Result.PEER_GONE && !this.#peerGone) {
          this.#peerGone = true // the kernel tells a pending error before what is queued
          continue
        }
        return result === Result.WOULD_BLOCK && this.#peerGone ? Result.PEER_GONE : result
      }
      if (n === 0 && this.isEnd()) return this.#peerGone ? Result.PEER_GONE : Result.END
      if (this.#only !== undefined && !isFrom(this.#only)) continue
      if (this.#except !== undefined && isFrom(this.#except)) continue
      this.received()
      this.#from = undefined
      if (((receipt[Receipt.FLAGS] ?? 0) & MSG_TRUNC) !== 0) {
        this.error = new IpcError('ERR_IPC_PROTOCOL', `a message of more than ${OVERFLOW_BYTES} bytes came, which was cut`, this.#errors)
        return Result.FAILED
      }
      return n <= target.length ? n : this.#keep(target, n)
    }
  }

  /** Whether a receive of 0 bytes was the end. */
  protected isEnd(): boolean {
    return false
  }

  /** A message has come; the receipt tells about it. */
  protected received(): void {}

  /** The sender of the message in the receipt. */
  protected sender(): Credentials | string | undefined {
    return senderAddress()
  }

  /** The credentials in the receipt, where the kernel attached some. */
  protected credentials(): Credentials | undefined {
    if (receipt[Receipt.HAS_CREDENTIALS] !== 1) return undefined
    return { pid: receipt[Receipt.PID] ?? 0, uid: (receipt[Receipt.UID] ?? 0) >>> 0 }
  }

  #keep(target: Uint8Array, length: number): number {
    const stash = new Uint8Array(length)
    stash.set(target)
    stash.set(scratch.subarray(Receipt.BYTES, Receipt.BYTES + length - target.length), target.length)
    this.#from = { told: this.sender() }
    this.#stash = stash
    this.nextLength = length
    return Result.TARGET_SIZE
  }

  #unstash(target: Uint8Array, stash: Uint8Array): number {
    if (stash.length > target.length) return Result.TARGET_SIZE
    target.set(stash)
    this.#stash = undefined
    return stash.length
  }

  /** A datagram socket has no end to tell; nothing is held back either. */
  end(): void {}
}

function isFrom(words: Int32Array): boolean {
  for (let i = 0; i < words.length; i++) if (receipt[Receipt.ADDRESS_LENGTH + i] !== words[i]) return false
  return true
}
