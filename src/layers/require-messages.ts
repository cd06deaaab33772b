import type { Channel, Framing } from '../core/channel.js'

/** For layers whose units are messages. @throws TypeError for a stream */
export function requireMessages(channel: Channel<Framing>, layer: string): void {
  if (channel.framing !== 'message')
    throw new TypeError(`${layer}() needs a channel of messages; leave out framing: 'stream' at both sides of this ${channel.adapter}`)
}

/** For layers that count on every message. @throws TypeError where messages could be lost or overtake each other, too */
export function requireEveryMessage(channel: Channel, layer: string): void {
  requireMessages(channel, layer)
  const { whenFull, order } = channel.capabilities
  if (whenFull === 'drop' || whenFull === 'coalesce' || order === 'none')
    throw new TypeError(`${channel.adapter} may lose or reorder messages; ${layer}() needs each, in order`)
}
