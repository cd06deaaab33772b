/**
 * The network lab as a page of the report: what each story predicted and saw, and its trace as drawings. All but the plots is
 * in the markup; those are made by assets/network.js.
 */
import type { StoryResult } from '../lab/story.js'
import type { Trace } from '../lab/trace.js'
import { escapeHtml } from './escape.js'
import { countsOfStories, LAB_SYMBOLS, type LabReport } from './lab.js'
import { renderFigures } from './lab-figures.js'
import { ladderOf } from './ladder.js'
import { renderLadder } from './ladder-svg.js'
import { figuresOf, type Plot, plotsOf } from './plots.js'
import { renderEnds, renderStateMachine } from './state-machine-svg.js'
import { connectionsOf } from './state-paths.js'
import { formatTime } from './svg.js'

/** As the matrix colours them. */
const CLASSES: Readonly<Record<StoryResult['verdict'], string>> = {
  'as predicted': 'pass',
  refuted: 'differs',
  skipped: 'skipped',
  failed: 'failed',
}

/** Every plot of every story; a canvas names its own by its place. */
export const plotsOfLab = ({ stories }: LabReport): readonly Plot[] => stories.flatMap(({ trace }) => plotsOf(trace))

export function renderLab(lab: LabReport): string {
  const { stories, createdAt } = lab
  const kernel = stories[0]?.trace.kernel
  let plots = 0
  const told = stories.map((story, index) => {
    const first = plots
    plots += plotsOf(story.trace).length
    return renderStory(story, first, index === 0)
  })
  return `<section id="network" class="page">
<h2>The network lab</h2>
<p class="story">What this kernel’s TCP and its kin did between hosts in namespaces of their own, held against what was predicted. Each story is drawn from its trace.</p>
<p class="story">${escapeHtml(`${kernel === undefined ? '' : `${kernel} · `}${createdAt.slice(0, 16).replace('T', ' ')} UTC`)}</p>
<p class="verdicts">${countsOfStories(stories)
    .map(({ verdict, count }) => `<span class="${CLASSES[verdict]}">${LAB_SYMBOLS[verdict]} ${count} ${verdict}</span>`)
    .join(' ')}</p>
${told.join('\n')}
</section>`
}

function renderStory(story: StoryResult, firstPlot: number, open: boolean): string {
  const { name, title, prediction, citation, verdict, reason, trace, ms } = story
  const mark = `<b class="${CLASSES[verdict]}">${LAB_SYMBOLS[verdict]}</b>`
  const facts = [
    ['Prediction', escapeHtml(prediction)],
    [
      'Verdict',
      `<b class="${CLASSES[verdict]}">${LAB_SYMBOLS[verdict]} ${verdict}</b>${reason === undefined ? '' : `: ${escapeHtml(reason)}`}`,
    ],
    ['Source', escapeHtml(citation)],
    ['Again', `<code>make lab-${escapeHtml(name)}</code>`],
  ]
  return `<details class="lab"${open ? ' open' : ''}>
<summary>${mark} <span>${escapeHtml(title)}</span> <code>${escapeHtml(name)}</code> <span class="soft">${(ms / 1000).toFixed(1)} s, ${escapeHtml(trace.backend)}</span></summary>
<div id="lab-${escapeHtml(name)}" class="told">
<dl>${facts.map(([term, told]) => `<div><dt>${term}</dt><dd>${told}</dd></div>`).join('')}</dl>
${renderFigures(figuresOf(trace), title)}${renderPlots(plotsOf(trace), firstPlot)}${renderLadderAndSteps(trace, title)}${renderMachines(trace)}</div>
</details>`
}

function renderPlots(plots: readonly Plot[], first: number): string {
  if (plots.length === 0) return ''
  const figures = plots.map(({ title, over, lines }, at) => {
    const label = `${title} over ${over}: ${lines.map(rangeOf).join('; ')}`
    const stops = lines.some(({ end }) => end !== undefined) ? '; a cross: stopped there' : ''
    return `<figure><figcaption><b>${escapeHtml(title)}</b> <span>over ${escapeHtml(over)}${stops}</span></figcaption><div class="plot"><canvas data-plot="${first + at}" role="img" aria-label="${escapeHtml(label)}"></canvas></div></figure>`
  })
  return `<div class="charts${plots.length === 1 ? ' single' : ''}">${figures.join('\n')}</div>\n`
}

/** `reno 10 to 145` */
function rangeOf({ label, points }: Plot['lines'][number]): string {
  const values = points.map(([, value]) => value)
  return `${label} ${Math.min(...values)} to ${Math.max(...values)}`
}

/** More than this nobody reads; the trace has them all. */
const MOST_STEPS = 400

function renderLadderAndSteps(trace: Trace, title: string): string {
  const ladder = ladderOf(trace)
  const notes = trace.events.flatMap(({ t, note, kind }) => (note === undefined ? [] : [{ t, note, kind: kind ?? 'observation' }]))
  const steps = notes.slice(0, MOST_STEPS).map(({ t, note, kind }) => {
    const mark = kind === 'observation' ? '<b class="pass">→</b> ' : ''
    return `<li class="${escapeHtml(kind)}"><i>${formatTime(t)}</i>${mark}${escapeHtml(note)}</li>`
  })
  if (notes.length > MOST_STEPS) steps.push(`<li class="soft">… and ${notes.length - MOST_STEPS} more</li>`)
  const told =
    steps.length === 0
      ? ''
      : `<figure class="steps-told"><figcaption><b>What was done and seen</b> <span>ms since the story began</span></figcaption><div class="scroll" tabindex="0" role="region" aria-label="Steps of: ${escapeHtml(title)}"><ol class="steps">${steps.join('\n')}</ol></div></figure>`
  const drawn =
    ladder === undefined
      ? ''
      : `<figure class="rungs"><figcaption><b>Packets and states</b> <span>time goes down, in ms; longer waits are drawn shorter</span></figcaption><div class="scroll" tabindex="0" role="region" aria-label="Ladder diagram: ${escapeHtml(title)}">${renderLadder(ladder, `Ladder diagram: ${title}`)}</div></figure>`
  const isAlone = drawn === '' || told === '' || (ladder?.hosts.length ?? 0) > 2
  return `<div class="trace${isAlone ? ' single' : ''}">${drawn}${told}</div>\n`
}

/** Ways through the diagram; more would only repeat what the others show. */
const MOST_MACHINES = 4

function renderMachines(trace: Trace): string {
  const connections = connectionsOf(trace)
  if (connections.length === 0) return ''
  const shown = connections.slice(0, MOST_MACHINES).map((connection) => {
    const { ends, alike } = connection
    const label = `States: ${ends.map(({ side, transitions }) => `${side} ${[transitions[0]?.from, ...transitions.map(({ to }) => to)].join(', ')}`).join('; ')}`
    const others = alike === 0 ? '' : ` <span>and ${alike} ${alike === 1 ? 'connection' : 'connections'} likewise</span>`
    return `<figure><figcaption>${renderEnds(ends)}${others}</figcaption><div class="scroll" tabindex="0" role="region" aria-label="${escapeHtml(label)}">${renderStateMachine(connection, label)}</div></figure>`
  })
  const rest = connections.length - MOST_MACHINES
  return `<h3>The states of RFC 9293 that were passed, and when <span class="soft">dashed: unseen, between two looks</span></h3>
<div class="machines${shown.length === 1 ? ' single' : ''}">${shown.join('\n')}</div>
${rest > 0 ? `<p class="story">${rest} more ${rest === 1 ? 'connection' : 'connections'} went other ways.</p>\n` : ''}`
}
