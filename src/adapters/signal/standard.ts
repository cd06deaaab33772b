/** SIGUSR2: that something happened, at least once. signal(7) */
import { defineAdapter } from '../../core/adapter.js'
import { addonError } from '../../native/index.js'
import { native } from './native.js'
import { signalMethods } from './rendezvous.js'

declare module '../../core/channel.js' {
  interface Adapters {
    /**
     * A process. In a URL `self` is this one. The signal is SIGUSR2 (SIGUSR1 opens Node's inspector);
     * two peers meet by the queued signal SIGRTMIN+5. Signals sent before the first is taken are one.
     *
     * `openReceiver` hears everybody (`kill -USR2 PID`), a channel its peer alone.
     */
    'signal/standard': { pid: number }
  }
}

export default defineAdapter({
  id: 'signal/standard',
  scheme: 'signal+standard',
  summary: 'SIGUSR2, which coalesces and carries nothing',
  capabilities: {
    framing: 'event',
    payload: { min: 0, max: 0 },
    native: 'simplex',
    order: 'none',
    whenFull: 'coalesce',
    end: 'none',
    halfClose: false,
    rendezvous: 'pid',
    peers: 'one',
    lifetime: 'process',
    asyncWait: 'thread',
    detectsPeerExit: true,
    crashSafe: true,
    sync: true,
    zeroCopy: false,
    connects: true,
    opens: true,
    crossesHosts: false,
    priority: false,
  },
  unavailable: () => addonError,
  ...signalMethods<'signal/standard'>({
    id: 'signal/standard',
    scheme: 'signal+standard',
    number: native.signalStandardNumber,
    bytes: 0,
    prefix: 'ipc-std',
  }),
})
