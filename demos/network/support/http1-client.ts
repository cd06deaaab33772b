/** Node's client of HTTP/1.1: gets one page and tells what came of it. `http1-client.js ADDRESS PORT` */
import { get } from 'node:http'
import { hear, tell } from './program.js'

const [host, port] = process.argv.slice(2)
let over = false

const request = get({ host, port }, (response) => {
  let body = ''
  response.setEncoding('latin1').on('data', (text: string) => {
    body += text
  })
  response.on('error', () => {}) // `complete` says it
  response.on('close', () => {
    if (!over) tell(`${JSON.stringify(body)}, ${response.complete ? 'complete' : 'incomplete'}`)
    over = true
  })
})
request.on('error', (error: NodeJS.ErrnoException) => {
  if (!over && error.code === 'HPE_INVALID_TRANSFER_ENCODING') {
    over = true
    tell(error.code)
  }
})
hear(() => {})
