/** POSIX named semaphores, two to a channel. sem_overview(7) */
import { randomBytes } from 'node:crypto'
import { constants } from 'node:os'
import { defineAdapter } from '../../core/adapter.js'
import { checkName, pathOf } from '../../core/address.js'
import { check, type ErrorContext, IpcError, systemError } from '../../core/errors.js'
import { awaitHello, sayHello } from '../../core/hello.js'
import { fileKind, sweep, type Tracked, trackNew } from '../../core/janitor.js'
import {
  fileOf,
  findSemaphore,
  MAX_NAME as MAX_WHOLE_NAME,
  makeSemaphore,
  type NamedSemaphore,
  removeName,
} from '../../core/posix-semaphore.js'
import { addonError } from '../../native/index.js'
import { native } from '../../native/semaphore.js'
import { TokenEndpoint, tokenCapabilities } from './token-endpoint.js'

declare module '../../core/channel.js' {
  interface Adapters {
    /** The name of the two semaphores of a channel: NAME.0 from listener to connector, and NAME.1. One slash in front at most, and 249 bytes. */
    'semaphore/posix': { name: string }
  }
}

const id = 'semaphore/posix'
const { EEXIST, ENOENT } = constants.errno
const MAX_NAME = MAX_WHOLE_NAME - '.0'.length

/** Owns both semaphores. */
class PosixSemaphores extends TokenEndpoint {
  readonly #from: number
  readonly #to: number

  constructor(from: number, to: number, errors: ErrorContext) {
    super(errors)
    this.#from = from
    this.#to = to
  }

  protected override post(): number {
    return native.semPost(this.#to)
  }
  protected override tryTake(): number {
    return native.semTryWait(this.#from)
  }
  protected override take(timeoutMs: number): number {
    return native.semWait(this.#from, timeoutMs)
  }
  protected override giveBack(): void {
    native.semPost(this.#from)
  }
  protected override openReader(): number {
    return native.semWaiter(this.#from, 0)
  }
  protected override openWriter(): number {
    return native.semWaiter(this.#to, 1)
  }
  protected override release(): void {
    native.semClose(this.#from)
    native.semClose(this.#to)
  }
}

const semaphoreName = (name: unknown, suffix = ''): string => `/${checkName(name, MAX_NAME)}${suffix}`

const format = ({ name }: { name: string }) => `sem:///${encodeURIComponent(semaphoreName(name).slice(1))}`

/** A semaphore of somebody else. */
function find(name: string, errors: ErrorContext): NamedSemaphore {
  const found = findSemaphore(name, errors)
  if (found === undefined) throw systemError(-ENOENT, 'sem_open', errors)
  return found
}

export default defineAdapter({
  id,
  scheme: 'sem',
  summary: 'POSIX named semaphores: events without bytes',
  capabilities: { ...tokenCapabilities, native: 'simplex', lifetime: 'kernel' },
  unavailable: () => addonError,
  parse: (url) => ({ name: pathOf(url) }),
  format,
  temporary: () => ({ name: `ipc-playground-${randomBytes(8).toString('hex')}` }),

  async listen(address, context) {
    const url = format(address)
    const errors = { adapter: id, address: url } as const
    sweep() // what a killed listener left does not count as taken
    const made: { handle: number; tracked: Tracked }[] = []
    const make = (suffix: string): number => {
      const name = semaphoreName(address.name, suffix)
      const { result, tracked } = trackNew(
        fileKind,
        fileOf(name),
        () => makeSemaphore(name, { permits: 0, mode: context.mode }, errors)?.handle ?? -EEXIST,
      )
      const handle = check(result, 'sem_open', errors)
      made.push({ handle, tracked: tracked as Tracked })
      return handle
    }
    const removeNames = () => {
      for (const { tracked } of made) tracked.remove()
    }
    let endpoint: PosixSemaphores
    try {
      // NAME.0 is the gate: who finds it finds the other.
      const from = make('.1')
      endpoint = new PosixSemaphores(from, make('.0'), errors)
    } catch (error) {
      removeNames()
      for (const { handle } of made) native.semClose(handle)
      throw error
    }
    return awaitHello(
      endpoint,
      url,
      context,
      errors,
      () => {
        for (const { tracked } of made) tracked.forget()
      },
      removeNames,
    )
  },

  /** Whoever removes the name NAME.0 is the peer; from then on the semaphores are nameless, and end with their last user. */
  async connect(address, { signal }) {
    signal.throwIfAborted()
    sweep() // a killed listener's semaphores would take a hello as well
    const errors = { adapter: id, address: format(address) } as const
    const [toConnector, toListener] = [semaphoreName(address.name, '.0'), semaphoreName(address.name, '.1')]
    const from = find(toConnector, errors)
    let to: NamedSemaphore | undefined
    try {
      to = find(toListener, errors)
      const claimed = removeName(toConnector, from.inode)
      if (claimed === -ENOENT) throw new IpcError('ERR_IPC_BUSY', 'another connector was faster; the listener takes one', errors)
      check(claimed, 'sem_unlink', errors)
    } catch (error) {
      native.semClose(from.handle)
      if (to !== undefined) native.semClose(to.handle)
      throw error
    }
    removeName(toListener, to.inode)
    return sayHello(new PosixSemaphores(from.handle, to.handle, errors), errors)
  },
})
