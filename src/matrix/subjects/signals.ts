import { CAP_SYS_RESOURCE, capable, limitOf } from '../../core/limits.js'
import type { Actor } from '../../stage/actor.js'
import { type Call, call, type Payload } from '../../stage/call.js'
import { K } from '../../stage/constants.js'
import type { Stage } from '../../stage/stage.js'
import type { End, Subject } from './subject.js'

/** The signal of the standard subject: no use of its own, and not the one that opens Node's inspector. */
export const STANDARD = K.SIGUSR2

/** A sender knows the pid of its target. */
export class SignalSender implements End {
  readonly actor: Actor
  readonly target: number
  readonly #signal: Call

  constructor(actor: Actor, target: number, signal: Call) {
    this.actor = actor
    this.target = target
    this.#signal = signal
  }

  send(payload: Payload): Call {
    return typeof payload === 'object' && 'counter' in payload
      ? { ...this.#signal, args: this.#signal.args.map((arg, index) => (index === 2 ? payload : arg)) }
      : this.#signal
  }

  receive(): Call {
    throw new TypeError('a sender of signals receives none')
  }

  async waits(): Promise<void> {}
  async close(): Promise<void> {}
}

/** Holds the signal, and takes it when it asks for it. */
export class SignalReceiver implements End {
  readonly actor: Actor
  readonly signal: number
  #waits = true

  constructor(actor: Actor, signal: number) {
    this.actor = actor
    this.signal = signal
  }

  send(): Call {
    throw new TypeError('a receiver of signals sends none')
  }

  receive(): Call {
    return call('sigtimedwait', this.#waits ? -1 : 0, this.signal)
  }

  async waits(on: boolean): Promise<void> {
    this.#waits = on
  }

  async close(): Promise<void> {}
}

/** Why no signal can carry more than its number here: actors take what their hard limit allows. getrlimit(2) RLIMIT_SIGPENDING */
export const noPendingSignals = (): string | undefined =>
  limitOf('Max pending signals')?.hard === 0 && !capable(CAP_SYS_RESOURCE) ? 'this user may have no signals pending' : undefined

/** The lowest real-time signal that the C library leaves to programs. */
export const realtimeSignal = async (actor: Actor): Promise<number> => (await actor.must(call('sigrtmin'))).result

interface Kind {
  signalOf(receiver: Actor): Promise<number>
  send(pid: number, signal: number): Call
}

const kinds = {
  sig: { signalOf: async () => STANDARD.value, send: (pid) => call('kill', pid, STANDARD) },
  rtsig: { signalOf: realtimeSignal, send: (pid, signal) => call('sigqueue', pid, signal, 0) },
} satisfies Record<string, Kind>

/** Between two processes that there are: the receiver holds the signal from now on. */
export async function signalPair(
  key: keyof typeof kinds,
  sender: Actor,
  receiver: Actor,
): Promise<{ readonly sender: SignalSender; readonly receiver: SignalReceiver }> {
  const kind: Kind = kinds[key]
  const signal = await kind.signalOf(receiver)
  await receiver.must(call('sigprocmask', K.SIG_BLOCK, signal))
  return {
    sender: new SignalSender(sender, receiver.pid, kind.send(receiver.pid, signal)),
    receiver: new SignalReceiver(receiver, signal),
  }
}

export const sig: Subject = {
  key: 'sig',
  title: 'standard signal',
  adapter: 'signal/standard',
  meet: async (stage) => signalPair('sig', await stage.actor('sender'), await stage.actor('receiver')),
}

export const rtsig: Subject = {
  key: 'rtsig',
  title: 'RT signal',
  adapter: 'signal/realtime',
  unavailable: noPendingSignals,
  meet: async (stage) => signalPair('rtsig', await stage.actor('sender'), await stage.actor('receiver')),
}

/** Lets no more than `limit` signals be pending of the actor's user, of which nothing else is pending where it can be so. */
export async function onlyPending(stage: Stage, actor: Actor, limit: number): Promise<void> {
  stage.intend('In a user namespace of its own, where there is one: what pends of the user elsewhere does not count.')
  await actor.do(call('unshare', K.CLONE_NEWUSER))
  await actor.must(call('setrlimit', K.RLIMIT_SIGPENDING, limit, limit))
}
