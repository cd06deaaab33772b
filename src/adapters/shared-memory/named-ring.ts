/** A ring in a segment with a name: the adapters that differ only in where the segment comes from. */
import type { ConnectContext, ListenContext } from '../../core/adapter.js'
import type { Capabilities } from '../../core/channel.js'
import type { ErrorContext } from '../../core/errors.js'
import { ringCapabilities } from './address.js'
import { FutexBell } from './bell.js'
import { connectNamed, listenNamed, type Over, type Place } from './named-segment.js'
import { MAGIC, segmentOver, watchedOf } from './ring-buffer.js'
import { RingEndpoint } from './ring-endpoint.js'

/** A futex has no descriptor, so the event loop needs a thread. */
export const namedCapabilities: Capabilities = { ...ringCapabilities, asyncWait: 'thread' }

const ringOver =
  (errors: ErrorContext): Over =>
  (mapping, buffer, ring, side, pidfd) => {
    const bell = new FutexBell(mapping, watchedOf(side), pidfd, errors)
    return new RingEndpoint(segmentOver(buffer, ring, mapping.faultOffset, mapping.read), side, bell, () => mapping.close(), errors)
  }

export const listenRing = (place: Place, name: string, ring: number, url: string, context: ListenContext, errors: ErrorContext) =>
  listenNamed(place, { magic: MAGIC, ring, name }, url, context, errors, ringOver(errors))

export const connectRing = (place: Place, name: string, context: ConnectContext, errors: ErrorContext) =>
  connectNamed(place, { magic: MAGIC, name }, context, errors, ringOver(errors))
