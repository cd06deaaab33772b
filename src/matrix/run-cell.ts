/** One cell: an experiment between real processes, and what the oracle says of it. */

import type { Rewrite } from '../stage/actor.js'
import { Company } from '../stage/company.js'
import { Skip, Stage } from '../stage/stage.js'
import { type Step, Story } from '../stage/story.js'
import { compare } from './comparison/compare.js'
import { expectationOf, groupOf, type Prediction, predictionOf, titleOf } from './oracle/oracle.js'
import type { Property } from './properties/property.js'
import type { Subject } from './subjects/subject.js'
import { NOT_APPLICABLE, type Observation, type SubjectKey } from './vocabulary.js'

/** `differs`: the kernel did something else than the documents say. `failed`: the experiment did not come to an end. */
export type Verdict = 'pass' | 'differs' | 'not-applicable' | 'skipped' | 'failed'

export interface CellResult {
  readonly property: string
  readonly name: string
  readonly title: string
  readonly group: string
  readonly subject: SubjectKey
  readonly adapter: string
  readonly verdict: Verdict
  /** Why it is not a pass. */
  readonly reason?: string
  readonly prediction: Prediction
  readonly observation?: Observation
  readonly steps: readonly Step[]
  readonly ms: number
}

export interface CellOptions {
  /** The processes of a run of many cells; else the cell has its own. */
  readonly company?: Company
  /** Called with each step as it happens. */
  readonly onStep?: (step: Step) => void
  /** Puts other calls in place of those of the experiment: what a wrong implementation would do. */
  readonly rewrite?: Rewrite
  /** Rejects the run; every process and object of it is gone when it does. */
  readonly signal?: AbortSignal
}

/** No cell waits for a second on purpose: one that takes so long hangs. */
const LIMIT_MS = 20_000

export async function runCell(property: Property, subject: Subject, options: CellOptions = {}): Promise<CellResult> {
  const started = performance.now()
  const story = new Story(options.onStep)
  const end = await play(property, subject, story, options)
  return {
    property: property.id,
    name: property.name,
    title: titleOf(property.id),
    group: groupOf(property.id),
    subject: subject.key,
    adapter: subject.adapter,
    prediction: predictionOf(property.id, subject.key),
    steps: story.steps,
    ms: Math.round(performance.now() - started),
    ...end,
  }
}

type Ending = Pick<CellResult, 'verdict' | 'reason' | 'observation'>

async function play(property: Property, subject: Subject, story: Story, options: CellOptions): Promise<Ending> {
  options.signal?.throwIfAborted()
  const experiment = property.experiments[subject.key]
  if (typeof experiment !== 'function') {
    const { verdict, ...rest } = compare({ value: NOT_APPLICABLE }, expectationOf(property.id, subject.key))
    return { verdict, reason: experiment.notApplicable, ...rest, observation: { value: NOT_APPLICABLE } }
  }
  const impossible = subject.unavailable?.()
  if (impossible !== undefined) return { verdict: 'skipped', reason: impossible }
  const company = options.company ?? (await Company.gather())
  const stage = new Stage(company, story, options.rewrite === undefined ? {} : { rewrite: options.rewrite })
  try {
    const seen = await limited(experiment(stage, subject), stage, options.signal)
    const observation = typeof seen === 'string' ? { value: seen } : seen
    return { ...compare(observation, expectationOf(property.id, subject.key)), observation }
  } catch (error) {
    options.signal?.throwIfAborted()
    if (error instanceof Skip) return { verdict: 'skipped', reason: error.message }
    return { verdict: 'failed', reason: error instanceof Error ? error.message : String(error) }
  } finally {
    await stage.clear()
    if (options.company === undefined) await company.close()
  }
}

/** The experiment, but no longer than it may take: then it says where it hung. */
async function limited<T>(experiment: Promise<T>, stage: Stage, signal: AbortSignal | undefined): Promise<T> {
  experiment.catch(() => {}) // it may fail of what ends it
  const over = new AbortController()
  try {
    return await Promise.race([
      experiment,
      new Promise<never>((_, reject) => {
        const patience = setTimeout(() => reject(new Error(`no end after ${LIMIT_MS / 1000} s: ${stage.stuckIn()}`)), LIMIT_MS)
        over.signal.addEventListener('abort', () => clearTimeout(patience))
        signal?.addEventListener('abort', () => reject(signal.reason), { signal: over.signal })
      }),
    ])
  } finally {
    over.abort()
  }
}
