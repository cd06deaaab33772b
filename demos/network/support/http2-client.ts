/**
 * Node's client of HTTP/2 with prior knowledge: one connection, on which it asks for what the story names, and tells
 * what it reads as it reads it. `http2-client.js ADDRESS PORT`
 */
import { connect } from 'node:http2'
import { hear, tell } from './program.js'

/** So many bytes of an answer were read; `end`: it is whole. */
export interface Read {
  readonly path: string
  readonly bytes: number
  readonly end: boolean
}

const [address, port] = process.argv.slice(2)
const session = connect(`http://${address}:${port}`)
session.once('remoteSettings', () => tell('is connected'))

function get(path: string): void {
  const stream = session.request({ ':path': path })
  const read = (bytes: number, end: boolean) => tell({ path, bytes, end } satisfies Read)
  stream.on('data', (data: Uint8Array) => read(data.length, false))
  stream.on('end', () => read(0, true))
}

hear<readonly string[]>((paths) => {
  for (const path of paths) get(path)
})
