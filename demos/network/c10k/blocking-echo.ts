/** One connection, one loop that blocks: a process that inherits it as standard input, or a thread that is told its number. */
import { closeSync, readSync, writeSync } from 'node:fs'
import { workerData } from 'node:worker_threads'
import { upper } from './wire.js'

const descriptor = typeof workerData === 'number' ? workerData : 0
const buffer = new Uint8Array(4096)

try {
  for (let length = readSync(descriptor, buffer); length > 0; length = readSync(descriptor, buffer)) {
    const answer = upper(buffer.subarray(0, length))
    for (let sent = 0; sent < answer.length; ) sent += writeSync(descriptor, answer, sent)
  }
} catch {
  // a client that was killed resets the connection
}
closeSync(descriptor)
