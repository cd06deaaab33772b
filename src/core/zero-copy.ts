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

export function zeroCopyFacet(raw: RawZeroCopy, host: ZeroCopyHost): ZeroCopyFacet {
  let claimed = -1
  let borrowed = false

  const tryClaim = (length: number): number => {
    if (!Number.isSafeInteger(length) || length < 0) throw new RangeError(`a claim has a length >= 0, not ${length}`)
    const refused = host.refuseSend(length)
    if (refused !== undefined) return refused
    if (claimed >= 0) return Result.BUSY
    const offset = raw.tryClaim(length)
    if (offset >= 0) claimed = length
    return offset
  }
  const commit = (length: number): void => {
    if (claimed < 0) throw new IpcError('ERR_IPC_CLOSED', 'there is no claim to commit', host.context)
    if (!(length >= 0 && length <= claimed)) throw new RangeError(`a claim of ${claimed} bytes cannot be committed with ${length}`)
    claimed = -1
    if (host.refuseSend(length) !== Result.CLOSED) raw.commit(length)
  }
  const abort = (): void => {
    if (claimed < 0) return
    claimed = -1
    if (host.refuseSend(0) !== Result.CLOSED) raw.abort()
  }
  const tryBorrow = (): number => {
    const refused = host.refuseReceive()
    if (refused !== undefined) return refused
    if (borrowed) return Result.BUSY
    const offset = raw.tryBorrow()
    if (offset >= 0) borrowed = true
    return offset
  }
  const release = (): void => {
    if (!borrowed) return
    borrowed = false
    if (host.refuseReceive() !== Result.CLOSED) raw.release()
  }

  return {
    get memory() {
      return raw.memory
    },
    get borrowedLength() {
      return raw.borrowedLength
    },
    tryClaim,
    commit,
    abort,
    tryBorrow,
    release,

    async claim(length, options = {}): Promise<Claim> {
      for (;;) {
        const offset = tryClaim(length)
        if (offset >= 0) {
          let data = raw.memory.subarray(offset, offset + length)
          return {
            get data() {
              return data
            },
            commit(actual = length) {
              if (data === EMPTY && length > 0) throw new IpcError('ERR_IPC_CLOSED', 'the claim is over', host.context)
              commit(actual)
              data = EMPTY
            },
            [Symbol.dispose]() {
              if (data === EMPTY) return
              data = EMPTY
              abort()
            },
          }
        }
        if (offset !== Result.WOULD_BLOCK) throw host.errorOf(offset)
        await host.waitWritable(options)
      }
    },

    async borrow(options = {}): Promise<Loan | null> {
      for (;;) {
        const offset = tryBorrow()
        if (offset >= 0) {
          let data = raw.memory.subarray(offset, offset + raw.borrowedLength)
          let over = false
          const give = () => {
            if (over) return
            over = true
            data = EMPTY
            release()
          }
          return {
            get data() {
              return data
            },
            release: give,
            [Symbol.dispose]: give,
          }
        }
        if (offset === Result.END) return null
        if (offset !== Result.WOULD_BLOCK) throw host.errorOf(offset)
        await host.waitReadable(options)
      }
    },
  }
}
