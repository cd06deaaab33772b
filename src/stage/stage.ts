/** Where one cell is played: its actors, its names, its story. Everything is cleared away at its end. */
import { randomInt } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Actor, type Cast, type Rewrite } from './actor.js'
import type { ActorProcess } from './actor-process.js'
import { type Constant, call } from './call.js'
import type { Company, ObjectKind } from './company.js'
import { either, K } from './constants.js'
import { type NodeOptions, NodeProcess } from './node-process.js'
import { Story } from './story.js'

/** The cell cannot run on this machine. */
export class Skip extends Error {
  override name = 'Skip'
}

/** Nothing happened, but nothing happened in the control either: the experiment proves nothing. */
export class Uncontrolled extends Error {
  override name = 'Uncontrolled'
}

export interface StageOptions {
  readonly rewrite?: Rewrite
}

export class Stage implements Cast {
  readonly company: Company
  readonly story: Story
  readonly rewrite: Rewrite
  readonly #actors: Actor[] = []
  readonly #nodes: NodeProcess[] = []
  #cleared = false
  readonly #kept: { kind: ObjectKind; name: string }[] = []

  constructor(company: Company, story: Story = new Story(), { rewrite = (call) => call }: StageOptions = {}) {
    this.company = company
    this.story = story
    this.rewrite = rewrite
  }

  /** An exec-ed process that shares no ancestor with the others of the cell but this one. */
  async actor(role: string): Promise<Actor> {
    return this.enter(await this.company.hire(), role)
  }

  /** A process of the user `nobody`, without any capability. Skips the cell where there can be none. */
  async nobody(role: string): Promise<Actor> {
    const actor = await this.actor(role)
    await this.demote(actor)
    return actor
  }

  /** The process goes on as the user `nobody`, without any capability, and keeps what it has open. */
  async demote(actor: Actor): Promise<void> {
    const { error } = await actor.do(call('become', NOBODY, NOBODY))
    if (error !== undefined) throw new Skip(`this user may not start a process of another: ${error}`)
  }

  /** A process in new namespaces of the kinds that `flags` are (CLONE_NEWIPC, …). Skips the cell where there can be none. */
  async apart(role: string, ...flags: readonly Constant[]): Promise<Actor> {
    const actor = await this.actor(role)
    await this.separate(actor, ...flags)
    return actor
  }

  /** The same for a process that there is. */
  async separate(actor: Actor, ...flags: readonly Constant[]): Promise<void> {
    const { error } = await actor.do(call('unshare', either(...flags)))
    if (error === undefined) return
    const inside = await actor.do(call('unshare', either(K.CLONE_NEWUSER, ...flags)))
    if (inside.error !== undefined) throw new Skip(`there are no such namespaces here: ${inside.error}`)
    await mapIds(actor.pid)
  }

  /** A process of Node that runs a program; the rest is its task. */
  async node(role: string, [program, ...task]: readonly [string, ...string[]], options?: NodeOptions): Promise<NodeProcess> {
    const node = new NodeProcess(this.story, role, program, task, options)
    this.#nodes.push(node)
    await this.company.watch(node.pid)
    return node
  }

  enter(process: ActorProcess, role: string): Actor {
    if (this.#cleared) {
      void process.kill()
      throw new Error('the cell is over')
    }
    const actor = new Actor(this, process, role)
    this.#actors.push(actor)
    return actor
  }

  /** A new name of the form `/ipcpg-PID-RANDOM`, which is removed at the end. Of a semaphore the kind is `shm`, the name as for sem_open. */
  async name(kind: 'shm' | 'sem' | 'mq'): Promise<string> {
    const name = `ipcpg-${process.pid}-${random()}`
    await this.#keep(kind === 'sem' ? 'shm' : kind, kind === 'sem' ? `/sem.${name}` : `/${name}`)
    return `/${name}`
  }

  /** A new path in the run's folder or another, which is removed at the end. */
  async path(within = this.company.folder): Promise<string> {
    const path = join(within, random())
    await this.#keep('file', path)
    return path
  }

  /** A new path of a folder, which is removed at the end, after what `path` was asked for in it. */
  async folder(): Promise<string> {
    const path = join(this.company.folder, random())
    await this.#keep('folder', path)
    return path
  }

  /** A new key of System V, whose object is removed at the end. */
  async key(kind: 'sysv-sem' | 'sysv-msg' | 'sysv-shm'): Promise<number> {
    const key = randomInt(0x1000_0000, 0x7fff_ffff)
    await this.#keep(kind, String(key))
    return key
  }

  /** What the next step is for. */
  intend(text: string): void {
    this.story.tell({ kind: 'intent', text })
  }

  /** What was seen that no call says by itself. */
  observe(text: string): void {
    this.story.tell({ kind: 'observation', text })
  }

  /**
   * Plays a scene up to `times` times, until it answers something. Only the first is told: the others would
   * read alike.
   */
  async again<T>(times: number, scene: () => Promise<T | undefined>): Promise<T | undefined> {
    const first = await scene()
    if (first !== undefined) return first
    this.intend(`The same ${times - 1} times more.`)
    return this.story.hush(async () => {
      for (let round = 1; round < times; round++) {
        const seen = await scene()
        if (seen !== undefined) return seen
      }
      return undefined
    })
  }

  /**
   * For a claim that nothing happens: answers what `see` answers, where undefined is nothing, and makes sure
   * that `control` under the same conditions sees something. Throws `Uncontrolled` where it does not.
   */
  async unless<T>(
    see: () => Promise<T | undefined>,
    control: { readonly text: string; readonly see: () => Promise<unknown> },
  ): Promise<T | undefined> {
    const seen = await see()
    this.intend(`Control: ${control.text}`)
    if ((await control.see()) === undefined) throw new Uncontrolled(`the control saw nothing, too: ${control.text}`)
    return seen
  }

  /** Where the actors of the cell are stuck, for one that ran out of time. */
  stuckIn(): string {
    return this.#actors.flatMap((actor) => (actor.process.gone ? [] : (actor.process.stuckIn() ?? []))).join('; ') || 'no call is under way'
  }

  /** Ends the actors, or leaves them to other cells, and removes the names. */
  async clear(): Promise<void> {
    this.#cleared = true
    for (const node of this.#nodes.splice(0)) await node.end()
    // The younger first: a child is gone before its parent is, and what is in a folder before the folder.
    for (const actor of this.#actors.splice(0).reverse()) await this.company.release(actor.process)
    for (const { kind, name } of this.#kept.splice(0).reverse()) await this.company.discard(kind, name)
  }

  async #keep(kind: ObjectKind, name: string): Promise<void> {
    this.#kept.push({ kind, name })
    await this.company.keep(kind, name)
  }
}

/** This user and group are root in the process's new user namespace: without a map it could make no file. user_namespaces(7) */
async function mapIds(pid: number): Promise<void> {
  await writeFile(`/proc/${pid}/setgroups`, 'deny')
  await writeFile(`/proc/${pid}/uid_map`, `0 ${process.geteuid?.() ?? 0} 1`)
  await writeFile(`/proc/${pid}/gid_map`, `0 ${process.getegid?.() ?? 0} 1`)
}

const random = (): string => randomInt(2 ** 47).toString(36)

/** The user and group that own nothing, where a system has not set them otherwise: the kernel's overflow id. */
const NOBODY = 65534
