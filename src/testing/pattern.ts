/** Payloads that both sides can make from two numbers, so that none has to be told to the other. */
import { createHash } from 'node:crypto'
import type { Bytes } from '../core/channel.js'

/** `length` bytes that follow from `seed`. The first four are the seed, little-endian, as far as they fit. */
export function pattern(seed: number, length: number): Bytes {
  const bytes = new Uint8Array(length)
  let state = (seed * 2654435761 + 1) >>> 0
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    bytes[i] = state >>> 24
  }
  for (let i = 0; i < Math.min(4, length); i++) bytes[i] = seed >>> (8 * i)
  return bytes
}

/** What tells two payloads apart, short enough to print. */
export const digest = (bytes: Uint8Array): string => `${bytes.length}:${createHash('sha1').update(bytes).digest('base64')}`

/** The seed of a pattern of at least four bytes. */
export const seedOf = (bytes: Uint8Array): number =>
  ((bytes[0] ?? 0) | ((bytes[1] ?? 0) << 8) | ((bytes[2] ?? 0) << 16) | ((bytes[3] ?? 0) << 24)) >>> 0
