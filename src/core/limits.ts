/** What the kernel allows this process, as it says itself. proc_pid_limits(5), proc_pid_status(5) */
import { readFileSync } from 'node:fs'

/** Infinity where there is none. */
export interface Limit {
  readonly soft: number
  readonly hard: number
}

/** A resource limit, by its row in /proc/self/limits: `Max pending signals`. Undefined where the kernel tells none. getrlimit(2) */
export function limitOf(row: string): Limit | undefined {
  const line = own('limits')
    .split('\n')
    .find((line) => line.startsWith(row))
  const [soft, hard] = line?.slice(row.length).trim().split(/\s+/) ?? []
  return soft === undefined || hard === undefined ? undefined : { soft: amount(soft), hard: amount(hard) }
}

const amount = (word: string): number => (word === 'unlimited' ? Number.POSITIVE_INFINITY : Number(word))

/** The effective ones, as a hexadecimal number; `0` where the kernel tells none. capabilities(7) */
export const capabilities = (): string => /^CapEff:\s*([0-9a-f]+)/m.exec(own('status'))?.[1] ?? '0'

/** By its number in linux/capability.h. */
export const CAP_SYS_RESOURCE = 24

/** Whether this process has the capability now. */
export const capable = (capability: number): boolean => ((BigInt(`0x${capabilities()}`) >> BigInt(capability)) & 1n) === 1n

function own(file: string): string {
  try {
    return readFileSync(`/proc/self/${file}`, 'utf8')
  } catch {
    return '' // another kernel
  }
}
