/** The standard error of a peer: kept aside, and told with the case that fails. */
import { randomBytes } from 'node:crypto'
import { closeSync, fstatSync, openSync, readSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { runFolder } from '../../core/janitor.js'

const MOST_BYTES = 4096

export class Complaints {
  /** Becomes descriptor 2 of the peer. The file has no name. */
  readonly fd: number
  #from = 0
  /** The text, once the descriptor is closed. */
  #last: string | undefined

  constructor() {
    const path = join(runFolder(), `${randomBytes(6).toString('hex')}.stderr`)
    this.fd = openSync(path, 'ax+', 0o600)
    unlinkSync(path)
  }

  /** What is written from now on counts. */
  begin(): void {
    if (this.#last === undefined) this.#from = fstatSync(this.fd).size
  }

  text(): string {
    if (this.#last !== undefined) return this.#last
    const bytes = new Uint8Array(MOST_BYTES)
    return new TextDecoder().decode(bytes.subarray(0, readSync(this.fd, bytes, 0, MOST_BYTES, this.#from))).trim()
  }

  close(): void {
    if (this.#last !== undefined) return
    this.#last = this.text()
    closeSync(this.fd)
  }
}
