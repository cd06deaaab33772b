/**
 * Peer cases: what the test suites of others assert of the kernel and no cell of the matrix observes. The fact
 * is theirs, the experiment is ours; each names its source.
 */
import type { Stage, Subject } from 'ipc-playground/matrix'
import { onStage } from '../matrix/on-stage.js'

type Suite = 'LTP' | 'posix_ipc' | 'sysv_ipc' | 'Boost' | 'iceoryx2' | 'libuv' | 'Node' | 'CPython' | 'packetdrill'

/**
 * `LTP mq_timedsend/19-1, 20-1: …` is the title: the suite, its files, and the assertion in our words. Without a
 * mechanism of `keys` the case is skipped.
 */
export const peerCase = (
  title: `${Suite} ${string}: ${string}`,
  keys: readonly Subject['key'][],
  experiment: (stage: Stage, ...used: Subject[]) => Promise<void>,
): void => onStage(title, keys, experiment)
