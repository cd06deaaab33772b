/** The side of a trial that measures: a process that the driver starts, and that starts the other side. */
import { writeSync } from 'node:fs'
import type { AdapterId, Peer } from '../core/channel.js'
import { spawnPeer } from '../core/spawn.js'
import { cpuTimeOf, ownCpuTime } from './cpu-time.js'
import { pinger, type Run } from './exchange.js'
import { armWatchdog, fail, type Order, orderOf, RESULT_FD } from './order.js'
import { place } from './placement.js'
import { portOver } from './port.js'
import type { Measurement } from './record.js'

/** Milliseconds for the other side to see the end and go. */
const FAREWELL_MS = 1000

const order = orderOf(process.argv)
const { trial } = order
try {
  place(order.processors.ping)
  armWatchdog(order.limitMs)
  const peer = await spawnPeer(new URL(order.echo), {
    adapter: trial.adapter as AdapterId,
    thread: trial.thread,
    args: [JSON.stringify(order)],
    // A peer that blocks in a mechanism without an end never learns that this is over.
    killAfter: trial.wait === 'block' && !trial.ends ? 0 : FAREWELL_MS,
  })
  writeSync(RESULT_FD, JSON.stringify(await measure(peer, order)))
  await peer[Symbol.asyncDispose]()
  process.exit()
} catch (error) {
  fail(error)
}

async function measure(peer: Peer, { trial, warmupMs, durationMs }: Order): Promise<Measurement> {
  const bothCpuTimes = () => ownCpuTime() + (trial.thread ? 0 : cpuTimeOf(peer.pid))
  const port = portOver(peer.channel, trial.wait, Math.max(trial.payloadBytes, trial.ackBytes))
  const side = pinger(port, trial)
  side.adjust(await side.run(warmupMs))
  const cpuBefore = bothCpuTimes()
  const run = await side.run(durationMs)
  const cpuUs = bothCpuTimes() - cpuBefore
  return {
    durationMs: run.elapsedMs,
    samples: run.count,
    batch: side.batch,
    ...(run.times === undefined ? rates(run, trial.payloadBytes) : { rttUs: run.times }),
    cpuUsPerMessage: cpuUs / (trial.workload === 'round-trip' ? 2 * run.count : run.count),
    lost: run.lost,
  }
}

function rates({ count, elapsedMs }: Run, bytes: number): Pick<Measurement, 'messagesPerSecond' | 'gigabytesPerSecond'> {
  const messagesPerSecond = count / (elapsedMs / 1000)
  return { messagesPerSecond, gigabytesPerSecond: (messagesPerSecond * bytes) / 1e9 }
}
