/** To the driver a peer is a subject as an adapter is. */
import type { Subject } from '../trial.js'
import { peerById, peerIds } from './index.js'
import type { BenchPeer } from './peer.js'

/** What the plan must know of a peer. */
export const peerSubject = ({ id, payload, lossy, thread, unavailable }: BenchPeer): Subject => ({
  id,
  capabilities: {
    framing: 'message',
    payload,
    sync: false,
    whenFull: lossy ? 'drop' : 'block',
    end: 'kernel',
    connects: true,
    opens: false,
    peers: 'one',
    rendezvous: 'inherit',
    asyncWait: 'poll',
  },
  thread,
  spins: false,
  leads: true,
  unavailable: unavailable(),
})

/** Of these peers; default all. */
export const peerSubjects = (ids: readonly string[] = peerIds()): Subject[] => ids.map((id) => peerSubject(peerById(id)))
