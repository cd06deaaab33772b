/**
 * Node's own channel to a child process: `child.send` and `process.send`.
 *
 * Fair to it: bytes go as base64 with the serialization `json`, which has no bytes (a Buffer would become
 * a list of numbers, several times longer), and as they are with `advanced`. Nothing waits for the
 * callback of `send`: the acknowledgements of the exchange hold the sender back.
 */
import type { ChildProcess, SerializationType } from 'node:child_process'
import { once } from 'node:events'
import { Inbox } from './inbox.js'
import type { BenchPeer, Link } from './peer.js'

/** How bytes become what is sent, and back. */
interface Codec {
  encode(data: Uint8Array): string | Uint8Array
  decode(message: unknown): Uint8Array
}

const CODECS: Record<SerializationType, Codec> = {
  json: {
    encode: (data) => Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64'),
    decode: (message) => Buffer.from(message as string, 'base64'),
  },
  advanced: {
    encode: (data) => data,
    decode: (message) => message as Uint8Array,
  },
}

const HELLO = 'hello'

function linkOver(end: ChildProcess | NodeJS.Process, { encode, decode }: Codec): Link {
  const inbox = new Inbox()
  end.on('message', (message: unknown) => inbox.push(decode(message)))
  end.once('disconnect', () => inbox.end())
  return {
    port: {
      send(data) {
        end.send?.(encode(data))
        return undefined
      },
      receive: () => inbox.receive(),
      receiveWithin: (timeoutMs) => inbox.receiveWithin(timeoutMs),
    },
    close() {
      if (end.connected) end.disconnect?.()
    },
  }
}

const processSend = (serialization: SerializationType, summary: string): BenchPeer => ({
  id: `peer/process-send-${serialization}`,
  summary,
  payload: { min: 0, max: 64 * 1024 * 1024 },
  lossy: false,
  thread: false,
  unavailable: () => undefined,
  async offer(_meeting, start) {
    const child = start.process('', serialization)
    await once(child, 'message') // the hello
    return linkOver(child, CODECS[serialization])
  },
  async join() {
    const link = linkOver(process, CODECS[serialization])
    process.send?.(HELLO)
    return link
  },
})

export const processSendJson = processSend('json', "Node's process.send to a forked child: JSON over a socketpair")
export const processSendAdvanced = processSend(
  'advanced',
  "Node's process.send, serialization 'advanced': structured clone over a socketpair",
)
