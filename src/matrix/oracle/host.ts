/** What this machine allows, read when it is asked: never known beforehand, and never concluded from a user id. */
import { readFileSync } from 'node:fs'

/** A number under /proc/sys, by its path there: `kernel/msgmnb`; of several words the one at `index`. */
export function sysctl(path: string, index = 0): number {
  return Number(readFileSync(`/proc/sys/${path}`, 'utf8').trim().split(/\s+/)[index])
}

/** Of the C library's auxiliary vector. getauxval(3) */
const AT_PAGESZ = 6n

/** The bytes of a page of memory. */
export function pageBytes(): number {
  const entries = new BigUint64Array(new Uint8Array(readFileSync('/proc/self/auxv')).buffer)
  return Number(entries[entries.findIndex((key, at) => at % 2 === 0 && key === AT_PAGESZ) + 1])
}
