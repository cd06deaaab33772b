/**
 * How two sides meet where there are no connections: the connector says hello until the listener
 * answers. Both are one datagram of text, and each is lost now and then, so the connector repeats itself.
 */
import { randomBytes } from 'node:crypto'
import { constants } from 'node:os'
import { type ErrorContext, IpcError, systemError } from '../../core/errors.js'
import { EPOLLIN } from '../../native/loop.js'
import { ready } from './listener.js'
import { receiveDatagram } from './message-socket.js'

const { EAGAIN } = constants.errno
const FIRST_REPEAT_MS = 20
const LONGEST_REPEAT_MS = 500
/** Where nobody refuses and nobody answers in this time, nobody listens. */
const PATIENCE_MS = 3000
const MAX_BYTES = 256
const encoder = new TextEncoder()
const decoder = new TextDecoder('latin1')

export interface Hello {
  readonly nonce: string
  readonly text: string
  readonly host: string
  readonly port: number
}

const packet = (kind: 'hello' | 'welcome', nonce: string, text: string): Uint8Array =>
  encoder.encode(`ipc-playground/1 ${kind} ${nonce} ${text}`)

export const welcome = (hello: Hello, text: string): Uint8Array => packet('welcome', hello.nonce, text)

const buffer = new Uint8Array(MAX_BYTES)

function parse(kind: 'hello' | 'welcome', fd: number): Hello | number | undefined {
  const { length, host, port } = receiveDatagram(fd, buffer)
  if (length < 0) return length
  const [product, found, nonce, text, more] = decoder.decode(buffer.subarray(0, length)).split(' ')
  if (product !== 'ipc-playground/1' || found !== kind || nonce === undefined || text === undefined || more !== undefined) return undefined
  return { nonce, text, host, port }
}

/** The next hello; a negative errno where there is none, `undefined` where something else came. */
export const receiveHello = (fd: number): Hello | number | undefined => parse('hello', fd)

/** Says hello through `fd` by `send` until the answer comes: what the listener answered. */
export async function sayHello(
  fd: number,
  text: string,
  send: (packet: Uint8Array) => number,
  signal: AbortSignal,
  errors: ErrorContext,
): Promise<string> {
  const nonce = randomBytes(8).toString('hex')
  const hello = packet('hello', nonce, text)
  const deadline = performance.now() + PATIENCE_MS
  for (let repeat = FIRST_REPEAT_MS; performance.now() < deadline; repeat = Math.min(2 * repeat, LONGEST_REPEAT_MS)) {
    const sent = send(hello)
    if (sent < 0 && sent !== -EAGAIN) throw systemError(sent, 'send', errors)
    const next = performance.now() + repeat
    while (await ready(fd, EPOLLIN, signal, Math.max(0, next - performance.now()))) {
      const answer = receiveWelcome(fd, nonce, errors)
      if (answer !== undefined) return answer
    }
  }
  throw new IpcError('ERR_IPC_NOT_FOUND', 'nobody answers there; start the listener first, or pass waitForPeer: true', errors)
}

function receiveWelcome(fd: number, nonce: string, errors: ErrorContext): string | undefined {
  for (;;) {
    const answer = parse('welcome', fd)
    if (answer === -EAGAIN) return undefined
    if (typeof answer === 'number') throw systemError(answer, 'recvmsg', errors)
    if (answer?.nonce === nonce) return answer.text
  }
}
