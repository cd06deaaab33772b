/** How many bytes a message leaves to the collector. */
import { writeSync } from 'node:fs'
import { GCProfiler } from 'node:v8'
import { medianOf } from '../statistics/sample.js'
import { blocks, type Port } from './port.js'

/** A young generation so large that nothing is collected while it is looked at, and a way to empty it before. */
export const HEAP_FLAGS: readonly string[] = ['--expose-gc', '--min-semi-space-size=128', '--max-semi-space-size=128']

/** What a line on standard error begins with that tells it. */
const GARBAGE = 'bench garbage: '
const STDERR = 2

/** Of what a pair wrote on standard error. `undefined` until the side that counts has told; text says why it could not. */
export function garbageIn(complaints: string): number | string | undefined {
  const line = complaints
    .split('\n')
    .slice(0, -1)
    .find((text) => text.startsWith(GARBAGE))
  if (line === undefined) return undefined
  const told = line.slice(GARBAGE.length)
  return Number.isNaN(Number(told)) ? told : Number(told)
}

export const tellGarbage = (told: number | string): void => void writeSync(STDERR, `${GARBAGE}${told}\n`)

/** For each message whose garbage is counted; V8 compiles in several steps, each of which allocates. */
const WARMUPS = 3
/** Their median counts: V8 compiles now and then afterwards, too, which is no message's. */
const WINDOWS = 9

/** To be called once a message. Warms up, looks at that many messages, and tells the bytes of one, or why it cannot. */
export function garbageMeter(messages: number, tell: (told: number | string) => void): () => void {
  const profiler = new GCProfiler()
  const window = Math.ceil(messages / WINDOWS)
  const figures: number[] = []
  let due = WARMUPS * messages
  let before = 0
  return () => {
    if (--due > 0) return
    if (due < 0) return
    if (before === 0) {
      profiler.start()
      profiler.stop() // its code is warm, too
      look()
      globalThis.gc?.()
      profiler.start()
    } else figures.push(Math.max(0, (occupied() - before - lookCost()) / window))
    if (figures.length === WINDOWS) tell((profiler.stop()?.statistics.length ?? 0) > 0 ? 'the collector ran meanwhile' : medianOf(figures))
    else {
      due = window
      before = occupied()
    }
  }
}

const look = (): void => void lookCost()

/** What one look leaves behind by itself. */
function lookCost(): number {
  const before = occupied()
  return occupied() - before
}

function occupied(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

/** The same port, which tells the garbage of so many messages received. */
export function tellingGarbage(port: Port, messages: number): Port {
  const count = garbageMeter(messages, tellGarbage)
  return {
    ...(blocks(port) && { blocks: true }),
    send: (data) => port.send(data),
    receive() {
      count()
      return port.receive()
    },
    receiveWithin(timeoutMs) {
      count()
      return port.receiveWithin(timeoutMs)
    },
  }
}
