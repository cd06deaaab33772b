/** Two sides of a control channel come to share a ring. Both do the same; chance decides who makes it. */
import { randomBytes } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import type { Channel, Server } from '../../core/channel.js'
import { IpcError } from '../../core/errors.js'
import { connect, listen } from '../../core/rendezvous.js'
import { decodeRecord, encodeHello, encodeOffer, type HybridRecord, VERSION } from './records.js'

const urlOf = (name: string): string => `shm:///${encodeURIComponent(name)}`

/** The ring shared with the peer of `control`, whose next messages are the hybrid's. */
export async function meet(control: Channel, options: { signal: AbortSignal }): Promise<Channel> {
  const mine = new Uint8Array(randomBytes(16))
  await control.send(encodeHello(mine), options)
  const theirs = await greeting(control, 'hello', options)
  if (theirs.version !== VERSION)
    throw new IpcError('ERR_IPC_VERSION', `the peer speaks version ${theirs.version} of hybrid(), this is ${VERSION}`, {
      adapter: control.adapter,
    })
  const order = Buffer.compare(mine, theirs.nonce)
  if (order === 0) throw violation(control, 'it sends back what it was sent')
  if (order < 0) return connect(urlOf((await greeting(control, 'offer', options)).name), options)

  const name = `hybrid-${randomBytes(12).toString('hex')}`
  const server = await listen(urlOf(name), options)
  try {
    await control.send(encodeOffer(name), options)
    return await firstOf(server, control, options)
  } finally {
    server.stop()
  }
}

/** The ring's one peer, or why it does not come: the control channel tells nothing else before. */
async function firstOf(server: Server, control: Channel, { signal }: { signal: AbortSignal }): Promise<Channel> {
  const over = new AbortController()
  const aborted = () => over.abort(signal.reason)
  signal.addEventListener('abort', aborted, { once: true })
  const leaves = async (): Promise<never> => {
    await control.waitReadable({ signal: over.signal })
    await turn() // of two that the kernel told at once, the other
    if (server.channels.size === 0) await greeting(control, 'offer', { signal: over.signal })
    throw violation(control, 'it speaks before it has taken the memory')
  }
  try {
    const { value, done } = await Promise.race([server[Symbol.asyncIterator]().next(), leaves()])
    if (done === true) throw new IpcError('ERR_IPC_PEER_GONE', 'the peer did not take the memory', { adapter: control.adapter })
    return value
  } finally {
    signal.removeEventListener('abort', aborted)
    over.abort()
  }
}

async function greeting<K extends 'hello' | 'offer'>(
  control: Channel,
  kind: K,
  options: { signal: AbortSignal },
): Promise<HybridRecord & { kind: K }> {
  const bytes = await control.receive(options)
  if (bytes === null) throw new IpcError('ERR_IPC_PEER_GONE', 'the peer ended before it shared memory', { adapter: control.adapter })
  const record = decodeRecord(bytes)
  if (typeof record === 'string') throw violation(control, record)
  if (record.kind !== kind) throw violation(control, `${record.kind} comes where ${kind} should`)
  return record as HybridRecord & { kind: K }
}

export const violation = (control: Channel, what: string): IpcError =>
  new IpcError('ERR_IPC_PROTOCOL', `the peer does not speak as hybrid() does: ${what}`, { adapter: control.adapter })
