/** How far each model of a server climbs, and what stops it. */
import type { Loaded } from './load.js'

/** How a server serves several. `warm`: so many clients it learns with, before it is measured. */
export const MODELS = {
  process: { program: 'process-per-connection', warm: 1, text: 'A process a connection, which blocks in read(2)' },
  thread: { program: 'thread-per-connection', warm: 1, text: 'A thread a connection, which blocks in read(2)' },
  reactor: { program: 'reactor', warm: 100, text: 'A reactor: one event loop for all connections' },
  'multi-reactor': { program: 'multi-reactor', warm: 100, text: 'Several reactors at one port' },
} as const
export type Model = keyof typeof MODELS

export const RUNGS = [10, 100, 500, 1000, 3000, 10_000] as const

/** So long may opening connections take, of all rungs of a model. */
export const OPENING_MS = 16_000
/** What a process has open beside its connections, and then some. */
const OTHER_DESCRIPTORS = 64

/** What was measured with so many connections open. */
export interface Rung {
  readonly connections: number
  readonly loaded: Loaded
  /** KiB and tasks that a connection costs. */
  readonly memory: number
  readonly tasks: number
  /** How many of them each of several reactors has. */
  readonly dealt: readonly number[]
}

/** What a model may still take. */
export interface Room {
  readonly ms: number
  /** KiB */
  readonly memory: number
  /** Of the server and of the load, the smaller. */
  readonly descriptors: number
}

/** How many connections come next: by what each has cost so far, or the reason why no more. */
export function nextRung({ connections, loaded, memory }: Rung, room: Room): number | string {
  const next = RUNGS.find((rung) => rung > connections)
  if (next === undefined) return 'the top of the ladder'
  const most = room.descriptors - OTHER_DESCRIPTORS
  if (most <= connections) return `RLIMIT_NOFILE leaves a process ${room.descriptors} descriptors`
  const ms = (loaded.openingMs / connections) * next
  if (ms > room.ms) return `to open ${next} would take ${inSeconds(ms)}, and ${inSeconds(room.ms)} are left of ${inSeconds(OPENING_MS)}`
  if (memory * next > room.memory) return `${next} would cost ${inUnits(memory * next)} of memory, and ${inUnits(room.memory)} are given`
  return Math.min(next, most)
}

const inSeconds = (ms: number): string => `${Math.round(ms / 1000)} s`

/** `7.4 MiB` */
export function inUnits(kibibytes: number): string {
  if (kibibytes < 1024) return `${Math.round(kibibytes)} KiB`
  return kibibytes < 1024 ** 2 ? `${(kibibytes / 1024).toFixed(1)} MiB` : `${(kibibytes / 1024 ** 2).toFixed(1)} GiB`
}
