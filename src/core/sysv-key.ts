/** System V objects have a number where others have a name. ftok(3) makes it of a file; this makes it of a name. */

/**
 * The key of a name: FNV-1a, 32 bits, of its UTF-8 bytes without the leading slash; 1 in place of 0,
 * which is IPC_PRIVATE. Two names may have one key: exclusive creation then fails with EEXIST.
 */
export function keyOfName(name: string): number {
  let hash = 0x811c9dc5
  for (const byte of new TextEncoder().encode(name.startsWith('/') ? name.slice(1) : name)) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash >>> 0 || 1
}

/** A key given as such: an integer from 1 to 0xffffffff. */
export function checkKey(key: unknown): number {
  if (typeof key !== 'number' || !Number.isInteger(key)) throw new TypeError(`key must be an integer, not ${JSON.stringify(key)}`)
  if (key < 1 || key > 0xffffffff) throw new RangeError(`key must be 1 to 0xffffffff, not ${key}; 0 is IPC_PRIVATE, which nobody can find`)
  return key
}

/** `0x0000002a`, as ipcs(1) prints it. */
export const keyText = (key: number): string => `0x${key.toString(16).padStart(8, '0')}`
