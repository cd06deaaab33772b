/** Which processors the sides of a trial run on. sched_setaffinity(2) */
import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { isMainThread } from 'node:worker_threads'
import { check } from '../core/errors.js'
import { addonError, native } from '../native/index.js'
import type { Conditions, Processors } from './record.js'

const MOST_PROCESSORS = 1024
/** The calling thread, for the kernel. */
const SELF = 0

/** The processors that this process may use: fewer than the machine has, in a container or under taskset. */
export function allowedProcessors(): number[] {
  if (addonError !== undefined) return Array.from({ length: availableParallelism() }, (_, cpu) => cpu)
  const cpus = new Int32Array(MOST_PROCESSORS)
  const count = check(native.schedGetAffinity(SELF, cpus), 'sched_getaffinity')
  return [...cpus.subarray(0, count)]
}

/** Where each side goes, or why the host cannot give that. The last processors first: the first serves most interrupts. */
export function processorsFor(
  { placement, wait, workload }: Pick<Conditions, 'placement' | 'wait' | 'workload'>,
  allowed: readonly number[],
): Processors | string {
  if (allowed.length === 1 && workload !== 'wrapper' && (wait === 'spin' || wait === 'adaptive'))
    return 'to spin needs two processors, and this process may use one'
  if (allowed.length === 1 && workload === 'one-way')
    return 'a sender that keeps the time by spinning needs a second processor, and this process may use one'
  if (placement === 'free') return { ping: allowed, pong: allowed }
  if (addonError !== undefined) return `placement ${placement} ${addonError}`
  const [last, other] = [...allowed].reverse()
  if (last === undefined) return 'no processor is allowed'
  if (placement === 'same-core') return { ping: [last], pong: [last] }
  if (other === undefined) return 'cross-core needs two processors, and this process may use one'
  return { ping: [last], pong: [other] }
}

/**
 * Moves this process with all its threads, or, in a worker thread, that thread alone. Threads and children
 * started from now on inherit it.
 */
export function place(processors: readonly number[]): void {
  if (addonError !== undefined) return
  const cpus = Int32Array.from(processors)
  if (!isMainThread) {
    check(native.schedSetAffinity(SELF, cpus), 'sched_setaffinity')
    return
  }
  for (const thread of readdirSync('/proc/self/task')) check(native.schedSetAffinity(Number(thread), cpus), 'sched_setaffinity')
}
