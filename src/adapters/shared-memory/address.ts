/** What the addresses of shared memory have in common: how large a ring is. */
import type { Capabilities } from '../../core/channel.js'
import { DEFAULT_RING, LARGEST_RING, maxPayload, SMALLEST_RING } from './ring-buffer.js'

export interface RingSize {
  /**
   * Bytes of the ring of one direction: 4096 to 2^29, rounded up to a power of two; default 1 MiB. A
   * message has at most half of it less 8. The listener's counts.
   */
  bytes?: number
}

export function ringOf({ bytes = DEFAULT_RING }: RingSize): number {
  if (!Number.isInteger(bytes) || bytes < SMALLEST_RING || bytes > LARGEST_RING)
    throw new RangeError(`bytes must be ${SMALLEST_RING} to ${LARGEST_RING}, not ${bytes}`)
  return 2 ** Math.ceil(Math.log2(bytes))
}

export function sizeOf(url: URL): RingSize {
  const bytes = url.searchParams.get('bytes')
  return bytes === null ? {} : { bytes: Number(bytes) }
}

export function sizeQuery(size: RingSize): string {
  ringOf(size)
  return size.bytes === undefined ? '' : `?bytes=${size.bytes}`
}

/** What every ring between processes promises. */
export const ringCapabilities: Capabilities = {
  framing: 'message',
  payload: { min: 0, max: maxPayload(DEFAULT_RING) },
  native: 'duplex',
  order: 'fifo',
  whenFull: 'block',
  end: 'ring',
  halfClose: true,
  rendezvous: 'name',
  peers: 'one',
  lifetime: 'process',
  asyncWait: 'poll',
  detectsPeerExit: true,
  crashSafe: true,
  sync: true,
  zeroCopy: true,
  connects: true,
  opens: false,
  crossesHosts: false,
  priority: false,
}
