/** What a channel does about a peer that vanishes in the middle of a message. */
import type { Lab, Network } from '../../../src/lab/lab.js'
import { setOptionsOf } from '../../../src/lab/socket-of.js'
import type { TcpRow } from '../../../src/lab/tcp-state.js'
import type { Wire } from '../../../src/lab/wire.js'
import { K } from '../../../src/stage/constants.js'
import { meet, type Pair } from './pair.js'
import type { Told } from './peer.js'

const LARGE_BYTES = 512 * 1024
const TIMEOUT_MS = 500
const USER_TIMEOUT_MS = 1000
/** A second of silence, then two probes, each with a second for its answer. */
const KEEP_ALIVE_MS = 3000
/** The kernel gives up when its next retransmission is due; untold, after a quarter of an hour: tcp_retries2. */
const LATER_MS = 10_000
/** Each scene has one of its own. */
const PORTS = { killed: 7003, silent: 7004, watched: 7005 } as const

interface Cut extends Pair {
  readonly sending: Promise<Told>
  readonly receiving: Promise<Told>
  /** When the wire was cut. */
  readonly since: number
}

/** Cuts the wire when a part of a large message is on the other side. `prepare` is for the sockets. */
async function cutInside(
  lab: Lab,
  network: Network<Wire>,
  port: number,
  timeout?: number,
  prepare: (pair: Pair) => Promise<void> = async () => {},
): Promise<Cut> {
  const pair = await meet(lab, network, 'tcp', port)
  await prepare(pair)
  const sending = pair.sender.do({ do: 'send', count: 1, bytes: LARGE_BYTES })
  sending.catch(() => {}) // it may be killed
  // The window grows when what filled it first has come.
  await network.A.tcp.until('a part acknowledged', (row) => pair.own(row) && (row.congestionWindow ?? 0) >= 20)
  await network.link.hold({})
  const since = performance.now()
  const receiving = pair.receiver.do({ do: 'receive', ...(timeout === undefined ? {} : { timeout }) })
  return { ...pair, sending, receiving, since }
}

/** The other dies: its kernel tells. */
export async function killed(lab: Lab, network: Network<Wire>): Promise<void> {
  lab.intend(`The sender is killed in the middle of a message of ${LARGE_BYTES} bytes.`)
  const { sender, receiver, receiving } = await cutInside(lab, network, PORTS.killed)
  await sender.kill()
  await network.link.release()
  const { code, message = '' } = await receiving
  lab.expect(
    code === 'ERR_IPC_PEER_GONE' && message.includes('inside a message'),
    `its kernel says so; receive() rejects at once: ${code}, ${reasonIn(message)}`,
  )
  await receiver.kill()
}

/** The other falls silent: nobody tells. */
export async function silent(lab: Lab, network: Network<Wire>): Promise<void> {
  lab.intend('The wire is cut in the middle of a message. Nobody says anything: neither kernel knows more than that nothing comes.')
  const { sender, receiver, sending, receiving } = await cutInside(lab, network, PORTS.silent, TIMEOUT_MS)
  const { code, ms, syscall } = await receiving
  lab.expect(
    code === 'ERR_IPC_TIMEOUT' && syscall === undefined && ms >= TIMEOUT_MS,
    `receive({ timeout: ${TIMEOUT_MS} }) rejects after ${ms.toFixed(0)} ms: ${code}`,
  )
  lab.intend('The wire is whole again.')
  await network.link.release()
  const { bytes, whole } = await receiver.do({ do: 'receive' })
  lab.expect(
    bytes === LARGE_BYTES && whole === true,
    `the next receive() has the message, all ${LARGE_BYTES} bytes of it: who gave up had lost nothing`,
  )
  lab.expect((await sending).message === undefined, 'and send() settles: the sender never knew')
  await Promise.all([sender.kill(), receiver.kill()])
}

/** The other falls silent, and the kernels were told to mind. */
export async function watched(lab: Lab, network: Network<Wire>): Promise<void> {
  lab.intend(
    `The same cut, but the kernels are to look: the sender’s has TCP_USER_TIMEOUT ${USER_TIMEOUT_MS} ms, the receiver’s SO_KEEPALIVE: after a second of silence two probes, a second each.`,
  )
  const cut = await cutInside(lab, network, PORTS.watched, undefined, (pair) => watchOver(network, pair))
  const ended = async (outcome: Promise<Told>) => ({ ...(await outcome), after: performance.now() - cut.since })
  const [sent, received] = await Promise.all([ended(cut.sending), ended(cut.receiving)])
  for (const [name, { code, syscall, message = '', after }, least] of [
    ['send()', sent, USER_TIMEOUT_MS],
    ['receive()', received, KEEP_ALIVE_MS],
  ] as const) {
    lab.recorder.write({ sample: { name: `error after (ms) ${name}`, value: after } })
    lab.expect(
      code === 'ERR_IPC_TIMEOUT' && syscall !== undefined && after > 0.8 * least && after < least + LATER_MS,
      `${name} rejects ${(after / 1000).toFixed(1)} s after the cut: ${code}, ${reasonIn(message)}`,
    )
  }
  await network.link.release()
  await Promise.all([cut.sender.kill(), cut.receiver.kill()])
}

/** Sets the options on the sockets that the programs have open; the library knows nothing of it. */
async function watchOver({ A, B }: Network<Wire>, { sender, receiver, own }: Pair): Promise<void> {
  // One that waits to be accepted has no inode yet.
  const accepted = (row: TcpRow) => own(row) && row.inode > 0
  const [senders, receivers] = [await A.tcp.until('the sender’s socket', accepted), await B.tcp.until('the receiver’s socket', accepted)]
  setOptionsOf(sender.pid, senders.inode, [[K.IPPROTO_TCP, K.TCP_USER_TIMEOUT, USER_TIMEOUT_MS]])
  setOptionsOf(receiver.pid, receivers.inode, [
    [K.SOL_SOCKET, K.SO_KEEPALIVE, 1],
    [K.IPPROTO_TCP, K.TCP_KEEPIDLE, 1],
    [K.IPPROTO_TCP, K.TCP_KEEPINTVL, 1],
    [K.IPPROTO_TCP, K.TCP_KEEPCNT, 2],
  ])
}

/** What an error says behind the adapter and the address. */
const reasonIn = (message: string): string => message.split(': ').slice(1).join(': ')
