import type { Call, SubjectKey } from 'ipc-playground/matrix'

/** A wrong implementation: calls that it makes in place of the right ones. */
export interface Mutation {
  readonly what: string
  readonly property: string
  readonly subject: SubjectKey
  /** Answers the call itself where it is done right. `role` is the part that the process plays. */
  readonly rewrite: (call: Call, role: string) => Call
}

/** Leaves a flag out of the calls `name`. */
export const without =
  (name: string, flag: string) =>
  (made: Call): Call =>
    made.name === name
      ? { ...made, args: made.args.map((arg) => (typeof arg === 'object' && 'text' in arg && arg.text === flag ? 0 : arg)) }
      : made
