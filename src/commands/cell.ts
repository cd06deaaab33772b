import {
  expectationOf,
  findProperty,
  findSubject,
  groupOf,
  predictionOf,
  runCell,
  type Step,
  titleOf,
  unavailable,
} from '../matrix/index.js'
import { type Colours, coloursFor } from './colours.js'
import { interruptible } from './interrupt.js'
import { describeExpectation, verdictWords } from './matrix-words.js'
import { UsageError } from './outcome.js'

/** Tells one experiment as it goes on: prediction, actions and observations, verdict, citation. */
export async function cell(
  propertyWord: string | undefined,
  subjectWord: string | undefined,
  options: { json?: boolean },
): Promise<number> {
  const { property, subject } = found(propertyWord, subjectWord)
  const reason = unavailable()
  if (reason !== undefined) throw new UsageError(reason)
  const paint = coloursFor(process.stdout)
  const say = (text: string) => options.json !== true && console.log(text)
  const prediction = predictionOf(property.id, subject.key)
  say(`${paint.bold(`${property.id} ${titleOf(property.id)}`)} · ${subject.title} (${subject.adapter}) · ${groupOf(property.id)}\n`)
  say(`${paint.bold('Prediction')}  ${describeExpectation(expectationOf(property.id, subject.key))}`)
  if (prediction.detail !== '') say(paint.dim(`            ${prediction.detail}`))
  say('')
  const result = await interruptible((signal) =>
    runCell(property, subject, { signal, ...(options.json === true ? {} : { onStep: (step: Step) => say(line(step, paint)) }) }),
  )
  if (options.json === true) console.log(JSON.stringify(result, null, 2))
  say(`\n${paint.bold('Observation')} ${result.observation?.value ?? 'none'}${figuresOf(result.observation?.figures)}`)
  say(`${paint.bold('Verdict')}     ${verdictWords(result.verdict, paint)}${result.reason === undefined ? '' : `: ${result.reason}`}`)
  if (prediction.cite !== '') say(`${paint.bold('Source')}      ${prediction.cite}`)
  return result.verdict === 'differs' || result.verdict === 'failed' ? 1 : 0
}

function found(property = '', subject = '') {
  try {
    return { property: findProperty(property), subject: findSubject(subject) }
  } catch (error) {
    throw error instanceof TypeError ? new UsageError(error.message) : error
  }
}

const figuresOf = (figures: Readonly<Record<string, number>> = {}): string =>
  Object.entries(figures)
    .map(([name, value]) => `; ${name}: ${value}`)
    .join('')

function line({ kind, role, pid, text }: Step, paint: Colours): string {
  if (kind === 'intent') return paint.bold(text)
  const who = role === undefined ? '' : `${role} ${pid}: `
  return `  ${kind === 'action' ? `${who}${text}` : paint.dim(`${who}${text}`)}`
}
