/** Runs a story between this process and a child: meets, exchanges, freezes, ends, and leaves nothing behind. */
import { fstatSync } from 'node:fs'
import { constants } from 'node:os'
import { setImmediate } from 'node:timers/promises'
import { type AdapterId, type Channel, isIpcError, type Peer, Result, spawnPeer } from 'ipc-playground'
import type { Adapter } from '../../src/core/adapter.js'
import { adapterById, adapterIds } from '../../src/core/registry.js'
import { Changes, stateOf } from './kernel.js'
import { Narrator, type View } from './narrator.js'
import { described, payload } from './payload.js'

const CHILD = new URL('./child.js', import.meta.url)
/** For what may never come: a mechanism that merges or drops. */
const PATIENCE_MS = 300
const FROZEN_MESSAGES = 3
const BULK_BYTES = 4000
const BULK_MESSAGES = 500

export class Story {
  readonly adapter: Adapter
  readonly me: Narrator
  readonly changes: Changes
  readonly #peer: Peer

  constructor(adapter: Adapter, me: Narrator, peer: Peer, changes: Changes) {
    this.adapter = adapter
    this.me = me
    this.#peer = peer
    this.changes = changes
  }

  get channel(): Channel {
    return this.#peer.channel
  }

  get child(): number {
    return this.#peer.pid
  }

  /** Two threads of one process: there is no second process to stop or to look at. */
  get oneProcess(): boolean {
    return this.child === process.pid
  }

  /** A message there and back; `look` shows the kernel while the answer waits to be read. */
  async exchange(look: () => readonly View[]): Promise<void> {
    this.me.title('A message there and back')
    await this.#send(1, 'hello')
    await this.channel.waitReadable()
    this.me.says('does not read the answer yet')
    this.me.shows(...look())
    await this.#receive()
    while (!this.oneProcess && stateOf(this.child) !== 'S') await setImmediate() // until it waits for the next
  }

  /** The child is stopped while messages are sent; `look` shows where they are meanwhile. */
  async freeze(look: () => readonly View[]): Promise<void> {
    if (this.oneProcess) return
    this.me.title('Where messages are while nobody reads')
    await this.stopChild()
    for (let i = 1; i <= FROZEN_MESSAGES; i++) await this.#send(i, `message ${i}`)
    this.me.shows(...look())
    this.continueChild()
    const { whenFull } = this.channel.capabilities
    const sure = whenFull !== 'coalesce' && whenFull !== 'drop'
    let received = 0
    while (received < FROZEN_MESSAGES && (await this.#receive(sure ? undefined : PATIENCE_MS))) received++
    if (received < FROZEN_MESSAGES)
      this.me.says(`sent ${FROZEN_MESSAGES} and got ${received} back: this mechanism may ${whenFull === 'drop' ? 'drop' : 'merge'}`)
  }

  /** Sends without waiting until the mechanism is full. */
  async fill(look: () => readonly View[]): Promise<void> {
    if (this.oneProcess) return
    this.me.title('How much it holds')
    await this.stopChild()
    const bulk = new Uint8Array(Math.min(BULK_BYTES, this.channel.capabilities.payload.max))
    let sent = 0
    while (sent < BULK_MESSAGES && this.channel.trySend(bulk) !== Result.WOULD_BLOCK) sent++
    this.me.says(
      `sends ${bulk.length} bytes again and again: it takes ${sent} messages, ${sent * bulk.length} bytes, then says WOULD_BLOCK`,
    )
    this.me.shows(...look())
    this.continueChild()
    await this.channel.waitWritable()
    this.me.says('can send again')
    await this.#send(2, 'enough')
    await this.#receive()
  }

  async end(): Promise<void> {
    this.me.title('The end')
    const { channel } = this
    if (channel.capabilities.halfClose) {
      this.me.says('ends its direction; the other one still flows')
      await channel.end()
      if ((await channel.receive()) === null) this.me.says('receives the end of the other direction')
    } else this.me.says('closes')
    await this.#peer[Symbol.asyncDispose]()
    const { code, signal } = await this.#peer.exited
    this.me.says(this.oneProcess ? 'the thread has ended' : `the child ${this.child} has ended: ${signal ?? `exit status ${code}`}`)
  }

  async stopChild(): Promise<void> {
    this.me.says(`stops the child: kill -STOP ${this.child}`)
    process.kill(this.child, 'SIGSTOP')
    while (stateOf(this.child) !== 'T') await setImmediate()
  }

  continueChild(): void {
    this.me.says(`lets it run: kill -CONT ${this.child}`)
    process.kill(this.child, 'SIGCONT')
  }

  async #send(number: number, text: string): Promise<void> {
    const data = payload(this.channel.capabilities, number, text)
    this.me.says(`sends ${described(this.channel.capabilities, data)}`)
    await this.channel.send(data)
  }

  async #receive(timeout?: number): Promise<boolean> {
    try {
      const data = await this.channel.receive({ timeout })
      if (data === null) return false
      this.me.says(`receives ${described(this.channel.capabilities, data)}`)
      return true
    } catch (error) {
      if (isIpcError(error) && error.code === 'ERR_IPC_TIMEOUT') return false
      throw error
    }
  }
}

/** What a file of `demos/` does: `node dist/demos/fifo.js [adapter]`. */
export async function tell(mechanism: string, story: (story: Story) => Promise<void>): Promise<void> {
  try {
    await telling(mechanism, story)
  } catch (error) {
    if (!isIpcError(error)) throw error
    console.error(error.message) // a limit of this machine, mostly: it says what to do
    process.exitCode = 1
  }
}

async function telling(mechanism: string, story: (story: Story) => Promise<void>): Promise<void> {
  const adapter = await adapterById(process.argv[2] ?? (await firstOf(mechanism)))
  const reason = adapter.unavailable()
  if (reason !== undefined) {
    console.log(`${adapter.id} cannot run here: ${reason}`)
    process.exitCode = 2
    return
  }
  const since = Date.now()
  const me = new Narrator('parent', since)
  me.title(`${adapter.id}: ${adapter.summary}`)
  const thread = adapter.capabilities.rendezvous === 'inherit' && adapter.offer === undefined
  me.says(`starts a ${thread ? 'thread' : 'child'}`)
  const changes = new Changes()
  const peer = await spawnPeer(CHILD, {
    adapter: adapter.id as AdapterId,
    thread,
    args: [String(since), String(fstatSync(1).ino)],
  })
  endOnSignals(peer)
  const told = new Story(adapter, me, peer, changes)
  me.says(`has met ${thread ? 'it' : `the child ${peer.pid}`}`)
  try {
    await story(told)
    await told.end()
  } finally {
    await peer[Symbol.asyncDispose]()
  }
}

/** Also a stopped child ends; what the library made is removed on the way out. */
function endOnSignals(peer: Peer): void {
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.once(name, () => {
      peer.channel.destroy()
      try {
        if (peer.pid !== process.pid) process.kill(peer.pid, 'SIGKILL')
      } catch {
        // it has ended meanwhile
      }
      process.exit(128 + constants.signals[name])
    })
}

async function firstOf(mechanism: string): Promise<AdapterId> {
  const first = (await adapterIds()).find((id) => id.startsWith(`${mechanism}/`))
  if (first === undefined) throw new TypeError(`name an adapter; there is no mechanism '${mechanism}'`)
  return first
}
