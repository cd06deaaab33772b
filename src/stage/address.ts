/** A sockaddr as people write it. */
import { K } from './constants.js'

/** Calls that take an address, and the place of it among their arguments. */
const takers: Readonly<Record<string, number>> = { bind: 1, connect: 1, sendto: 3 }

export const isAddress = (name: string, index: number): boolean => takers[name] === index

/** `127.0.0.1:80`, a path, or an abstract name after `@`; empty of a socket without a name. */
export function describeAddress(address: Uint8Array): string {
  const [family, , high = 0, low = 0] = address
  if (family === K.AF_INET.value) return `${address.subarray(4, 8).join('.')}:${(high << 8) | low}`
  const name = Buffer.from(address.subarray(2)).toString('latin1')
  return name.startsWith('\0') ? `@${name.slice(1)}` : name.replace(/\0.*/s, '')
}
