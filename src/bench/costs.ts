/** What a message costs that only a run of its own can tell: system calls, and garbage. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nodeCommand } from './commands.js'
import { readyWithin } from './durations.js'
import { garbageIn, HEAP_FLAGS } from './garbage.js'
import type { Start } from './launch.js'
import type { Order } from './order.js'
import { type Pair, PairFailure } from './pair.js'
import type { Measurement, Workload } from './record.js'

const ROUND_MS = 150
/** Messages received whose garbage is counted, once all is warm. */
const GARBAGE_MESSAGES = 10_000
/** So slow is nothing that sends messages. */
const MOST_ROUNDS = 60
const ATTACH_MS = 3000

export type Costs = Pick<Measurement, 'syscallsPerMessage' | 'garbageBytesPerMessage' | 'notes'>

/** What could not be counted becomes a note; nothing here fails a trial. */
export async function costsOf(order: Order, start: Start, graceMs: number): Promise<Costs> {
  const notes: string[] = []
  const count = async (what: string, counting: () => Promise<number>): Promise<number | undefined> => {
    try {
      return await counting()
    } catch (error) {
      notes.push(`${what} were not counted: ${error instanceof Error ? error.message : String(error)}`)
      return undefined
    }
  }
  // Both start at the same time, and are run one after the other.
  // With `wrapper` the system calls of channels and of endpoints would be counted as one.
  const traced = order.trial.workload === 'wrapper' ? undefined : start(nodeCommand(order))
  const swept = start(nodeCommand({ ...order, garbageOf: GARBAGE_MESSAGES }, HEAP_FLAGS))
  const syscalls = traced && (await count('system calls', () => syscallsOf(traced, order, graceMs)))
  const garbage = await count('garbage bytes', () => garbageOf(swept, order, graceMs))
  return {
    ...(syscalls === undefined ? {} : { syscallsPerMessage: syscalls }),
    ...(garbage === undefined ? {} : { garbageBytesPerMessage: garbage }),
    ...(notes.length === 0 ? {} : { notes }),
  }
}

async function warm(pair: Pair, order: Order, graceMs: number): Promise<void> {
  const dueMs = readyWithin(order.trial, order) + graceMs
  await pair.ready(dueMs)
  await pair.warmUp(dueMs)
}

const messagesIn = (workload: Workload, count: number): number => (workload === 'round-trip' ? 2 * count : count)

/** Of both sides. A round of almost nothing tells what each round makes by itself: reading costs, telling its figures. */
async function syscallsOf(pair: Pair, order: Order, graceMs: number): Promise<number> {
  await warm(pair, order, graceMs)
  const first = await traced(pair, 1, graceMs)
  const second = await traced(pair, ROUND_MS, graceMs)
  await pair.end(graceMs)
  return (second.calls - first.calls) / messagesIn(order.trial.workload, second.count - first.count)
}

interface Traced {
  readonly calls: number
  readonly count: number
}

/** One round, with strace on all threads of both sides. strace(1) */
async function traced(pair: Pair, durationMs: number, graceMs: number): Promise<Traced> {
  const folder = mkdtempSync(join(tmpdir(), 'ipc-strace-'))
  const output = join(folder, 'calls')
  const processes = [pair.pid, ...childrenOf(pair.pid)]
  const strace = spawn('strace', ['-f', '-c', '-o', output, ...processes.flatMap((pid) => ['-p', String(pid)])], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  try {
    await attached(strace, processes.length)
    const { count } = await pair.run(durationMs, durationMs + graceMs)
    const ended = once(strace, 'exit')
    strace.kill('SIGINT')
    await ended
    return { count, calls: totalOf(readFileSync(output, 'utf8')) }
  } finally {
    strace.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
}

const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)

/** Settles once strace has said so of each process. */
function attached(strace: ChildProcess, processes: number): Promise<void> {
  return new Promise((settle, reject) => {
    let text = ''
    const timer = setTimeout(() => reject(new Error('strace did not attach')), ATTACH_MS)
    const fail = (why: string) => {
      clearTimeout(timer)
      reject(new Error(why))
    }
    strace.once('error', ({ message }) => fail(`strace is needed (${message}); it is a package of most distributions`))
    strace.once('exit', () => fail(text.trim().split('\n').at(-1) ?? 'strace ended'))
    strace.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      if ((text.match(/Process \d+ attached/g)?.length ?? 0) < processes) return
      clearTimeout(timer)
      settle()
    })
  })
}

/** All calls in its table: % time, seconds, usecs/call, calls, errors (or nothing), name. */
const totalOf = (table: string): number =>
  table
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((words) => words.length >= 5 && /^\d+$/.test(words[3] ?? '') && words.at(-1) !== 'total')
    .reduce((sum, words) => sum + Number(words[3]), 0)

/** On the receiving side, between two looks at its heap with no collection in between. */
async function garbageOf(pair: Pair, order: Order, graceMs: number): Promise<number> {
  await warm(pair, order, graceMs)
  for (let round = 0; round < MOST_ROUNDS; round++) {
    await pair.run(ROUND_MS, ROUND_MS + graceMs)
    const garbage = garbageIn(pair.complaints)
    if (garbage === undefined) continue
    await pair.end(graceMs)
    if (typeof garbage === 'string') throw new PairFailure(garbage)
    return garbage
  }
  throw new PairFailure(`${GARBAGE_MESSAGES} messages took too long`)
}
