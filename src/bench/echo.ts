/** The other side of a trial: a process (or thread) that `worker.ts` starts. */
import { serveTrial } from './serve-trial.js'

await serveTrial()
