/**
 * Node's client of TLS: for each version that the story names it makes a connection, sends a word as soon as it may, and
 * tells what was agreed on when the word is back. `tls-client.js ADDRESS PORT`
 */
import { connect, type SecureVersion } from 'node:tls'
import { hear, tell } from './program.js'

export interface Wanted {
  readonly version: SecureVersion
  /** The session of the last connection of this version is taken up again. */
  readonly resumed: boolean
  /** Whom to believe, in PEM. */
  readonly ca: string
}

export interface Agreed {
  readonly version: string | null
  readonly resumed: boolean
  /** Application-layer protocol. RFC 7301 */
  readonly protocol: string | false | null
  readonly cipher: string
}

const [host = '', port] = process.argv.slice(2)
const sessions = new Map<SecureVersion, Uint8Array>()

function talk({ version, resumed, ca }: Wanted): void {
  const session = resumed ? sessions.get(version) : undefined
  const socket = connect({
    ...{ host, port: Number(port), ca, ALPNProtocols: ['echo'], minVersion: version, maxVersion: version },
    ...(session === undefined ? {} : { session: Buffer.from(session) }),
  })
  // TLS 1.3 sends its tickets when the handshake is over. RFC 8446, 4.6.1
  socket.on('session', (ticket) => sessions.set(version, ticket))
  socket.on('secureConnect', () => socket.write('word'))
  socket.on('error', ({ message }) => tell(message))
  socket.once('data', () => {
    const agreed: Agreed = {
      version: socket.getProtocol(),
      resumed: socket.isSessionReused(),
      protocol: socket.alpnProtocol,
      cipher: socket.getCipher().standardName,
    }
    socket.once('close', () => tell(agreed)).end()
  })
}

hear<Wanted>(talk)
