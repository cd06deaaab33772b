/** How a command ends other than by its answer. */
import { constants } from 'node:os'

/** Wrong use, or nothing that can run here: exit status 2. */
export class UsageError extends Error {}

/** A signal ended the command: exit status 128 + its number, as a shell has it. */
export class Interrupted extends Error {
  readonly exitStatus: number

  constructor(signal: 'SIGINT' | 'SIGTERM') {
    super(`interrupted by ${signal}`)
    this.exitStatus = 128 + constants.signals[signal]
  }
}
