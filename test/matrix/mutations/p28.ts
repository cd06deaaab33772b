import type { Mutation } from './mutation.js'

const [SHUT_RD, SHUT_RDWR] = [0, 2]

const shuts =
  (how: number): Mutation['rewrite'] =>
  (made) =>
    made.name === 'shutdown' ? { ...made, args: [...made.args.slice(0, 1), how] } : made

export default [
  { what: 'a shutdown of both directions', property: 'P28', subject: 'tcp', rewrite: shuts(SHUT_RDWR) },
  { what: 'a shutdown of the other direction', property: 'P28', subject: 'udp', rewrite: shuts(SHUT_RD) },
] satisfies readonly Mutation[]
