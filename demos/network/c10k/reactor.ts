/** A server with one event loop for all its connections; one of several at the same port where a parent started it. */
import { createServer } from 'node:net'
import { native } from '../../../src/native/index.js'
import { listening } from './listening.js'
import { listens, upper } from './wire.js'

const parent = process.send?.bind(process)
const descriptor = native.fdDisown(listening(Number(process.argv[2]), parent !== undefined))

createServer({ noDelay: true }, (socket) => {
  socket.on('data', (bytes) => socket.write(upper(bytes)))
  socket.on('error', () => {}) // a client that was killed resets the connection
}).listen({ fd: descriptor }, () => (parent === undefined ? listens() : parent('listens')))
process.on('disconnect', () => process.exit())
