import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { Company, type Question, questionOf, runCell, shuffled } from '../matrix/index.js'
import { type Colours, coloursFor } from './colours.js'
import { interruptible } from './interrupt.js'
import { selectCells } from './matrix-cells.js'
import { UsageError } from './outcome.js'

/**
 * Asks what the kernel will do, lets it do that, and keeps a score. Ends after so many questions, at `q` and at
 * the end of standard input, with status 0: a wrong answer is no failure.
 */
export async function quiz(names: readonly string[], options: { questions: string }): Promise<number> {
  const count = Number(options.questions)
  if (!Number.isInteger(count) || count < 1) throw new UsageError(`--questions must be a number from 1 on, not '${options.questions}'`)
  const questions = shuffled(selectCells(names))
    .flatMap((cell) => questionOf(cell) ?? [])
    .slice(0, count)
  if (questions.length === 0) throw new UsageError('there is nothing to choose in these cells: name more properties or other mechanisms')
  const paint = coloursFor(process.stdout)
  const score = { right: 0, asked: 0 }
  await interruptible(async (signal) => {
    try {
      await ask(questions, score, paint, signal)
    } finally {
      console.log(`\n${paint.bold(`${score.right} of ${score.asked} right.`)}`)
    }
  })
  return 0
}

async function ask(questions: readonly Question[], score: { right: number; asked: number }, paint: Colours, signal: AbortSignal) {
  // Not as a terminal: the kernel edits lines, and its Ctrl-C is a signal.
  const input = createInterface({ input: process.stdin, terminal: false })
  const lines = input[Symbol.asyncIterator]()
  const company = await Company.gather()
  const interrupted = once(signal, 'abort').then(() => undefined)
  try {
    for (const [i, question] of questions.entries()) {
      pose(question, `${i + 1} of ${questions.length}`, paint)
      const chosen = await choice(question, lines, interrupted, paint)
      if (chosen === undefined) return
      const { property, subject } = question.cell
      const { observation, verdict, reason, prediction } = await runCell(property, subject, { company, signal })
      if (observation === undefined) {
        console.log(`  This machine does not tell: ${reason}. It does not count.`)
        continue
      }
      const right = chosen === observation.value || (verdict === 'pass' && chosen === prediction.value)
      score.asked++
      if (right) score.right++
      const mark = right ? paint.green('✓ Right.') : paint.red(`✗ You said: ${chosen}.`)
      console.log(`  ${mark} The kernel did: ${paint.bold(observation.value)}`)
      if (verdict === 'differs') console.log(`  The documents say otherwise: ${prediction.value}`)
      if (prediction.detail !== '') console.log(`  ${prediction.detail}`)
      console.log(
        paint.dim(`  ${prediction.cite === '' ? '' : `${prediction.cite}; `}the whole story: make cell P=${property.id} M=${subject.key}`),
      )
    }
  } finally {
    input.close()
    await company.close()
  }
}

function pose({ cell: { property, subject }, title, recipe, options }: Question, place: string, paint: Colours): void {
  console.log(`\n${paint.bold(`${place} · ${property.id} ${title}: ${subject.title}`)}`)
  console.log(paint.dim(`How it is tried: ${recipe}`))
  for (const [i, option] of options.entries()) console.log(`  ${i + 1}  ${option}`)
}

/** undefined at the end: of the input, of patience, or by a signal. */
async function choice(
  { options }: Question,
  lines: AsyncIterator<string>,
  interrupted: Promise<undefined>,
  paint: Colours,
): Promise<string | undefined> {
  for (;;) {
    process.stdout.write(paint.bold(`What happens? 1 to ${options.length}, q ends: `))
    const line = await Promise.race([lines.next(), interrupted])
    if (line === undefined || line.done === true) return undefined
    const answer = line.value.trim().toLowerCase()
    if (answer === 'q') return undefined
    const chosen = /^\d+$/.test(answer) ? options[Number(answer) - 1] : options.find((option) => option.toLowerCase() === answer)
    if (chosen !== undefined) return chosen
  }
}
