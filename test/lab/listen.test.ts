import { expect, test } from 'vitest'
import { LEFT_OUT } from '../../demos/network/listen.js'
import { onSockets } from '../../demos/network/support/system-calls.js'
import { notesOf, played } from './played.js'

const trace = played('listen')

test('a connection is two sockets beside the listener, and a second one has the same name at the server', (context) => {
  const sockets = trace(context).events.flatMap(({ side, state }) => (state?.to === 'ESTABLISHED' ? `${side} ${state.socket}` : []))
  const [client = '', server = ''] = [sockets.find((name) => name.startsWith('A')), sockets.find((name) => name.startsWith('B'))]
  expect(server.split(' ').slice(1)).toEqual(client.split(' ').slice(1).reverse())
  const names = sockets.filter((name) => name.startsWith('B 192.0.2.2:7000 '))
  expect(new Set(names).size).toBe(2)
})

test('the system calls of a server and of a client come in the order of the books', (context) => {
  const notes = notesOf(trace(context))
  const reason = notes.find((note) => note.startsWith(LEFT_OUT))
  if (reason !== undefined) context.skip(reason)
  const calls = (who: string) => notes.flatMap((note) => new RegExp(`^${who} (\\w+)\\(`).exec(note)?.[1] ?? [])
  expect(calls('server').filter((name) => ['socket', 'bind', 'listen', 'accept4'].includes(name))).toEqual([
    'socket',
    'bind',
    'listen',
    'accept4',
  ])
  expect(calls('client').slice(0, 2)).toEqual(['socket', 'connect'])
})

test('of what strace wrote, only what is done with sockets of the internet is told', () => {
  const text = [
    'read(3, "\\177ELF", 832)                = 832',
    'socket(AF_UNIX, SOCK_STREAM, 0)         = 19',
    'socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_IP) = 20',
    'listen(20, 511)                         = 0',
    'accept4(20, NULL, NULL, SOCK_CLOEXEC)   = -1 EAGAIN (Resource temporarily unavailable)',
    'accept4(20, NULL, NULL, SOCK_CLOEXEC)   = 21',
    'write(21, "hello", 5)                   = 5',
    'close(21)                               = 0',
    'read(21, "", 5)                         = 0',
    '',
  ].join('\n')
  expect(onSockets(text)).toEqual([
    'socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_IP) = 20',
    'listen(20, 511) = 0',
    'accept4(20, NULL, NULL, SOCK_CLOEXEC) = -1 EAGAIN (Resource temporarily unavailable)',
    'accept4(20, NULL, NULL, SOCK_CLOEXEC) = 21',
    'write(21, "hello", 5) = 5',
    'close(21) = 0',
  ])
})
