/** How many bytes the receiving side leaves to the collector for each message. */
import { writeSync } from 'node:fs'
import { GCProfiler } from 'node:v8'
import type { Port } from './port.js'

/** A young generation so large that nothing is collected while it is looked at, and a way to empty it before. */
export const HEAP_FLAGS: readonly string[] = ['--expose-gc', '--min-semi-space-size=128', '--max-semi-space-size=128']

/** What a line on standard error begins with that tells it. */
const GARBAGE = 'bench garbage: '
const STDERR = 2

/** Of what a pair wrote on standard error. `undefined` until the receiving side has told; text says why it could not. */
export function garbageIn(complaints: string): number | string | undefined {
  const line = complaints
    .split('\n')
    .slice(0, -1)
    .find((text) => text.startsWith(GARBAGE))
  if (line === undefined) return undefined
  const told = line.slice(GARBAGE.length)
  return Number.isNaN(Number(told)) ? told : Number(told)
}

/** For each message whose garbage is counted; V8 compiles in several steps, each of which allocates. */
const WARMUPS = 3

/** The same port, which once it is warm counts the garbage of so many messages received, and tells it. */
export function tellingGarbage(port: Port, messages: number): Port {
  const profiler = new GCProfiler()
  let received = 0
  let before = 0
  const look = () => {
    received++
    if (received === WARMUPS * messages) {
      profiler.start()
      profiler.stop() // its code is warm, too
      occupied()
      globalThis.gc?.()
      profiler.start()
      before = occupied()
    } else if (received === (WARMUPS + 1) * messages) {
      const bytes = occupied() - before - lookCost()
      const collections = profiler.stop()?.statistics.length ?? 0
      const told = collections > 0 ? 'the collector ran meanwhile' : Math.max(0, bytes / messages)
      writeSync(STDERR, `${GARBAGE}${told}\n`)
    }
  }
  return {
    send: (data) => port.send(data),
    receive() {
      look()
      return port.receive()
    },
    receiveWithin(timeoutMs) {
      look()
      return port.receiveWithin(timeoutMs)
    },
  }
}

/** What one look leaves behind by itself. */
function lookCost(): number {
  const before = occupied()
  return occupied() - before
}

function occupied(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
