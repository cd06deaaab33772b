/** What a case works with: peers, helper processes, fresh addresses; all of it released when the case is over. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'
import type { Adapter } from '../../core/adapter.js'
import { type Address, type Channel, type LinkOptions, type Receiver, Result, type Sender, type Server } from '../../core/channel.js'
import { isIpcError } from '../../core/errors.js'
import { runFolder } from '../../core/janitor.js'
import { connect, listen } from '../../core/rendezvous.js'
import { spawnPeer } from '../../core/spawn.js'
import { digest, pattern } from '../pattern.js'
import type { Subject } from './case.js'
import { Complaints } from './complaints.js'
import type { Control, Switchboard } from './control.js'
import { type Exit, type Helper, type HelperPool, peerFile } from './helpers.js'

const MOST_BYTES = 64 * 1024 * 1024
const LEAVE_MS = 1000
/** Turns of the event loop after which what has not happened is taken not to happen. */
const TURNS = 20
/** What is under way on a thread comes to rest in less. */
const REST_MS = 40
const MOST_EVENTS = 200_000

export interface PeerOptions extends LinkOptions {
  /** The peer's side is a byte stream, that of the suite is framed. */
  raw?: true
}

/** Our end of a channel, and the process (or thread) at the other. */
export interface Remote {
  readonly channel: Channel
  readonly pid: number
  readonly exited: Promise<Exit>
  readonly call: Control['call']
  /** What the peer said last of its own accord, when it has gone. */
  readonly lastWord: Promise<unknown>
  readonly complaints: Complaints
}

/** What one run has for all of its cases. */
export interface Stage {
  readonly board: Switchboard
  readonly helpers: HelperPool
  readonly adapter: Adapter
  readonly subject: Subject
  /** So many messages did not fill it; nobody tries again. */
  bottomless?: number
}

/** A peer that `spawnPeer` starts. The caller stops it. */
export async function startPeer(
  { board, adapter, subject }: Stage,
  { raw, ...link }: PeerOptions = {},
): Promise<Remote & { stop(): Promise<void> }> {
  const { token, control } = board.expect()
  const complaints = new Complaints()
  const starting = spawnPeer(peerFile, {
    ...link,
    adapter: adapter.id,
    thread: subject.threads,
    args: [board.path, token, raw === true ? 'stream' : 'join'],
    stderr: complaints.fd,
  })
  starting.then(
    ({ exited }) => exited.then(() => complaints.close()),
    () => complaints.close(),
  )
  const peer = await starting
  const controlling = await Promise.race([
    control,
    peer.exited.then(({ code, signal }) => assert.fail(`the peer ended before it began (${signal ?? code}): ${complaints.text()}`)),
  ])
  return {
    complaints,
    channel: peer.channel,
    pid: peer.pid,
    exited: peer.exited,
    call: controlling.call.bind(controlling),
    lastWord: controlling.closed,
    async stop() {
      peer.channel.destroy()
      controlling.close()
      // It leaves when its control socket ends, unless it cannot notice.
      const late = setTimeout(() => !subject.threads && process.kill(peer.pid, 'SIGKILL'), LEAVE_MS)
      await peer.exited
      clearTimeout(late)
    },
  }
}

export class Context {
  readonly stage: Stage
  readonly adapter: Adapter
  readonly subject: Subject
  readonly #shared: (() => Promise<Remote>) | undefined
  readonly #release: ((passed: boolean) => unknown)[] = []
  readonly #complaints = new Set<Complaints>()

  constructor(stage: Stage, shared: (() => Promise<Remote>) | undefined) {
    this.stage = stage
    this.adapter = stage.adapter
    this.subject = stage.subject
    this.#shared = shared
  }

  /** What must happen when the case is over, last first. */
  defer(release: (passed: boolean) => unknown): void {
    this.#release.push(release)
  }

  async release(passed: boolean): Promise<void> {
    for (const release of this.#release.splice(0).reverse()) await release(passed)
  }

  /** What the peers of this case have written on standard error. */
  complaints(): string {
    return [...this.#complaints]
      .map((complaints) => complaints.text())
      .filter(Boolean)
      .join(' ')
  }

  #hear(complaints: Complaints): void {
    complaints.begin()
    this.#complaints.add(complaints)
  }

  /** The peer of this case: the run's shared one, or one of its own. */
  async peer(): Promise<Remote> {
    const shared = await this.#shared?.()
    if (shared === undefined) return this.ownPeer()
    this.#hear(shared.complaints)
    return shared
  }

  /** A peer with a channel that no other case uses: a helper that connects by name where there are names, else a spawned one. */
  async ownPeer({ raw, ...options }: PeerOptions = {}): Promise<Remote> {
    if (this.subject.rendezvous === 'inherit') return this.spawnedPeer(raw === true ? { raw, ...options } : options)
    const { helper, channel } = await this.meet(this.address(), options, raw === true ? { ...options, framing: 'stream' } : options)
    const { pid, exited, call, lastWord, complaints } = helper
    return { channel, pid, exited, call, lastWord, complaints }
  }

  /** A peer started by `spawnPeer`, with its lifeline. Nothing but its channel keeps it alive. */
  async spawnedPeer(options: PeerOptions = {}): Promise<Remote> {
    const peer = await startPeer(this.stage, options)
    this.#hear(peer.complaints)
    this.defer(() => peer.stop())
    return peer
  }

  /** A process that makes its channels by `connect`, `listen`, `openReceiver` or `openSender`. */
  async helper(): Promise<Helper> {
    const helper = await this.stage.helpers.take()
    this.#hear(helper.complaints)
    this.defer((passed) => this.stage.helpers.give(helper, passed))
    return helper
  }

  /** Listens here, and lets a helper connect: its channel there is `main`. */
  async meet(address: Address = this.address(), options: LinkOptions = {}, theirs: LinkOptions = options) {
    const helper = await this.helper()
    const server = await this.listen(address, options)
    const accepted = this.accept(server)
    await helper.call('connect', { address: server.address, options: { ...theirs } })
    return { helper, server, channel: await accepted }
  }

  /** Lets a process kill itself, and waits for its end. */
  async kill({ call, exited }: Pick<Remote, 'call' | 'exited'>): Promise<Exit> {
    call('die').catch(() => {}) // no answer comes from the dead
    return exited
  }

  /** An address that nobody else uses. */
  address(): Address {
    assert(this.adapter.temporary !== undefined, 'an adapter with names has temporary addresses')
    return { adapter: this.adapter.id, ...this.adapter.temporary(runFolder()) } as Address
  }

  /** An address where nobody listens, and somebody may later. Of a network, the kernel chooses a port first. */
  async unheard(): Promise<Address> {
    const address = this.address()
    if (this.subject.rendezvous !== 'network' || !this.subject.connects) return address
    const server = await listen(address)
    const chosen = server.address
    await server.close()
    return chosen
  }

  /** The same in its URL form. */
  url(address: Address): string {
    if (typeof address === 'string') return address
    const { adapter: _, ...rest } = address
    return this.adapter.format(rest as never)
  }

  async listen(address: Address, options: Parameters<typeof listen>[1] = {}): Promise<Server> {
    const server = await listen(address, options)
    this.defer(() => {
      for (const channel of server.channels) channel.destroy()
      return server.close()
    })
    return server
  }

  async connect(address: Address, options: Parameters<typeof connect>[1] = {}): Promise<Channel> {
    return this.own(await connect(address, options))
  }

  /** The next channel of a server. */
  async accept(server: Server): Promise<Channel> {
    const { value, done } = await server[Symbol.asyncIterator]().next()
    assert(done !== true, 'the server ended instead of yielding a channel')
    return value
  }

  own<L extends Sender | Receiver>(link: L): L {
    this.defer(() => link.destroy())
    return link
  }

  // ---- payloads ----

  /** A length that the mechanism takes, as near to `wanted` as may be. */
  length(wanted: number): number {
    const { min, max } = this.subject.payload
    return Math.min(Math.max(wanted, min), max)
  }

  payload(seed: number, wanted = 64): Uint8Array<ArrayBuffer> {
    return pattern(seed, this.length(wanted))
  }

  /** Sends one message to an echoing peer and checks what comes back. Where messages may be dropped, tries three times. */
  async exchange(peer: Pick<Remote, 'channel' | 'call'>, data: Uint8Array): Promise<void> {
    const lossy = this.subject.whenFull === 'drop'
    const echoed = peer.call('echo', {})
    for (let attempt = 1; ; attempt++) {
      await peer.channel.send(data)
      try {
        const back = await peer.channel.receive(lossy && attempt < 3 ? { timeout: 1000 } : {})
        assert(back !== null, 'the end came instead of the echo')
        assert.equal(digest(back), digest(data))
        await echoed
        return
      } catch (error) {
        if (!lossy || attempt === 3 || codeOf(error) !== 'ERR_IPC_TIMEOUT') throw error
      }
    }
  }

  /**
   * Sends patterns from `seed` on until `trySend` says that it is full, and still does when what is under
   * way has come to rest, while nobody reads: how many it took; negative where it was not full after that many.
   */
  async fill(sender: Sender, length: number, seed = 0): Promise<number> {
    if (this.stage.bottomless !== undefined) return -this.stage.bottomless
    const most = length <= 8 ? MOST_EVENTS : Math.ceil(MOST_BYTES / length)
    let taken = 0
    for (let refused = 0; refused < TURNS; ) {
      const result = sender.trySend(pattern(seed + taken, length))
      if (result === Result.WOULD_BLOCK) {
        // Where fullness cannot be watched, waiting says that it is worth a try.
        const worthATry = await sender.waitWritable({ timeout: REST_MS }).catch(() => false)
        refused = worthATry ? refused + 1 : TURNS
        continue
      }
      assert(result >= 0, `trySend answered ${result} after ${taken} messages`)
      refused = 0
      if (++taken === most) {
        this.stage.bottomless = most
        return -most
      }
    }
    return taken
  }

  /** What does not fit into a full channel: of a stream, more than the room by which a kernel may widen its buffers late. */
  beyondGrowth(seed: number): Uint8Array {
    return pattern(seed, this.length(this.subject.framing === 'stream' ? 12 * 1024 * 1024 : 4096))
  }

  /** Stops a process, and waits until it has stopped. The function returned lets it go on. */
  async freeze(pid: number): Promise<() => void> {
    const thaw = () => {
      process.kill(pid, 'SIGCONT')
    }
    process.kill(pid, 'SIGSTOP')
    // proc_pid_stat(5): the state is the field after the command in parentheses.
    while (!/\) T /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))) await turn()
    return thaw
  }
}

export const codeOf = (error: unknown): string | undefined =>
  isIpcError(error) ? error.code : error instanceof Error && 'code' in error ? String(error.code) : undefined

/** The call must reject with one of these codes. */
export async function rejects(promise: Promise<unknown>, ...codes: string[]): Promise<Error> {
  let value: unknown
  try {
    value = await promise
  } catch (error) {
    const code = codeOf(error)
    assert(code !== undefined && codes.includes(code), `expected ${codes.join(' or ')}, not ${String(error)}`)
    return error as Error
  }
  assert.fail(`expected ${codes.join(' or ')}, but it settled with ${typeof value}`)
}

/** The end of a channel whose peer has gone: `null`, or ERR_IPC_PEER_GONE where no end can be told. */
export async function endsOrGone(received: Promise<unknown>): Promise<void> {
  await received.then(
    (message) => assert.equal(message, null),
    (error) => assert.equal(codeOf(error), 'ERR_IPC_PEER_GONE'),
  )
}

/** Whether a promise is still pending after the event loop has turned a few times. */
export async function pending(promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  const settle = () => {
    settled = true
  }
  promise.then(settle, settle)
  for (let turns = 0; turns < TURNS && !settled; turns++) await turn()
  return !settled
}
