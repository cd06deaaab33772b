/** The other side of a trial over a peer: a process or thread that answers until the measuring side ends it. */
import { isMainThread, type MessagePort, workerData } from 'node:worker_threads'
import { answer } from '../exchanges.js'
import { tellingGarbage } from '../garbage.js'
import { armWatchdog, fail, orderOf } from '../order.js'
import { place } from '../placement.js'
import { peerById } from './index.js'
import { meetingOf } from './meeting.js'

const order = orderOf(process.argv)
const { trial, processors, garbageOf } = order
try {
  place(processors.pong)
  if (isMainThread) {
    armWatchdog(order)
    process.stdin.resume().once('end', () => process.exit())
  }
  const ticket = isMainThread ? (process.argv[3] ?? '') : (workerData as MessagePort)
  const link = await peerById(trial.adapter).join(meetingOf(trial, 'pong'), ticket)
  await answer(garbageOf === undefined ? link.port : tellingGarbage(link.port, garbageOf), trial)
  await link.close()
  process.exit()
} catch (error) {
  fail(error)
}
