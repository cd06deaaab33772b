/** A thread that connects, echoes one message, and is ended from outside while it waits for the next. */
import { workerData } from 'node:worker_threads'
import { registerFrom } from '../core/registry.js'
import { connect } from '../core/rendezvous.js'

export interface ThreadData {
  readonly address: string
  /** The module of an adapter that is registered. */
  readonly module: string | undefined
}

const { address, module } = workerData as ThreadData
if (module !== undefined) await registerFrom(module)
const channel = await connect(address)
const message = await channel.receive()
if (message !== null) await channel.send(message)
await channel.receive()
