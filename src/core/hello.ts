/**
 * How the two sides of a mechanism without connections learn of each other: the connector claims the
 * rendezvous (each mechanism has its own atomic act for that), and then says hello, which is an empty
 * message or a token. It comes before everything else that the connector sends.
 */
import { type Acceptor, type Endpoint, type ListenContext, READABLE } from './adapter.js'
import { Result } from './channel.js'
import { type ErrorContext, IpcError, resultError } from './errors.js'

/** The connector's side. Closes the endpoint and throws where it cannot be said. */
export function sayHello<E extends Endpoint>(endpoint: E, errors: ErrorContext): E {
  const n = endpoint.trySend(new Uint8Array(0), endpoint.maxPriority ?? 0)
  if (n >= 0) return endpoint
  const error = endpoint.error ?? resultError(n, errors)
  endpoint.close()
  throw error
}

/**
 * The listener's side: hands `endpoint` over when the hello has come, and ends. `connected` runs just
 * before that; `withdraw` instead of it, when the listener closes first: it takes the rendezvous back.
 * Owns the endpoint; where that cannot wait, withdraws, closes it and throws.
 */
export function awaitHello(
  endpoint: Endpoint,
  url: string,
  context: ListenContext,
  errors: ErrorContext,
  connected: () => void,
  withdraw: () => void,
): Acceptor {
  let over = false
  let paused = false
  let listening = false
  const finish = (): boolean => {
    if (over) return false
    over = true
    endpoint.watch(0)
    endpoint.onReady = () => {}
    return true
  }
  const refuse = (error: IpcError) => {
    if (!finish()) return
    withdraw()
    endpoint.close()
    if (!listening) throw error
    context.done(error)
  }
  endpoint.onReady = () => {
    if (paused) return
    const n = endpoint.tryReceiveInto(new Uint8Array(0))
    if (n === Result.WOULD_BLOCK) {
      endpoint.watch(READABLE)
      return
    }
    if (n === Result.TARGET_SIZE) refuse(new IpcError('ERR_IPC_PROTOCOL', 'what came first is no hello of this library', errors))
    else if (n < 0) refuse(endpoint.error ?? resultError(n, errors))
    else if (!context.allow(endpoint.peer)) refuse(new IpcError('ERR_IPC_PERMISSION', 'the peer is not allowed', errors))
    else if (finish()) {
      connected()
      context.accept(endpoint)
      context.done()
    }
  }
  endpoint.watch(READABLE)
  endpoint.onReady(READABLE)
  listening = true
  return {
    address: url,
    pause() {
      paused = true
      if (!over) endpoint.watch(0)
    },
    resume() {
      paused = false
      if (!over) endpoint.watch(READABLE)
    },
    look() {
      if (over || paused) return
      endpoint.watch(0) // a thread that waits for the hello gives it up, or has it
      endpoint.onReady(READABLE)
    },
    close() {
      if (!finish()) return
      withdraw()
      endpoint.close()
    },
  }
}
