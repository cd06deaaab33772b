/** A process at one end of the protocols, over UDP: `process.js sender|receiver OWN PEER`. It is asked what request.ts says. */
import { createSocket, type Socket } from 'node:dgram'
import { createInterface } from 'node:readline'
import { AF_INET, native, SOCK_DGRAM, SOL_SOCKET } from '../../../src/adapters/socket/native.js'
import { check } from '../../../src/core/errors.js'
import { K } from '../../../src/stage/constants.js'
import type { Channel, Sender } from './machine.js'
import { PROTOCOLS } from './protocols.js'
import type { Request } from './request.js'
import { decode, encode } from './segment.js'

const [, , role = '', own = '', peer = ''] = process.argv

/** What stands between two requests to open. */
let socket: Socket | undefined
let sender: Sender | undefined
let waiting: string[] = []
let sending = false
let delivered: string[] = []
let timeouts = 0

/** UDP's own checksum would keep what is corrupt from the protocol. socket(7) SO_NO_CHECK; RFC 768 */
function socketWithoutChecksum(port: number): Socket {
  const fd = check(native.socketOpen(AF_INET, SOCK_DGRAM, 0), 'socket')
  check(native.socketSetOption(fd, SOL_SOCKET, K.SO_NO_CHECK.value, 1), 'setsockopt')
  check(native.socketBind(fd, AF_INET, own, port), 'bind')
  native.fdDisown(fd)
  return createSocket('udp4').bind({ fd })
}

function channelOver(socket: Socket, port: number, timeoutMs: number): Channel {
  return {
    send: (segment) => socket.send(encode(segment), port, peer),
    timer(timeout) {
      let timer: NodeJS.Timeout | undefined
      const stop = () => clearTimeout(timer)
      return {
        stop,
        start() {
          stop()
          timer = setTimeout(() => {
            timeouts++
            timeout()
          }, timeoutMs)
        },
      }
    },
  }
}

function open({ protocol, port, timeoutMs }: Request & { ask: 'open' }): void {
  socket?.close()
  timeouts = 0
  socket = socketWithoutChecksum(port)
  const channel = channelOver(socket, port, timeoutMs)
  if (role === 'sender') {
    const opened = PROTOCOLS[protocol].sender(channel)
    sender = opened
    waiting = []
    sending = false
    socket.on('message', (bytes) => {
      opened.receive(decode(bytes))
      sendWaiting(opened)
      if (sending && opened.idle) {
        sending = false
        tell('everything is acknowledged')
      }
    })
  } else {
    delivered = []
    const receiver = PROTOCOLS[protocol].receiver(channel, (data) => delivered.push(data))
    socket.on('message', (bytes) => receiver.receive(decode(bytes)))
  }
  tell('ready')
}

function sendWaiting(sender: Sender): void {
  while (sender.ready && waiting.length > 0) sender.send(waiting.shift() ?? '')
}

function hear(request: Request): void {
  if (request.ask === 'open') open(request)
  else if (request.ask === 'delivered') tell(delivered)
  else if (request.ask === 'timeouts') tell(timeouts)
  else if (request.ask === 'timers') tell(process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length)
  else if (sender !== undefined) {
    waiting.push(...request.messages)
    sending = true
    sendWaiting(sender)
  }
}

const tell = (what: unknown) => process.stdout.write(`${JSON.stringify(what)}\n`)

createInterface({ input: process.stdin })
  .on('line', (line) => hear(JSON.parse(line) as Request))
  .on('close', () => process.exit())
