import type { Trial } from '../trial.js'
import type { Meeting } from './peer.js'

/** Batches that are on their way before their sender waits for an acknowledgement. */
const BATCHES = 2
/** At a fixed rate nobody waits: so many messages may come late before the trial fails. */
const LATE_MESSAGES = 1024

/** What the exchange of this trial means for one of its sides. */
export const meetingOf = (trial: Trial, side: 'ping' | 'pong'): Meeting => ({
  receiveBytes: side === acknowledged(trial) ? trial.ackBytes : trial.payloadBytes,
  inFlight: inFlight(trial),
})

/** Which side gets words or acknowledgements, and not messages; in a round trip neither. */
function acknowledged({ workload }: Trial): 'ping' | 'pong' | undefined {
  if (workload === 'throughput') return 'ping'
  return workload === 'one-way' ? 'pong' : undefined
}

function inFlight({ workload, batchMessages }: Trial): number {
  if (workload === 'throughput') return BATCHES * batchMessages
  return workload === 'one-way' ? LATE_MESSAGES : 1
}
