import { fileURLToPath } from 'node:url'
import type { Actor } from '../../stage/actor.js'
import { call } from '../../stage/call.js'
import { K } from '../../stage/constants.js'
import type { Stage } from '../../stage/stage.js'
import { newGroup } from '../subjects/datagram-sockets.js'
import { makeFifo, openFifo } from '../subjects/fifo.js'
import { map, openObject } from '../subjects/memory.js'
import { realtimeSignal, STANDARD } from '../subjects/signals.js'
import { bound, inetAddress, LOOPBACK, octets, openSocket, portOf, unixAddress } from '../subjects/sockets.js'
import { defineProperty, type Experiment } from './property.js'

const PROGRAM = fileURLToPath(new URL('../node-core/program.js', import.meta.url))

const errorOf = (told: unknown): string | undefined => (told as { error?: string } | null)?.error

/** The functions of Node's modules by name, with a control that there are any. */
async function functions(stage: Stage, pattern: string): Promise<readonly string[]> {
  const found = await stage.unless(
    async () => {
      const names = (await (await stage.node('node', [PROGRAM, 'functions', pattern])).told()) as string[]
      return names.length > 0 ? names : undefined
    },
    {
      text: 'what Node has is found.',
      see: async () => ((await (await stage.node('node', [PROGRAM, 'functions', '^createConnection$'])).told()) as string[])[0],
    },
  )
  return found ?? []
}

const withoutFunction =
  (pattern: string): Experiment =>
  async (stage) => {
    const found = await functions(stage, pattern)
    return found.length === 0 ? 'no' : found.join(', ')
  }

/** Node connects to an actor that listens, and sends back what it gets. */
async function overStream(stage: Stage, actor: Actor, type: typeof K.SOCK_STREAM, at: Uint8Array, place: string): Promise<string> {
  const domain = at[0] === K.AF_UNIX.value ? K.AF_UNIX : K.AF_INET
  const { fd, address } = await bound(actor, domain, type, at)
  if (type !== K.SOCK_DGRAM) await actor.must(call('listen', fd, 1))
  const node = await stage.node('node', [PROGRAM, 'connect', place || String(portOf(address))])
  const told = await node.told()
  if (told !== 'connected') return errorOf(told) ?? String(told)
  const accepted = (await actor.must(call('accept', fd, 0))).result
  await actor.must(call('write', accepted, 'x'))
  return (await actor.must(call('read', accepted, 8))).text === 'x' ? 'yes' : 'connected, but nothing came back'
}

async function overUnix(stage: Stage, type: typeof K.SOCK_STREAM): Promise<string> {
  const path = await stage.path()
  return overStream(stage, await stage.actor('listener'), type, unixAddress(path), path)
}

/** Neither module takes the type of socket; a stream, for control, they do. */
const refused =
  (type: typeof K.SOCK_STREAM, name: string): Experiment =>
  async (stage) => {
    const connects = await stage.unless(
      async () => {
        const seen = await overUnix(stage, type)
        return seen === 'yes' ? seen : undefined
      },
      {
        text: 'a unix stream takes the same way.',
        see: async () => ((await overUnix(stage, K.SOCK_STREAM)) === 'yes' ? 'yes' : undefined),
      },
    )
    const opened = errorOf(await (await stage.node('node', [PROGRAM, 'datagrams', name])).told())
    return connects === undefined && opened !== undefined ? 'no' : (connects ?? `dgram opens ${name}`)
  }

/** A datagram there and back. */
async function overDatagrams(stage: Stage, group?: string): Promise<string> {
  const actor = await stage.actor('sender')
  const node = await stage.node('node', [PROGRAM, 'datagrams', 'udp4', ...(group === undefined ? [] : [group])])
  const port = await node.told()
  if (typeof port !== 'number') return errorOf(port) ?? String(port)
  const fd = await openSocket(actor, K.AF_INET, K.SOCK_DGRAM)
  await actor.must(call('bind', fd, inetAddress(LOOPBACK, 0)))
  if (group !== undefined) await actor.must(call('setsockopt', fd, K.IPPROTO_IP, K.IP_MULTICAST_IF, Uint8Array.of(...octets(LOOPBACK))))
  await actor.must(call('sendto', fd, 'x', 0, inetAddress(group ?? LOOPBACK, port)))
  if ((await node.told()) !== 'x') return 'another datagram came'
  return (await actor.must(call('recv', fd, 8, 0))).text === 'x' ? 'yes' : 'another datagram came back'
}

/** Node sends a signal to an actor, and catches one of it. */
async function signals(stage: Stage, name: string, numberOf: (actor: Actor) => Promise<number>): Promise<string> {
  const actor = await stage.actor('actor')
  const number = await numberOf(actor)
  await actor.must(call('sigprocmask', K.SIG_BLOCK, number))
  await (await stage.node('node', [PROGRAM, 'kill', String(actor.pid), String(number)])).told()
  const sent = (await actor.must(call('sigtimedwait', -1, number))).result === number
  const node = await stage.node('node', [PROGRAM, 'catch', name, String(number)])
  const { caught } = (await node.told()) as { caught: boolean }
  if (!caught) return sent ? 'send only' : 'no'
  await actor.must(call('kill', node.pid, number))
  return (await node.told()) === name && sent ? 'yes' : 'another signal came'
}

export default defineProperty({
  id: 'P43',
  name: 'node-core',
  experiments: {
    pipe: async (stage) => {
      const kind = await stage.unless(
        async () => ((await (await stage.node('child', [PROGRAM, 'stdin'])).told()) === 'fifo' ? 'yes' : undefined),
        {
          text: 'a pipe of the shell is seen to be one.',
          see: async () =>
            (await (await stage.node('child', [PROGRAM, 'stdin'], { behindPipe: true })).told()) === 'fifo' ? 'fifo' : undefined,
        },
      )
      return kind ?? 'no'
    },
    fifo: async (stage) => {
      const actor = await stage.actor('writer')
      const path = await makeFifo(stage, actor)
      const node = await stage.node('reader', [PROGRAM, 'fifo', path])
      if ((await node.told()) !== 'opened') return 'no'
      await actor.must((await openFifo(actor, path, 'write')).send('x'))
      if ((await node.told()) !== 'x') return 'another byte came'
      return (await functions(stage, '^mkfifo')).length === 0 ? 'partly' : 'yes'
    },
    psem: withoutFunction('^sem_?(open|post|wait)|semaphore'),
    svsem: withoutFunction('^sem_?(get|op|ctl)|semaphore'),
    pmq: withoutFunction('^mq_?|messagequeue'),
    svmq: withoutFunction('^msg_?(get|snd|rcv)|messagequeue'),
    svshm: withoutFunction('^shm'),
    memfd: withoutFunction('memfd'),
    pshm: async (stage) => {
      const actor = await stage.actor('reader')
      const name = await stage.name('shm')
      const address = await map(actor, await openObject(actor, name, 'make'))
      const node = await stage.node('writer', [PROGRAM, 'store', `/dev/shm${name}`, 'x'])
      if ((await node.told()) !== 'stored') return 'no'
      if ((await actor.must(call('load', address, 1))).text !== 'x') return 'another byte is there'
      return (await functions(stage, '^(mmap|shm_?open)')).length === 0 ? 'file I/O only' : 'yes'
    },
    sig: (stage) => signals(stage, STANDARD.text, async () => STANDARD.value),
    rtsig: (stage) => signals(stage, 'SIGRTMIN', realtimeSignal),
    ustream: (stage) => overUnix(stage, K.SOCK_STREAM),
    tcp: async (stage) => overStream(stage, await stage.actor('listener'), K.SOCK_STREAM, inetAddress(LOOPBACK, 0), ''),
    udgram: refused(K.SOCK_DGRAM, 'unix_dgram'),
    useq: refused(K.SOCK_SEQPACKET, 'unix_seqpacket'),
    udp: (stage) => overDatagrams(stage),
    mcast: (stage) => overDatagrams(stage, newGroup()),
  },
})
