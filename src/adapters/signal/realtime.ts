/** Queued real-time signals that carry four bytes each. signal(7), sigqueue(3) */
import { defineAdapter } from '../../core/adapter.js'
import { addonError } from '../../native/index.js'
import { native } from './native.js'
import { signalMethods } from './rendezvous.js'

declare module '../../core/channel.js' {
  interface Adapters {
    /**
     * A process. In a URL `self` is this one. Data are SIGRTMIN+6, their four bytes `sival_int` with the
     * lowest first; SIGRTMIN+5 is used to meet.
     *
     * Between two channels, or from `openSender` to `openReceiver`, signals go to the receiving thread:
     * in order, none lost; at RLIMIT_SIGPENDING a send waits. What others send to the whole process
     * (`kill -s RTMIN+6 PID`) reaches `openReceiver`, in no order. A channel hears its peer alone.
     */
    'signal/realtime': { pid: number }
  }
}

export default defineAdapter({
  id: 'signal/realtime',
  scheme: 'signal',
  summary: 'queued real-time signals of four bytes',
  capabilities: {
    framing: 'message',
    payload: { min: 4, max: 4 },
    native: 'simplex',
    order: 'fifo',
    whenFull: 'fail',
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
  ...signalMethods<'signal/realtime'>({
    id: 'signal/realtime',
    scheme: 'signal',
    number: native.signalDataNumber,
    bytes: 4,
    prefix: 'ipc-rt',
  }),
})
