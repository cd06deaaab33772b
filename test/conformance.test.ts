/** Every adapter against every case of the suite, a test each. */
import assert from 'node:assert/strict'
import { type CaseResult, conformanceCases, countByStatus, runConformance } from 'ipc-playground/testing'
import { afterAll, test } from 'vitest'
import { adapterById, adapterIds } from '../src/core/registry.js'

const titleOf = ({ promise, title }: { promise: number; title: string }) => `${promise}: ${title}`

/** One adapter's run, begun by the first test that asks, whose results come one by one. */
class Enrolment {
  readonly #adapter: string
  readonly #results = new Map<string, PromiseWithResolvers<CaseResult>>()
  #run: Promise<unknown> | undefined

  constructor(adapter: string) {
    this.#adapter = adapter
    for (const testCase of conformanceCases) this.#results.set(titleOf(testCase), withResolvers())
  }

  result(title: string): Promise<CaseResult> {
    this.#begin()
    const found = this.#results.get(title)
    assert(found !== undefined)
    return found.promise
  }

  #begin(): void {
    this.#run ??= runConformance(this.#adapter, { onResult: (result) => this.#results.get(titleOf(result))?.resolve(result) }).catch(
      (error) => {
        for (const { reject } of this.#results.values()) reject(error)
      },
    )
  }

  /** Settles when the run, if it was begun, has released everything. */
  async over(): Promise<void> {
    await this.#run
  }
}

interface PromiseWithResolvers<T> {
  promise: Promise<T>
  resolve: (value: T) => void
  reject: (error: unknown) => void
}

function withResolvers<T>(): PromiseWithResolvers<T> {
  let resolve: (value: T) => void = () => {}
  let reject: (error: unknown) => void = () => {}
  const promise = new Promise<T>((...settle) => {
    ;[resolve, reject] = settle
  })
  promise.catch(() => {}) // a filter may leave out the test that waits for it
  return { promise, resolve, reject }
}

const enrolments: Enrolment[] = []
const seen: CaseResult[] = []
const unavailable: string[] = []

for (const id of await adapterIds()) {
  const reason = (await adapterById(id)).unavailable()
  if (reason !== undefined) {
    unavailable.push(id)
    test.skip(`${id} › unavailable: ${reason}`, () => {})
    continue
  }
  const enrolment = new Enrolment(id)
  enrolments.push(enrolment)
  for (const testCase of conformanceCases)
    test(`${id} › ${titleOf(testCase)}`, async (context) => {
      const result = await enrolment.result(titleOf(testCase))
      seen.push(result)
      if (result.status === 'skipped' || result.status === 'not-kept') context.skip(`${result.status}: ${result.reason}`)
      if (result.status === 'absent') await context.annotate(`absent: ${result.reason}`, 'absent')
      assert.notEqual(result.status, 'failed', result.reason)
    })
}

test('titles name their cases one by one', () => {
  assert.equal(new Set(conformanceCases.map(titleOf)).size, conformanceCases.length)
  const promises = new Set(conformanceCases.map(({ promise }) => promise))
  for (let promise = 1; promise <= 12; promise++) assert(promises.has(promise), `no case for promise ${promise}`)
})

afterAll(async () => {
  for (const enrolment of enrolments) await enrolment.over()
  const counts = countByStatus(seen)
  const summary = Object.entries(counts).map(([status, count]) => `${count} ${status}`)
  process.stdout.write(`conformance: ${summary.join(', ')}; unavailable adapters: ${unavailable.join(', ') || 'none'}\n`)
})
