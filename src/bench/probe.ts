/** A short spin before and after each round: it names the state in which the machine was. */
import { check } from '../core/errors.js'
import { addonError, native } from '../native/index.js'
import type { Processors } from './record.js'

const PROBE_US = 2000

/** Nanoseconds of a turn between the processors of both sides, or on the one that they share; undefined without the addon. */
export function probe({ ping, pong }: Processors): number | undefined {
  if (addonError !== undefined) return undefined
  const one = ping.at(-1) ?? 0
  const other = pong.findLast((cpu) => cpu !== one) ?? one
  return check(native.spinProbe(one, other, PROBE_US), 'spinProbe') / 1000
}
