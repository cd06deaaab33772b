/** A server as inetd(8) is one: each connection becomes the standard input of a process of its own. */
import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { ADDRESS, BACKLOG, listens } from './wire.js'

const program = fileURLToPath(new URL('./blocking-echo.js', import.meta.url))
const [, , port] = process.argv

createServer({ pauseOnConnect: true, noDelay: true }, (socket) => {
  // As standard input it is set to block; the child has it alone once we have let go of ours.
  spawn(process.execPath, [program], { stdio: [socket, 'ignore', 'inherit'] }).on('error', () => {})
  socket.destroy()
}).listen({ port: Number(port), host: ADDRESS, backlog: BACKLOG }, listens)
