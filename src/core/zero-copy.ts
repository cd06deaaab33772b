/** Claims and loans over a raw ring: the facet that users meet. */
import type { RawZeroCopy } from './adapter.js'
import { type Bytes, type CallOptions, type Claim, type Loan, Result, type ZeroCopyFacet } from './channel.js'
import { type ErrorContext, IpcError } from './errors.js'

export interface ZeroCopyHost {
  readonly context: ErrorContext
  refuseSend(length: number): number | undefined
  refuseReceive(): number | undefined
  waitWritable(options: CallOptions): Promise<boolean>
  waitReadable(options: CallOptions): Promise<boolean>
  errorOf(result: number): Error
}

const EMPTY: Bytes = new Uint8Array(0)

/** An object of a class, whose accessors V8 inlines, as it does not those of a literal. */
export class ZeroCopy implements ZeroCopyFacet {
  readonly #raw: RawZeroCopy
  readonly #host: ZeroCopyHost
  /** The length of the claim; -1 where there is none. */
  #claimed = -1
  #borrowed = false

  constructor(raw: RawZeroCopy, host: ZeroCopyHost) {
    this.#raw = raw
    this.#host = host
  }

  get memory(): Bytes {
    return this.#raw.memory
  }

  get borrowedLength(): number {
    return this.#raw.borrowedLength
  }

  tryClaim(length: number): number {
    if (!Number.isSafeInteger(length) || length < 0) throw new RangeError(`a claim has a length >= 0, not ${length}`)
    const refused = this.#host.refuseSend(length)
    if (refused !== undefined) return refused
    if (this.#claimed >= 0) return Result.BUSY
    const offset = this.#raw.tryClaim(length)
    if (offset >= 0) this.#claimed = length
    return offset
  }

  commit(length: number): void {
    const claimed = this.#claimed
    if (claimed < 0) throw new IpcError('ERR_IPC_CLOSED', 'there is no claim to commit', this.#host.context)
    if (!(length >= 0 && length <= claimed)) throw new RangeError(`a claim of ${claimed} bytes cannot be committed with ${length}`)
    this.#claimed = -1
    if (this.#host.refuseSend(length) !== Result.CLOSED) this.#raw.commit(length)
  }

  abort(): void {
    if (this.#claimed < 0) return
    this.#claimed = -1
    if (this.#host.refuseSend(0) !== Result.CLOSED) this.#raw.abort()
  }

  tryBorrow(): number {
    const refused = this.#host.refuseReceive()
    if (refused !== undefined) return refused
    if (this.#borrowed) return Result.BUSY
    const offset = this.#raw.tryBorrow()
    if (offset >= 0) this.#borrowed = true
    return offset
  }

  release(): void {
    if (!this.#borrowed) return
    this.#borrowed = false
    if (this.#host.refuseReceive() !== Result.CLOSED) this.#raw.release()
  }

  async claim(length: number, options: CallOptions = {}): Promise<Claim> {
    for (;;) {
      const offset = this.tryClaim(length)
      if (offset >= 0) return this.#claimAt(offset, length)
      if (offset !== Result.WOULD_BLOCK) throw this.#host.errorOf(offset)
      await this.#host.waitWritable(options)
    }
  }

  #claimAt(offset: number, length: number): Claim {
    let data = this.memory.subarray(offset, offset + length)
    return {
      get data() {
        return data
      },
      commit: (actual = length) => {
        if (data === EMPTY && length > 0) throw new IpcError('ERR_IPC_CLOSED', 'the claim is over', this.#host.context)
        this.commit(actual)
        data = EMPTY
      },
      [Symbol.dispose]: () => {
        if (data === EMPTY) return
        data = EMPTY
        this.abort()
      },
    }
  }

  async borrow(options: CallOptions = {}): Promise<Loan | null> {
    for (;;) {
      const offset = this.tryBorrow()
      if (offset >= 0) return this.#loanAt(offset)
      if (offset === Result.END) return null
      if (offset !== Result.WOULD_BLOCK) throw this.#host.errorOf(offset)
      await this.#host.waitReadable(options)
    }
  }

  #loanAt(offset: number): Loan {
    let data = this.memory.subarray(offset, offset + this.borrowedLength)
    let over = false
    const release = () => {
      if (over) return
      over = true
      data = EMPTY
      this.release()
    }
    return {
      get data() {
        return data
      },
      release,
      [Symbol.dispose]: release,
    }
  }
}
