/** A thread that connects, echoes one message, and is ended from outside while it waits for the next. */
import { workerData } from 'node:worker_threads'
import { connect } from '../core/rendezvous.js'

const channel = await connect((workerData as { address: string }).address)
const message = await channel.receive()
if (message !== null) await channel.send(message)
await channel.receive()
