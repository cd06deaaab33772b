import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { suggestion } from '../core/registry.js'
import { type NetworkStory, playStory, type StoryResult } from '../lab/story.js'
import { countsOfStories, LAB_SYMBOLS } from '../report/lab.js'
import { ladderOf } from '../report/ladder.js'
import { ladderText } from '../report/ladder-text.js'
import { writeLab } from '../report/write.js'
import { unavailable } from '../stage/company.js'
import type { Step } from '../stage/story.js'
import { type Colours, coloursFor } from './colours.js'
import { interruptible } from './interrupt.js'
import { UsageError } from './outcome.js'
import { packageFolder } from './package-folder.js'
import { startProgress } from './progress.js'
import { checkFolder, short } from './report-folder.js'

/** What demos/network has. */
interface Stories {
  readonly stories: readonly NetworkStory[]
}

interface Options {
  folder: string
  json?: boolean
}

/** Plays the stories that `names` name: one is told step by step, several get a line each. Exit status 1 where one was refuted or failed. */
export async function lab(names: readonly string[], { folder, json }: Options): Promise<number> {
  const { stories } = (await import(pathToFileURL(join(packageFolder, 'dist', 'demos', 'network', 'index.js')).href)) as Stories
  const chosen = select(stories, names)
  const reason = unavailable()
  if (reason !== undefined) throw new UsageError(reason)
  checkFolder(folder)
  const results: StoryResult[] = []
  const publish = () => {
    const written = writeLab(
      results,
      stories.map(({ name }) => name),
      folder,
    )
    if (json === true) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`)
    console.error(`${short(written.html)}#network, ${short(written.markdown)}, ${short(written.json)}`)
  }
  const paint = coloursFor(process.stdout)
  await interruptible(async (signal) => {
    try {
      if (chosen.length === 1 && json !== true) for (const story of chosen) results.push(await tell(story, paint, signal))
      else await playAll(chosen, results, { paint, quiet: json === true, signal })
    } finally {
      if (results.length > 0) publish()
    }
  })
  return results.some(({ verdict }) => verdict === 'refuted' || verdict === 'failed') ? 1 : 0
}

function select(stories: readonly NetworkStory[], names: readonly string[]): readonly NetworkStory[] {
  const known = stories.map(({ name }) => name)
  for (const name of names) if (!known.includes(name)) throw new UsageError(`there is no story '${name}'${suggestion(name, known)}`)
  return names.length === 0 ? stories : stories.filter(({ name }) => names.includes(name))
}

async function tell(story: NetworkStory, paint: Colours, signal: AbortSignal): Promise<StoryResult> {
  console.log(`${paint.bold(story.title)}\n\n${paint.bold('Prediction')}  ${story.prediction}\n`)
  const result = await playStory(story, { signal, onStep: (step) => console.log(line(step, paint)) })
  for (const drawn of ladderLines(result, paint)) console.log(drawn)
  console.log(`\n${paint.bold('Verdict')}     ${worded(result, paint)}\n${paint.bold('Source')}      ${story.citation}`)
  return result
}

/** The packets, where the trace has any and is short. */
function ladderLines({ trace }: StoryResult, paint: Colours): readonly string[] {
  const ladder = ladderOf(trace)
  const drawn = ladder && ladderText(ladder, { heading: paint.bold, time: paint.dim, state: paint.green, trouble: paint.yellow })
  return drawn === undefined ? [] : ['', ...drawn]
}

interface Manner {
  readonly paint: Colours
  readonly quiet: boolean
  readonly signal: AbortSignal
}

async function playAll(chosen: readonly NetworkStory[], results: StoryResult[], { paint, quiet, signal }: Manner): Promise<void> {
  const progress = startProgress()
  const began = performance.now()
  try {
    for (const [index, story] of chosen.entries()) {
      const left = index === 0 ? 0 : ((performance.now() - began) / index) * (chosen.length - index)
      progress.update(index / chosen.length, left, story.title)
      results.push(await playStory(story, { signal }))
    }
  } finally {
    progress.stop()
    const width = Math.max(...chosen.map(({ name }) => name.length))
    if (!quiet) {
      for (const result of results) console.log(`${result.name.padEnd(width)}  ${worded(result, paint)}`)
      console.log(
        `\n${countsOfStories(results)
          .map(({ verdict, count }) => `${LAB_SYMBOLS[verdict]} ${count} ${verdict}`)
          .join('   ')}`,
      )
    }
  }
}

function worded({ verdict, reason, ms }: StoryResult, paint: Colours): string {
  const colour = verdict === 'as predicted' ? paint.green : verdict === 'skipped' ? paint.yellow : paint.red
  return `${colour(`${LAB_SYMBOLS[verdict]} ${verdict}`)} ${paint.dim(`in ${(ms / 1000).toFixed(1)} s`)}${reason === undefined ? '' : `: ${reason}`}`
}

function line({ kind, role, pid, text }: Step, paint: Colours): string {
  if (kind === 'intent') return paint.bold(text)
  const who = role === undefined ? '' : `${role} ${pid}: `
  return kind === 'observation' ? `  ${paint.green('→')} ${who}${text}` : `  ${paint.dim(`${who}${text}`)}`
}
