/** Node's server of TLS, which echoes, with the certificate that the story gives it. `tls-server.js ADDRESS PORT` */
import { createServer } from 'node:tls'
import type { Certificate } from '../../../src/lab/certificate.js'
import { hear, tell } from './program.js'

const [address, port] = process.argv.slice(2)

hear<Certificate>(({ key, certificate }) => {
  const server = createServer({ key, cert: certificate, ALPNProtocols: ['echo'] }, (socket) => {
    socket.setNoDelay(true)
    socket.on('error', () => {}) // the client has what it asked for
    socket.pipe(socket)
  })
  server.listen(Number(port), address, () => tell('listens'))
})
