import { execFileSync } from 'node:child_process'

const prlimit = (...words: readonly string[]) => execFileSync('prlimit', ['--pid', String(process.pid), ...words], { encoding: 'utf8' })

/** How many signals may be pending of this user when one is sent to this process, as prlimit(1) writes it. RLIMIT_SIGPENDING */
export const pendingLimit = (which: 'SOFT' | 'HARD'): string => prlimit('--sigpending', `--output=${which}`, '--noheadings').trim()

/** Sets the soft limit of this process, and of those that it starts from now on. */
export function limitPending(soft: string): void {
  prlimit(`--sigpending=${soft}:`)
}
