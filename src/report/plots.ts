/** The samples of a trace as plots: what is the same stands on one, a line for each whose it is. Pure. */
import type { Trace } from '../lab/trace.js'
import { groupBy } from './model.js'
import { BOUNDS, samplesOf, type Taken } from './samples.js'

/** What is drawn over what. */
export interface Plot {
  readonly title: string
  readonly over: string
  /** Steps: a value holds until the next. */
  readonly steps: boolean
  readonly lines: readonly PlotLine[]
}

export interface PlotLine {
  readonly label: string
  readonly points: readonly PlotPoint[]
  /** A bound of what is followed, not itself. */
  readonly dashed: boolean
  /** Where on the line packets were lost. */
  readonly losses: readonly PlotPoint[]
  /** Why it goes no further. */
  readonly end?: string
}

export type PlotPoint = readonly [number, number]

/** More points than this cannot be told apart. */
const MOST_POINTS = 600

/** What was followed: all of which there are at least two samples. */
export function plotsOf(trace: Trace): readonly Plot[] {
  const samples = samplesOf(trace)
  const lost = trace.events.flatMap(({ t, packet }) => (packet?.fate === 'lost' ? [t] : []))
  const ends = new Map(samples.flatMap(({ whose, end }) => (end === undefined ? [] : [[whose, end]])))
  return [...groupBy(samples, plotKey).values()]
    .filter(isFollowed)
    .map((own) => (own[0]?.over === undefined ? plotOverTime(own, lost) : plotOver(own[0].over.name, own, ends)))
}

function plotOver(over: string, own: readonly Taken[], ends: ReadonlyMap<string, string>): Plot {
  const lines = linesOf(own).map((line): PlotLine => {
    const points = line.map((one): PlotPoint => [one.over?.value ?? 0, one.value]).sort(([a], [b]) => a - b)
    const end = ends.get(line[0]?.whose ?? '')
    return { label: labelOf(line), points: thinned(points), dashed: false, losses: [], ...(end === undefined ? {} : { end }) }
  })
  return { title: titleOf(own), over, steps: false, lines }
}

function plotOverTime(own: readonly Taken[], lost: readonly number[]): Plot {
  const begin = beginnings(own)
  const lines = linesOf(own).map((line, at): PlotLine => {
    const { what, whose } = line[0] ?? { what: '', whose: '' }
    const since = (t: number) => Math.round(10 * (t - (begin?.get(whose) ?? 0))) / 10
    const points = line.map(({ t, value }): PlotPoint => [since(t), value])
    const [end, final] = [since(own.findLast((one) => begin === undefined || one.whose === whose)?.t ?? 0), points.at(-1) ?? [0, 0]]
    if (final[0] < end) points.push([end, final[1]]) // it held until then
    const isMarked = !isBound(what) && (begin !== undefined || at === 0)
    return {
      label: labelOf(line),
      points: thinned(points),
      dashed: isBound(what),
      losses: isMarked ? lossesOn(points, lost.map(since)) : [],
    }
  })
  return { title: titleOf(own), over: begin === undefined ? 'ms since the story began' : 'ms since each began', steps: true, lines }
}

/** What is in no plot, for there is but one of it. */
export const figuresOf = (trace: Trace): readonly Taken[] =>
  [...groupBy(samplesOf(trace), plotKey).values()].filter((own) => !isFollowed(own)).flat()

const isBound = (what: string): boolean => BOUNDS[what] !== undefined
const plotKey = ({ what, over }: Taken): string => `${BOUNDS[what] ?? what}, ${over?.name}`
const linesOf = (samples: readonly Taken[]): readonly (readonly Taken[])[] => [
  ...groupBy(samples, ({ what, whose }) => `${what}: ${whose}`).values(),
]
const isFollowed = (samples: readonly Taken[]): boolean => linesOf(samples).some((line) => line.length > 1)
const titleOf = (samples: readonly Taken[]): string => samples.find(({ what }) => !isBound(what))?.what ?? samples[0]?.what ?? ''

function labelOf([first]: readonly Taken[]): string {
  const { what, whose } = first ?? { what: '', whose: '' }
  return isBound(what) ? `${what} ${whose}`.trim() : whose || what
}

/** Those who were followed one after the other are compared from the beginning of each; undefined: they were at the same time. */
function beginnings(samples: readonly Taken[]): ReadonlyMap<string, number> | undefined {
  const runs = [...groupBy(samples, ({ whose }) => whose)].map(([whose, own]) => ({
    whose,
    from: own[0]?.t ?? 0,
    to: own.at(-1)?.t ?? 0,
  }))
  const isAlone = runs.every((run) => runs.every((other) => other === run || other.from > run.to || other.to < run.from))
  return runs.length > 1 && isAlone ? new Map(runs.map(({ whose, from }) => [whose, from])) : undefined
}

/** Losses while the line was drawn, at the height that it had. */
function lossesOn(points: readonly PlotPoint[], times: readonly number[]): readonly PlotPoint[] {
  const [first, last] = [points[0]?.[0] ?? 0, points.at(-1)?.[0] ?? 0]
  return times
    .filter((t) => t >= first && t <= last)
    .slice(0, MOST_POINTS)
    .map((t) => [t, points.findLast(([x]) => x <= t)?.[1] ?? 0])
}

/** Of each stretch its first, its least and its greatest; the last of all. */
function thinned(points: readonly PlotPoint[]): readonly PlotPoint[] {
  if (points.length <= MOST_POINTS) return points
  const stretch = Math.ceil(points.length / (MOST_POINTS / 3))
  const kept = new Set<PlotPoint | undefined>([points.at(-1)])
  for (let at = 0; at < points.length; at += stretch) {
    const some = points.slice(at, at + stretch)
    const sorted = [...some].sort(([, a], [, b]) => a - b)
    for (const point of [some[0], sorted[0], sorted.at(-1)]) kept.add(point)
  }
  return points.filter((point) => kept.has(point))
}
