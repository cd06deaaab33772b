/**
 * A child process (or worker thread) that is a peer from birth: `spawnPeer` here, `joinParent` there,
 * over any adapter.
 *
 * One lifeline joins the two besides the channel: a socketpair whose end-of-file means that the other
 * side is dead, however it died. It is what tells the peer's death where the mechanism does not, and it
 * carries nothing else.
 */
import { type ChildProcess, type SpawnOptions as NodeSpawnOptions, spawn } from 'node:child_process'
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { isMainThread, MessageChannel, type MessagePort, Worker, workerData } from 'node:worker_threads'
import { native } from '../native/index.js'
import type { Adapter, Endpoint } from './adapter.js'
import type { BaseChannel } from './base-channel.js'
import type { BaseServer } from './base-server.js'
import type { AdapterId, Address, Channel, Credentials, Framing, LinkOptions, Peer, Server, SpawnOptions } from './channel.js'
import { asIpcError, IpcError, unavailable } from './errors.js'
import { runFolder } from './janitor.js'
import { adapterById, moduleOf, registerFrom, requireAvailable } from './registry.js'
import { channelOver, checkFraming, connect, listen } from './rendezvous.js'
import { checkOptions, withSignal } from './wait.js'

const VARIABLE = 'IPC_PLAYGROUND_PARENT'
const STDERR = 2
const LIFELINE = 3
const FIRST_INHERITED = 4
const DEFAULT_KILL_AFTER = 5000
const SECRET_BYTES = 16

/** What the child needs to know, as JSON in one environment variable or in `workerData`. */
interface Invitation {
  adapter: AdapterId
  /** The module of an adapter that is registered. */
  module: string | undefined
  /** Where to connect; absent where the ends are inherited. */
  address?: string
  /** The parent's side of a thread-only adapter. */
  token?: unknown
  /** What the child sends first, where anybody could connect to the address. */
  secret?: string | undefined
  pid: number
  framing: Framing | undefined
  maxMessageBytes: number | undefined
  maxQueuedBytes: number | undefined
}

/**
 * Starts `module` as a peer and gives the channel to it. The module calls `joinParent()`. Settles when
 * the child has joined; over an inherited mechanism, whose ends exist before the child does, as soon as
 * it is started.
 *
 * The child inherits standard input, output and error (except `stderr`, and over `pipe/stdio` the first
 * two). Closing the peer closes the channel, then waits `killAfter` ms for the child to exit by itself.
 *
 * @throws ERR_IPC_PEER_GONE where the child exits without joining (over an inherited mechanism its channel ends), ERR_IPC_UNAVAILABLE, ERR_IPC_TIMEOUT
 */
export async function spawnPeer(module: URL | string, options: SpawnOptions = {}): Promise<Peer> {
  checkOptions(options)
  const adapter = await adapterById(options.adapter ?? 'socket/unix')
  requireAvailable(adapter)
  checkFraming(adapter, options)
  return withSignal(options, { adapter: adapter.id }, (signal) => {
    const start = options.thread === true ? startThread : startProcess
    const file = module instanceof URL ? fileURLToPath(module) : module
    return adapter.offer !== undefined || adapter.offerThread !== undefined
      ? inherit(adapter, file, options, start, signal)
      : meet(adapter, file, options, start, signal)
  })
}

/** A started child, process or thread alike. */
interface Started {
  readonly pid: number
  readonly exited: Promise<{ code: number | null; signal: string | null }>
  /** Runs when the lifeline has ended, or if it has already. */
  onGone(callback: () => void): void
  /** Ends the lifeline from here: the other side learns that this one has closed, whatever the mechanism tells. */
  hangUp(): void
  readonly child: ChildProcess | undefined
  kill(): void
  ref(): void
  unref(): void
}

type Start = (
  file: string,
  invitation: Invitation,
  options: Pick<SpawnOptions, 'args' | 'stderr'>,
  stdio: readonly (string | number)[],
  descriptors: readonly (number | 'pipe')[],
) => Promise<Started>

/** Node's flags, but for those that say what this very process runs: `node -e` would start itself again and again. */
function flagsForPeers(flags: readonly string[]): string[] {
  const kept: string[] = []
  for (let i = 0; i < flags.length; i++) {
    const flag = flags[i] ?? ''
    // The program stands behind its flag; behind -p it may be that of another.
    if (/^(-p?e|--eval)$/.test(flag) || (/^(-p|--print)$/.test(flag) && flags[i + 1]?.startsWith('-') === false)) i++
    else if (!/^(--(inspect|input-type|eval=|print)|-p$)/.test(flag)) kept.push(flag)
  }
  return kept
}

async function startProcess(
  file: string,
  invitation: Invitation,
  { args = [], stderr = STDERR }: Pick<SpawnOptions, 'args' | 'stderr'>,
  stdio: readonly (string | number)[],
  descriptors: readonly (number | 'pipe')[],
): Promise<Started> {
  const child = spawn(process.execPath, [...flagsForPeers(process.execArgv), file, ...args], {
    stdio: [...stdio, stderr, 'pipe', ...descriptors] as NodeSpawnOptions['stdio'] & [],
    env: { ...process.env, [VARIABLE]: JSON.stringify(invitation) },
  })
  const exited = new Promise<{ code: number | null; signal: string | null }>((settle) => {
    child.once('exit', (code, signal) => settle({ code, signal }))
  })
  await once(child, 'spawn').catch((error) => {
    throw asIpcError(error, { adapter: invitation.adapter })
  })
  const lifeline = child.stdio[LIFELINE] as Socket
  lifeline.on('error', () => {}) // an end by reset is an end
  lifeline.resume()
  lifeline.unref()
  const gone = new Promise<void>((settle) => lifeline.once('close', () => settle()))
  return {
    child,
    pid: child.pid ?? -1,
    exited,
    onGone: (callback) => void gone.then(callback),
    hangUp: () => lifeline.destroy(),
    kill: () => child.kill('SIGKILL'),
    ref: () => child.ref(),
    unref: () => child.unref(),
  }
}

async function startThread(file: string, invitation: Invitation, { args = [] }: Pick<SpawnOptions, 'args'>): Promise<Started> {
  const { port1, port2 } = new MessageChannel()
  const worker = new Worker(file, { argv: [...args], workerData: { [VARIABLE]: invitation, lifeline: port2 }, transferList: [port2] })
  const exited = new Promise<{ code: number | null; signal: string | null }>((settle) => {
    worker.once('exit', (code) => settle({ code, signal: null }))
  })
  worker.on('error', (error) => process.emitWarning(error))
  port1.unref()
  const gone = new Promise<void>((settle) => port1.once('close', () => settle()))
  return {
    child: undefined,
    pid: process.pid,
    exited,
    onGone: (callback) => void gone.then(callback),
    hangUp: () => port1.close(),
    kill: () => void worker.terminate(),
    ref: () => worker.ref(),
    unref: () => worker.unref(),
  }
}

const invitationOf = (adapter: Adapter, options: SpawnOptions): Invitation => ({
  adapter: adapter.id,
  module: moduleOf(adapter.id),
  pid: process.pid,
  framing: options.framing,
  maxMessageBytes: options.maxMessageBytes,
  maxQueuedBytes: options.maxQueuedBytes,
})

async function inherit(adapter: Adapter, file: string, options: SpawnOptions, start: Start, signal: AbortSignal): Promise<Peer> {
  if (options.thread === true || adapter.offer === undefined) {
    if (options.thread !== true) throw unavailable('this adapter joins threads of one process: pass thread: true', { adapter: adapter.id })
    if (adapter.offerThread === undefined)
      throw unavailable('this mechanism is inherited by child processes; threads share their descriptors anyway', { adapter: adapter.id })
    const { token, endpoint } = adapter.offerThread()
    const started = await start(file, { ...invitationOf(adapter, options), token }, options, [], [])
    return peerOver(started, channelOver(endpoint, adapter, options, { peer: peerOf(started) }), options)
  }
  const offer = adapter.offer()
  let started: Started
  try {
    signal.throwIfAborted()
    started = await start(file, invitationOf(adapter, options), options, offer.stdio ?? ['inherit', 'inherit'], offer.descriptors)
  } catch (error) {
    offer.abandon()
    throw error
  }
  const endpoint: Endpoint = offer.attach(started.child as ChildProcess, FIRST_INHERITED)
  return peerOver(started, channelOver(endpoint, adapter, options, { peer: peerOf(started) }), options)
}

async function meet(adapter: Adapter, file: string, options: SpawnOptions, start: Start, signal: AbortSignal): Promise<Peer> {
  if (adapter.temporary === undefined) throw unavailable('this adapter has no temporary address', { adapter: adapter.id })
  const address = { adapter: adapter.id, ...adapter.temporary(runFolder()) } as Address
  const server = await listen(address, { ...options, signal, timeout: undefined })
  // A name lies in a private folder; a port of the network is open to every user of the machine.
  const secret = adapter.capabilities.rendezvous === 'network' ? randomBytes(SECRET_BYTES).toString('hex') : undefined
  let started: Started | undefined
  try {
    started = await start(file, { ...invitationOf(adapter, options), address: server.address, secret }, options, ['inherit', 'inherit'], [])
    const channel = await childChannel(server, started, adapter, secret, signal)
    // Not `server.close()`, which closes the channel as well.
    ;(server as unknown as BaseServer<'message'>).done()
    for (const other of server.channels) if (other !== channel) other.destroy()
    return peerOver(started, channel as unknown as BaseChannel, options)
  } catch (error) {
    started?.kill()
    await server.close()
    throw error
  }
}

/** The channel of the child itself, whoever else connects. */
function childChannel(
  server: Server,
  started: Started,
  adapter: Adapter,
  secret: string | undefined,
  signal: AbortSignal,
): Promise<Channel> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    const gone = (why: string) => reject(new IpcError('ERR_IPC_PEER_GONE', why, { adapter: adapter.id }))
    started.exited.then(async ({ code, signal: killed }) => {
      // It may have joined, sent and ended before this side has seen any of it.
      ;(server as unknown as BaseServer<'message'>).look()
      await turn()
      await turn()
      gone(`the child ended (${killed ?? `exit status ${code}`}) before it called joinParent()`)
    })
    const take = async () => {
      for await (const channel of server)
        if (secret === undefined) return resolve(channel)
        else proves(channel, secret).then((proven) => (proven ? resolve(channel) : channel.destroy()))
      gone('the listener ended')
    }
    take().catch(reject)
  })
}

/** One turn of the event loop: what was ready before it has been told after it. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

async function proves(channel: Channel, secret: string): Promise<boolean> {
  const word = await channel.receive().catch(() => null)
  return word !== null && timingSafeEqual(digest(word), digest(Buffer.from(secret)))
}

const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest()

const peerOf = (started: Started): Credentials => ({ pid: started.pid, uid: process.geteuid?.() ?? 0 })

function peerOver(started: Started, channel: BaseChannel, options: SpawnOptions): Peer {
  started.onGone(() => channel.peerLost())
  // The channel decides what keeps this process alive; the child by itself does not.
  started.unref()
  let closing: Promise<void> | undefined
  const close = async () => {
    started.ref()
    const timeout = options.killAfter ?? DEFAULT_KILL_AFTER
    await channel.close({ timeout }).catch(() => {}) // a peer that no longer reads is about to be killed
    started.hangUp()
    const timer = setTimeout(() => started.kill(), timeout)
    await started.exited
    clearTimeout(timer)
  }
  return {
    channel,
    pid: started.pid,
    exited: started.exited,
    [Symbol.asyncDispose]: () => {
      closing ??= close()
      return closing
    },
  }
}

/**
 * The channel to the parent that started this process or thread with `spawnPeer`. Once. Framing and
 * limits are the parent's unless `options` say otherwise.
 *
 * @throws ERR_IPC_NOT_FOUND where no parent did, or where the channel was taken already
 */
export async function joinParent(options: LinkOptions & { framing: 'stream' }): Promise<Channel<'stream'>>
export async function joinParent(options?: LinkOptions): Promise<Channel>
export async function joinParent(options: LinkOptions = {}): Promise<Channel<Framing>> {
  const invitation = takeInvitation()
  if (invitation === undefined)
    throw new IpcError('ERR_IPC_NOT_FOUND', 'this process was not started by spawnPeer(), or joinParent() was called before')
  if (invitation.module !== undefined) await registerFrom(invitation.module)
  const adapter = await adapterById(invitation.adapter)
  requireAvailable(adapter)
  const given: LinkOptions = {
    ...(invitation.framing === undefined ? {} : { framing: invitation.framing }),
    ...(invitation.maxMessageBytes === undefined ? {} : { maxMessageBytes: invitation.maxMessageBytes }),
    ...(invitation.maxQueuedBytes === undefined ? {} : { maxQueuedBytes: invitation.maxQueuedBytes }),
  }
  const channel = await joined(adapter, invitation, { ...given, ...options })
  watchLifeline(channel)
  return channel
}

async function joined(adapter: Adapter, invitation: Invitation, options: LinkOptions): Promise<BaseChannel> {
  const peer = { pid: invitation.pid, uid: process.geteuid?.() ?? 0 }
  if (invitation.address !== undefined) {
    const channel = await connect(invitation.address, options)
    if (invitation.secret !== undefined) await channel.send(Buffer.from(invitation.secret))
    return channel as unknown as BaseChannel
  }
  const endpoint = isMainThread ? adapter.join?.(FIRST_INHERITED) : adapter.joinThread?.(invitation.token)
  if (endpoint === undefined) throw unavailable('this adapter cannot be joined from here', { adapter: adapter.id })
  return channelOver(endpoint, adapter, options, { peer })
}

let taken = false

function takeInvitation(): Invitation | undefined {
  if (taken) return undefined
  taken = true
  if (!isMainThread) return (workerData as { [VARIABLE]?: Invitation } | null)?.[VARIABLE]
  const text = process.env[VARIABLE]
  delete process.env[VARIABLE] // not for the children of this process
  return text === undefined ? undefined : (JSON.parse(text) as Invitation)
}

function watchLifeline(channel: BaseChannel): void {
  if (!isMainThread) {
    const port = (workerData as { lifeline: MessagePort }).lifeline
    port.once('close', () => channel.peerLost())
    port.unref()
    return
  }
  native.fdSetCloseOnExec?.(LIFELINE) // else a grandchild would keep the lifeline
  const lifeline = new Socket({ fd: LIFELINE })
  lifeline.on('error', () => {})
  lifeline.once('close', () => channel.peerLost())
  lifeline.resume()
  lifeline.unref()
}
