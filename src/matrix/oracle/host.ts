/** What this machine allows, read when it is asked: never known beforehand, and never concluded from a user id. */
import { readFileSync } from 'node:fs'

/** A number under /proc/sys, by its path there: `kernel/msgmnb`; of several words the one at `index`. */
export function sysctl(path: string, index = 0): number {
  return Number(readFileSync(`/proc/sys/${path}`, 'utf8').trim().split(/\s+/)[index])
}

/** A soft limit, by its name in /proc/self/limits: `Max pending signals`. */
export function limit(name: string): number {
  const line = readFileSync('/proc/self/limits', 'utf8')
    .split('\n')
    .find((row) => row.startsWith(name))
  const soft = line?.slice(name.length).trim().split(/\s+/)[0]
  return soft === 'unlimited' || soft === undefined ? Number.POSITIVE_INFINITY : Number(soft)
}

/** Of the C library's auxiliary vector. getauxval(3) */
const AT_PAGESZ = 6n

/** The bytes of a page of memory. */
export function pageBytes(): number {
  const entries = new BigUint64Array(new Uint8Array(readFileSync('/proc/self/auxv')).buffer)
  return Number(entries[entries.findIndex((key, at) => at % 2 === 0 && key === AT_PAGESZ) + 1])
}

export const CAP_KILL = 5
export const CAP_NET_BIND_SERVICE = 10
export const CAP_SYS_RESOURCE = 24

/** Whether this process has the capability. capabilities(7) */
export function capable(capability: number): boolean {
  const [, effective = '0'] = /^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  return ((BigInt(`0x${effective}`) >> BigInt(capability)) & 1n) === 1n
}
