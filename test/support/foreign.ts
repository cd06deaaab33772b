import { spawnSync } from 'node:child_process'

/** For programs that are not this library: not under the memory checker that it may run under, and no part of the make that runs the tests. */
export const foreignEnv: NodeJS.ProcessEnv = { ...process.env, LD_PRELOAD: undefined, MAKEFLAGS: undefined }

/** Whether this machine has a command that does this. */
export const works = (command: string, ...args: string[]): boolean =>
  spawnSync(command, args, { env: foreignEnv, stdio: 'ignore' }).status === 0
