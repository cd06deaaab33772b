/** The names of what `bench` sets beside the adapters. */
import { peerIds } from '../bench/peers/index.js'
import { PEER, type PeerId } from '../bench/peers/peer.js'
import { suggestion } from '../core/registry.js'
import { UsageError } from './outcome.js'

/** `peer`, or the id of one. */
export const namesPeers = (name: string): boolean => name === PEER || name.startsWith(`${PEER}/`)

/** The peers that `names` name, each once, in their order. */
export function selectPeers(names: readonly string[]): readonly PeerId[] {
  const ids = peerIds()
  for (const name of names)
    if (name !== PEER && !ids.some((id) => id === name)) throw new UsageError(`there is no peer '${name}'${suggestion(name, ids)}`)
  return ids.filter((id) => names.includes(PEER) || names.includes(id))
}
