/**
 * How two processes meet over signals. A listener is a thread named `<prefix>-listen`. A connector finds
 * it under /proc/PID/task and sends it a control signal that carries the connector's own receiver
 * thread; the listener answers there. Each tells, in the upper half of the value, to which thread data is to be
 * sent. The first is the peer, every later one is refused.
 *
 * The kernel lets only the same user (or CAP_KILL) signal a process: kill(2). The pid inside a queued
 * signal is the sender's claim; the answer, which goes to that pid's thread, proves it.
 */
import { constants } from 'node:os'
import { type Adapter, type ConnectContext, type Endpoint, type ListenContext, READABLE } from '../../core/adapter.js'
import type { AdapterId, Adapters } from '../../core/channel.js'
import { type ErrorContext, IpcError, systemError } from '../../core/errors.js'
import { checkPid } from '../../core/process-identity.js'
import { findThread, RETRY_MS, type Role, SignalEndpoint, SignalSender, userOf, type Variant } from './endpoint.js'
import { native } from './native.js'

const { EAGAIN, ESRCH } = constants.errno
/** How often a connector looks whether the listener still listens. */
const LOOK_MS = 20

const REFUSED = 0
const ACCEPTED = 1
const DENIED = 2
const isAnswer = (value: number) => value === REFUSED || value === ACCEPTED || value === DENIED

type SignalId = Extract<AdapterId, `signal/${string}`>

/** Everything of a signal adapter but its name and facts. */
export function signalMethods<Id extends SignalId>(variant: Variant) {
  const { scheme } = variant
  return {
    parse: (url: URL): Adapters[Id] => ({ pid: url.hostname === 'self' ? process.pid : numberOf(url) }),
    format: ({ pid }: Adapters[Id]): string => `${scheme}://${checkPid(pid)}`,
    temporary: (): Adapters[Id] => ({ pid: process.pid }),
    listen: async ({ pid }: Adapters[Id], context: ListenContext) => {
      const endpoint = openOwn(variant, pid, 'listen')
      const address = `${scheme}://${pid}`
      return { address, pause() {}, resume() {}, close: answer(endpoint, context) }
    },
    connect: ({ pid }: Adapters[Id], context: ConnectContext) => meet(variant, pid, context),
    openReceiver: async ({ pid }: Adapters[Id]): Promise<Endpoint> => openOwn(variant, pid, 'raw'),
    openSender: async ({ pid }: Adapters[Id]): Promise<Endpoint> => {
      const errors = { adapter: variant.id, address: `${scheme}://${pid}` }
      const probe = native.signalSend(pid, 0, 0, 0, 0)
      if (probe < 0 && probe !== -EAGAIN) throw systemError(probe, 'rt_sigqueueinfo', errors)
      // A receiver of this library has a thread, to which signals keep their order; others get them as a process.
      return new SignalSender(variant, pid, findThread(pid, variant, 'raw') ?? 0)
    },
  } satisfies Partial<Adapter<Id>>
}

function numberOf(url: URL): number {
  if (!/^[0-9]+$/.test(url.hostname) || url.pathname.length > 1)
    throw new TypeError(`'${url.href}' must be ${url.protocol}//PID or ${url.protocol}//self`)
  return Number(url.hostname)
}

/** A receiver of this process: one of a role at a time. */
function openOwn(variant: Variant, pid: number, role: Role): SignalEndpoint {
  if (pid !== process.pid) throw new RangeError(`a process receives signals at its own pid, ${process.pid}, not ${pid}`)
  if (findThread(pid, variant, role) !== undefined)
    throw new IpcError('ERR_IPC_EXISTS', 'this process receives there already; close that first', {
      adapter: variant.id,
      address: `${variant.scheme}://${pid}`,
    })
  return new SignalEndpoint(variant, role)
}

/** Answers hellos until there is a peer. The function returned stops listening. */
function answer(endpoint: SignalEndpoint, context: ListenContext): () => void {
  let listening = true
  let handedOver = false
  const hello = (pid: number, tid: number, dataTid: number) => {
    const reply = (value: number, label: number): number => {
      const sent = native.signalSend(pid, tid, native.signalControlNumber, value, label)
      // The connector's user has no room for signals: later.
      if (sent === -EAGAIN) setTimeout(() => hello(pid, tid, dataTid), RETRY_MS).unref()
      return sent
    }
    const accept = (): number => {
      endpoint.takeDirectly()
      return reply(ACCEPTED, endpoint.dataTid)
    }
    const uid = userOf(pid)
    if (isAnswer(tid) || uid === undefined) return
    if (handedOver) reply(REFUSED, 0)
    else if (!listening) return
    else if (!context.allow({ pid, uid })) reply(DENIED, 0)
    else if (accept() === 0) {
      handedOver = true
      // After the answer: a connector that misses the listener's name looks for an answer once more.
      endpoint.role = 'peer'
      endpoint.pairWith(pid, tid, dataTid)
      endpoint.watch(0)
      context.accept(endpoint)
      context.done()
    }
  }
  endpoint.onControl = hello
  endpoint.onReady = () => endpoint.pump()
  endpoint.watch(READABLE)
  return () => {
    if (!listening) return
    listening = false
    if (!handedOver) endpoint.close()
  }
}

async function meet(variant: Variant, pid: number, context: ConnectContext): Promise<Endpoint> {
  const errors = { adapter: variant.id, address: `${variant.scheme}://${pid}` }
  context.signal.throwIfAborted()
  const endpoint = new SignalEndpoint(variant, 'peer')
  try {
    endpoint.takeDirectly()
    endpoint.pairWith(pid, 0, 0)
    const listener = findThread(pid, variant, 'listen')
    if (listener === undefined) throw nobody(errors)
    endpoint.pairWith(pid, listener, await greet(endpoint, variant, pid, listener, context.signal, errors))
    return endpoint
  } catch (error) {
    endpoint.close()
    throw error
  }
}

const nobody = (errors: ErrorContext) =>
  new IpcError('ERR_IPC_NOT_FOUND', 'that process does not listen for signals; start the listener first, or pass waitForPeer: true', errors)

/** Says hello and settles with the thread that takes the listener's data once it has accepted. */
function greet(
  endpoint: SignalEndpoint,
  variant: Variant,
  pid: number,
  listener: number,
  signal: AbortSignal,
  errors: ErrorContext,
): Promise<number> {
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined
    const finish = (settle: () => void) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', aborted)
      endpoint.onControl = () => {}
      endpoint.onMark = () => {}
      endpoint.watch(0)
      settle()
    }
    const aborted = () => finish(() => reject(signal.reason))
    const fail = (error: unknown) => finish(() => reject(error))
    const look = () => {
      // No longer the listener: if the answer was yes it was sent before, so it comes before the mark.
      if (findThread(pid, variant, 'listen') === listener) timer = setTimeout(look, LOOK_MS)
      else endpoint.mark()
    }
    const say = () => {
      const sent = native.signalSend(pid, listener, native.signalControlNumber, endpoint.receiverTid, endpoint.dataTid)
      if (sent === 0) look()
      else if (sent === -EAGAIN) timer = setTimeout(say, RETRY_MS)
      else fail(sent === -ESRCH ? nobody(errors) : systemError(sent, 'rt_tgsigqueueinfo', errors))
    }
    endpoint.onMark = () =>
      fail(
        userOf(pid) === undefined
          ? nobody(errors)
          : new IpcError('ERR_IPC_BUSY', 'the listener has its one peer, or stopped listening', errors),
      )
    endpoint.onControl = (from, value, label) => {
      if (from !== pid) return
      if (value === ACCEPTED) finish(() => resolve(label))
      else if (value === DENIED) fail(new IpcError('ERR_IPC_PERMISSION', 'the listener does not allow this peer', errors))
      else if (value === REFUSED) fail(new IpcError('ERR_IPC_BUSY', 'the listener has its one peer', errors))
    }
    endpoint.onReady = () => endpoint.pump()
    signal.addEventListener('abort', aborted, { once: true })
    endpoint.watch(READABLE)
    say()
  })
}
