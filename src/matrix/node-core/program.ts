/**
 * What the core of Node can do by itself: a program that uses nothing else. `program.js TASK ARGUMENTS…` tells
 * what came of the task, a line of JSON each time, and ends when its standard input does.
 */
import { createSocket, type SocketType } from 'node:dgram'
import { constants, fstatSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { connect, Socket } from 'node:net'

const tell = (what: unknown) => process.stdout.write(`${JSON.stringify(what)}\n`)
const fail = (error: unknown) => tell({ error: (error as NodeJS.ErrnoException).code ?? String(error) })

const tasks: Readonly<Record<string, (...args: string[]) => unknown>> = {
  /** What standard input is. */
  stdin() {
    const stat = fstatSync(0)
    tell(stat.isSocket() ? 'socket' : stat.isFIFO() ? 'fifo' : 'other')
  },
  /** The functions of all modules whose name matches. */
  async functions(pattern = '') {
    const found = new Set<string>()
    for (const name of builtinModules.filter((module) => !module.startsWith('_'))) {
      const exported = (await import(`node:${name.replace(/^node:/, '')}`)) as object
      for (const member of Object.keys(exported)) if (new RegExp(pattern, 'i').test(member)) found.add(`${name}.${member}`)
    }
    tell([...found].sort())
  },
  /** Reads a FIFO in the event loop. */
  fifo(path = '') {
    const socket = new Socket({ fd: openSync(path, constants.O_RDWR | constants.O_NONBLOCK), readable: true, writable: false })
    socket.on('data', (data) => tell(data.toString()))
    tell('opened')
  },
  /** Sends back what comes, over a stream. */
  connect(place = '') {
    const port = Number(place)
    const socket = Number.isNaN(port) ? connect(place) : connect(port, '127.0.0.1')
    socket.on('connect', () => tell('connected'))
    socket.on('error', fail)
    socket.on('data', (data) => socket.write(data))
  },
  /** Receives datagrams at a port of its own, and sends each back; as a member of `group`, where one is given. */
  datagrams(type = '', group?: string) {
    const socket = createSocket({ type: type as SocketType, reuseAddr: true })
    socket.on('error', fail)
    socket.on('message', (data, from) => {
      tell(data.toString())
      socket.send(data, from.port, from.address)
    })
    socket.bind(0, group ?? '127.0.0.1', () => {
      if (group !== undefined) socket.addMembership(group, '127.0.0.1')
      tell(socket.address().port)
    })
  },
  /** Whether a handler can be installed, seen in what the kernel has caught signals for; then each signal. */
  catch(name = '', number = '') {
    process.on(name as NodeJS.Signals, () => tell(name))
    const [, caught = '0'] = /^SigCgt:\s*([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
    tell({ caught: ((BigInt(`0x${caught}`) >> BigInt(Number(number) - 1)) & 1n) === 1n })
  },
  kill(pid = '', signal = '') {
    tell(process.kill(Number(pid), Number(signal)))
  },
  store(path = '', text = '') {
    writeFileSync(path, text, { flag: 'r+' })
    tell('stored')
  },
}

const [, , task = '', ...args] = process.argv
process.stdin.on('end', () => process.exit()).resume()
try {
  await tasks[task]?.(...args)
} catch (error) {
  fail(error)
}
