/** Runs the suite against one adapter. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Adapter } from '../../core/adapter.js'
import { Result } from '../../core/channel.js'
import { adapterById, moduleOf } from '../../core/registry.js'
import type { CaseResult, ConformanceReport } from '../results.js'
import { Absent, type Case, type Condition, type Subject } from './case.js'
import { conformanceCases } from './cases.js'
import { Context, type Stage, startPeer } from './context.js'
import { Switchboard } from './control.js'
import { HelperPool } from './helpers.js'

const LIMIT_MS = 10_000
/** For a case of a promise that the adapter says it does not keep. */
const EXEMPT_LIMIT_MS = 3000

export interface ConformanceOptions {
  /** Ends the run after the cases that are under way; the rest is reported as skipped. */
  signal?: AbortSignal | undefined
  /** Called with each result as it comes, which is not the order of the suite. */
  onResult?: ((result: CaseResult) => void) | undefined
  /** How many cases run at one time. Default 2. */
  concurrency?: number | undefined
  /** Which cases run. Default: all. */
  only?: ((testCase: Case) => boolean) | undefined
}

/** Multiplies every time limit: for slow machines and memory checkers. */
const timeoutFactor = (): number => Number(process.env.IPC_TEST_TIMEOUT_FACTOR ?? 1) || 1

/** What the cases ask about an adapter. */
export const subjectOf = (adapter: Adapter): Subject => ({
  ...adapter.capabilities,
  threads: adapter.capabilities.rendezvous === 'inherit' && adapter.offer === undefined,
})

/**
 * Holds an adapter to every promise at the head of `core/channel.ts`: between processes that are started, stopped
 * and killed for it, each case under a watchdog. Takes a minute or so. What an adapter cannot do, its
 * capabilities say, and where that can be seen it is seen.
 *
 * Never rejects because of the adapter: each promise that it does not keep is a result of the status `failed`, with
 * the promise's number, the case's title and the reason.
 *
 * @param adapter one that is registered (`registerAdapter`), or the id of one
 * @throws TypeError where it is not known, so that no other process could load it
 */
export async function runConformance(
  adapter: { readonly id: string } | string,
  options: ConformanceOptions = {},
): Promise<ConformanceReport> {
  const id = typeof adapter === 'string' ? adapter : adapter.id
  const known = await adapterById(id)
  if (typeof adapter !== 'string' && adapter !== known) throw new TypeError(`another adapter than this one is known as ${id}`)
  const unavailable = known.unavailable()
  if (unavailable !== undefined) return { adapter: id, results: [], unavailable }
  const board = await Switchboard.open()
  const run = new Run({ board, helpers: new HelperPool(board, moduleOf(id)), adapter: known, subject: subjectOf(known) }, options)
  // A case that fails leaves calls whose rejection nobody awaits any more: they must not end the run.
  process.on('unhandledRejection', ignore)
  try {
    return { adapter: id, results: await run.all(conformanceCases.filter(options.only ?? (() => true))) }
  } finally {
    await run.close()
    process.off('unhandledRejection', ignore)
  }
}

const ignore = () => {}

class Run {
  readonly #stage: Stage
  readonly #options: ConformanceOptions
  readonly #absences = new Map<Condition, Promise<void>>()
  #shared: ReturnType<typeof startPeer> | undefined

  constructor(stage: Stage, options: ConformanceOptions) {
    this.#stage = stage
    this.#options = options
  }

  async all(cases: readonly Case[]): Promise<CaseResult[]> {
    const results: CaseResult[] = []
    const one = async (testCase: Case) => {
      const result = await this.#one(testCase)
      results[cases.indexOf(testCase)] = result
      this.#options.onResult?.(result)
    }
    // The cases that share a peer take turns; the others run beside them, those last that end processes
    // which others can have used before.
    const shared = cases.filter((testCase) => testCase.shared === true)
    const own = cases.filter((testCase) => testCase.shared !== true).sort((a, b) => Number(a.ends ?? false) - Number(b.ends ?? false))
    const takeTurns = async () => {
      for (const testCase of shared) await one(testCase)
      await this.#dropShared()
    }
    const takeNext = async () => {
      for (let next = own.shift(); next !== undefined; next = own.shift()) await one(next)
    }
    // A process has one signal of a number, so its channels over it are one at a time.
    const lanes = this.#stage.subject.rendezvous === 'pid' ? 1 : (this.#options.concurrency ?? 2)
    if (lanes === 1) {
      await takeTurns()
      await takeNext()
    } else await Promise.all([takeTurns().then(takeNext), ...Array.from({ length: lanes - 1 }, takeNext)])
    return results
  }

  async #one(testCase: Case): Promise<CaseResult> {
    const { promise, title } = testCase
    const begin = performance.now()
    const result = (status: CaseResult['status'], reason?: string): CaseResult => ({
      promise,
      title,
      status,
      ...(reason === undefined ? {} : { reason }),
      ms: Math.round(performance.now() - begin),
    })
    const ended = () => this.#options.signal?.aborted === true
    if (ended()) return result('skipped', 'the run was ended')
    const missing = testCase.requires?.find((condition) => !condition.holds(this.#stage.subject))
    const exempt = this.#stage.subject.exempt?.[promise]
    try {
      if (missing === undefined) {
        const limit = exempt === undefined ? testCase.limit : EXEMPT_LIMIT_MS
        await this.#guarded({ limit, shared: testCase.shared }, (context) => testCase.run(context))
      } else await this.#absence(testCase, missing)
      return missing === undefined ? result('passed') : result('absent', missing.reason)
    } catch (error) {
      if (error instanceof Absent) return result('absent', error.message)
      // What ends the run may have ended the peers, too.
      if (ended()) return result('skipped', 'the run was ended')
      const reason = error instanceof Error ? messageOf(error) : String(error)
      return exempt === undefined ? result('failed', reason) : result('not-kept', `${exempt} (${reason})`)
    }
  }

  /** The check of one missing ability, made by the first case that asks for it. */
  #absence(testCase: Case, missing: Condition): Promise<void> {
    const known = this.#absences.get(missing)
    if (known !== undefined) return known
    const checked = this.#guarded({ limit: testCase.limit, shared: testCase.shared }, async (context) => missing.absent?.(context))
    this.#absences.set(missing, checked)
    return checked
  }

  /** Runs a body under a watchdog, and releases what it took whatever happens. */
  async #guarded(
    testCase: { limit?: number | undefined; shared?: true | undefined },
    body: (context: Context) => Promise<void>,
  ): Promise<void> {
    const ms = (testCase.limit ?? LIMIT_MS) * timeoutFactor()
    const context = new Context(this.#stage, testCase.shared === true ? () => this.#takeShared() : undefined)
    let watchdog: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      watchdog = setTimeout(() => reject(new Error(`not over after ${ms / 1000} s`)), ms)
    })
    let passed = false
    try {
      await Promise.race([body(context), late])
      passed = true
    } catch (error) {
      if (error instanceof Absent) passed = true
      throw passed ? error : withComplaints(error, context.complaints())
    } finally {
      clearTimeout(watchdog)
      await Promise.race([context.release(passed), sleep(ms, undefined, { ref: false })])
      if (testCase.shared === true && !(passed && (await this.#sharedIsIdle()))) await this.#dropShared()
    }
  }

  #takeShared(): ReturnType<typeof startPeer> {
    this.#shared ??= startPeer(this.#stage)
    return this.#shared
  }

  /** Whether the case has left the shared channel as it must: open, and empty on both sides. */
  async #sharedIsIdle(): Promise<boolean> {
    const peer = await this.#shared
    if (peer === undefined) return true
    return (
      peer.channel.state === 'open' &&
      peer.channel.queuedBytes === 0 &&
      peer.channel.tryReceiveInto(new Uint8Array(64 * 1024)) === Result.WOULD_BLOCK &&
      (await peer.call('tryReceive', {})) === Result.WOULD_BLOCK
    )
  }

  async #dropShared(): Promise<void> {
    const starting = this.#shared
    this.#shared = undefined
    const peer = await starting?.catch(() => undefined)
    await peer?.stop()
  }

  async close(): Promise<void> {
    await this.#dropShared()
    await this.#stage.helpers.close()
    this.#stage.board.close()
  }
}

/** The error, with what the peers wrote on standard error meanwhile. */
function withComplaints(error: unknown, complaints: string): unknown {
  if (complaints !== '' && error instanceof Error) error.message += `; the peer wrote: ${complaints}`
  return error
}

/** The message, and the line of the suite where it was found. */
function messageOf(error: Error): string {
  const where = error.stack?.split('\n').find((line) => /conformance\/(?!run|context|helpers|control)[a-z-]+\.[jt]s/.test(line))
  const at = where === undefined ? '' : ` (${where.replace(/^.*\/(conformance\/[^:]+:\d+).*$/, '$1')})`
  return `${error.message.split('\n').slice(0, 6).join(' ').replace(/\s+/g, ' ').trim()}${at}`
}
