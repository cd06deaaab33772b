/**
 * Tests fill the signals that may be pending of their user. As Vitest's global setup it leaves them half of
 * those: actors of the matrix, which run meanwhile, take what the hard limit allows, and always have room.
 */
import { limitPending, pendingLimit } from './support/pending-limit.js'

export default function setup(): void {
  if (process.platform !== 'linux') return
  const hard = pendingLimit('HARD')
  if (hard !== 'unlimited') limitPending(String(Math.floor(Number(hard) / 2)))
}
