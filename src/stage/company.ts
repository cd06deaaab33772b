/**
 * The processes of a run: actors, which serve one cell after the other, and a keeper, which outlives the
 * run until every process and object of it is gone.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { folderKind, type Tracked, trackNew } from '../core/janitor.js'
import { ActorProcess } from './actor-process.js'
import { call } from './call.js'
import { stateOf } from './kernel.js'

/** dist/src/stage/ -> the package */
export const actorPath = fileURLToPath(new URL('../../../build/actor', import.meta.url))

/** Why no cell can run here; undefined where they can. */
export function unavailable(): string | undefined {
  if (process.platform !== 'linux') return 'the matrix experiments with the Linux kernel'
  return existsSync(actorPath) ? undefined : 'the actor was not built; run `npx ipc-playground build`'
}

/** What the keeper can remove. */
export type ObjectKind = 'file' | 'shm' | 'mq' | 'sysv-sem' | 'sysv-msg' | 'sysv-shm' | 'folder'

const HELLO_MS = 10_000

export class Company {
  /** Sockets and FIFOs of the run lie here; other users may enter, but not list it. */
  readonly folder: string
  readonly #tracked: Tracked | undefined
  readonly #server: Server
  readonly #expected = new Map<string, (actor: ActorProcess) => void>()
  readonly #idle: ActorProcess[] = []
  readonly #children = new Set<ChildProcess>()
  #keeper: ActorProcess | undefined

  private constructor(folder: string, server: Server, tracked: Tracked | undefined) {
    this.folder = folder
    this.#tracked = tracked
    this.#server = server
    server.on('connection', (socket) => this.#meet(socket))
  }

  static async gather(): Promise<Company> {
    const folder = join(tmpdir(), `ipcpg-${process.pid}-${randomBytes(4).toString('hex')}`)
    const { tracked } = trackNew(folderKind, folder, () => {
      mkdirSync(folder)
      chmodSync(folder, 0o711) // whatever the umask is
      return 0
    })
    const server = createServer()
    const company = new Company(folder, server, tracked)
    const control = join(folder, 'control')
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(control, resolve))
    const keeper = await company.hire()
    await keeper.request(call('keeper')).outcome
    company.#keeper = keeper
    await company.keep('folder', folder)
    await company.keep('file', control)
    return company
  }

  /** An actor that nobody uses: fresh from exec, or as good. */
  async hire(): Promise<ActorProcess> {
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) if (idle.idle) return idle
    const token = this.expect()
    // In a session of its own: Ctrl-C is for the stage, which then clears it away.
    const child = spawn(actorPath, [join(this.folder, 'control'), token.text], { stdio: ['ignore', 'ignore', 'inherit'], detached: true })
    this.#children.add(child)
    child.once('exit', () => this.#children.delete(child))
    return Promise.race([
      token.actor,
      new Promise<never>((_, reject) => {
        child.once('error', reject)
        child.once('exit', (code, signal) => reject(new Error(`an actor ended at its start: ${signal ?? code}`)))
      }),
    ])
  }

  /** A token for an actor that another will start, and the actor when it has come. */
  expect(): { text: string; actor: Promise<ActorProcess> } {
    const text = randomBytes(8).toString('hex')
    const actor = new Promise<ActorProcess>((resolve, reject) => {
      const patience = setTimeout(() => {
        this.#expected.delete(text)
        reject(new Error('an actor did not come'))
      }, HELLO_MS)
      this.#expected.set(text, (come) => {
        clearTimeout(patience)
        resolve(come)
      })
    })
    actor.catch(() => {}) // whoever waits for it hears it
    return { text, actor }
  }

  /** Takes an actor back: for another cell if nothing of this one is left in it. */
  async release(actor: ActorProcess): Promise<void> {
    const serves = actor.idle && stateOf(actor.pid) !== 'T'
    if (serves && (await actor.request(call('reset')).outcome).error === undefined) this.#idle.push(actor)
    else await actor.kill()
  }

  /** Notes an object before it is made. */
  async keep(kind: ObjectKind, name: string): Promise<void> {
    const { error } = (await this.#keeper?.request(call('keep', kind, name)).outcome) ?? {}
    if (error !== undefined) throw new Error(`the keeper did not take ${kind} ${name}: ${error}`)
  }

  /** A process that is no actor ends with the run as well. */
  async watch(pid: number): Promise<void> {
    await this.#keeper?.request(call('keep', 'process', pid)).outcome
  }

  /** Removes it if it stands. */
  async discard(kind: ObjectKind, name: string): Promise<void> {
    const { error } = (await this.#keeper?.request(call('discard', kind, name)).outcome) ?? {}
    if (error !== undefined && error !== 'ENOENT') throw new Error(`${kind} ${name} stays: ${error}`)
  }

  /** Every process ends and every object goes. */
  async close(): Promise<void> {
    const keeper = this.#keeper
    this.#keeper = undefined
    await Promise.all(this.#idle.splice(0).map((actor) => actor.kill()))
    const closed = new Promise((resolve) => this.#server.close(resolve))
    keeper?.disconnect()
    await keeper?.disconnected
    for (const child of this.#children) child.kill('SIGKILL') // that had not come yet
    await closed
    await Promise.all([...this.#children].map((child) => new Promise((resolve) => child.once('exit', resolve))))
    this.#tracked?.remove()
  }

  #meet(socket: Socket): void {
    let text = ''
    const listen = (chunk: Buffer) => {
      text += chunk.toString('latin1')
      const end = text.indexOf('\n')
      if (end < 0) return
      socket.off('data', listen)
      const [, token = '', pid] = text.slice(0, end).split(' ')
      const expected = this.#expected.get(token)
      if (expected === undefined) return void socket.destroy()
      this.#expected.delete(token)
      const actor = new ActorProcess(socket, Number(pid), text.slice(end + 1))
      void this.watch(actor.pid)
      expected(actor)
    }
    socket.on('data', listen)
  }
}
