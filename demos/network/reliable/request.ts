/** What a process of the protocols is asked, a line of JSON each. */
import type { ProtocolName } from './protocols.js'

export type Request =
  /** A fresh machine, at this port of both hosts. It tells when it is ready. */
  | { readonly ask: 'open'; readonly protocol: ProtocolName; readonly port: number; readonly timeoutMs: number }
  /** Of a sender: it tells when all of them are acknowledged. */
  | { readonly ask: 'send'; readonly messages: readonly string[] }
  /** Of a receiver: the messages, in the order in which they were delivered. */
  | { readonly ask: 'delivered' }
  /** How many timers run. */
  | { readonly ask: 'timers' }
  /** How many have ended. */
  | { readonly ask: 'timeouts' }
