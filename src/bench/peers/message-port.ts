/**
 * `MessagePort` between a thread and its worker: no second process, but what many choose instead of one.
 *
 * Fair to it: short messages are cloned and long ones transferred, whichever costs less. A transfer takes
 * the memory from the sender, so each message transferred is one freshly allocated, as a user's would be.
 */
import { once } from 'node:events'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { Inbox } from './inbox.js'
import type { BenchPeer, Link } from './peer.js'

/** Up to here a clone costs no more than a transfer: half as much at 64 bytes, as much at 64 KiB. */
const LONGEST_CLONE = 64 * 1024

function linkOver(end: MessagePort): Link {
  const inbox = new Inbox()
  end.on('message', (message: Uint8Array) => inbox.push(message))
  end.once('close', () => inbox.end())
  return {
    port: {
      send(data) {
        if (data.length <= LONGEST_CLONE) end.postMessage(data)
        else {
          const given = data.slice()
          end.postMessage(given, [given.buffer])
        }
        return undefined
      },
      receive: () => inbox.receive(),
      receiveWithin: (timeoutMs) => inbox.receiveWithin(timeoutMs),
    },
    close: () => end.close(),
  }
}

export const messagePort: BenchPeer = {
  id: 'peer/message-port',
  summary: 'a MessagePort between a thread and its worker: structured clone within one process',
  payload: { min: 0, max: 64 * 1024 * 1024 },
  lossy: false,
  thread: true,
  unavailable: () => undefined,
  async offer(_meeting, start) {
    const { port1, port2 } = new MessageChannel()
    start.thread(port2)
    await once(port1, 'message') // the hello
    return linkOver(port1)
  },
  async join(_meeting, ticket) {
    const end = ticket as MessagePort
    const link = linkOver(end)
    end.postMessage('hello')
    return link
  },
}
