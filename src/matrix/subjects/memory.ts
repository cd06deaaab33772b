import type { Actor } from '../../stage/actor.js'
import { type Call, type Constant, call, type Payload } from '../../stage/call.js'
import { either, K, mode } from '../../stage/constants.js'
import { type End, opened, ROOM, type Subject } from './subject.js'
import { idOf, keyed, type SysvKind } from './sysv.js'

/** What the experiments share: one page. */
export const SEGMENT_BYTES = 4096

/** Sends and receives at the segment's start; nothing waits. */
export class MemoryEnd implements End {
  readonly actor: Actor
  readonly address: number
  readonly detach: 'munmap' | 'shmdt'

  constructor(actor: Actor, address: number, detach: 'munmap' | 'shmdt' = 'munmap') {
    this.actor = actor
    this.address = address
    this.detach = detach
  }

  send(payload: Payload) {
    return call('store', this.address, payload)
  }

  receive(room = ROOM) {
    return call('load', this.address, room)
  }

  async waits(): Promise<void> {}

  async close(): Promise<void> {
    await this.actor.must(this.detach === 'shmdt' ? call('shmdt', this.address) : call('munmap', this.address, SEGMENT_BYTES))
  }
}

/** Of a mapping whose descriptor is still open: the only handle of what has no name. */
class MemfdEnd extends MemoryEnd {
  readonly fd: number

  constructor(actor: Actor, address: number, fd: number) {
    super(actor, address)
    this.fd = fd
  }
}

/** Both sides call it, of memory that is zeroed; answers the first round in which neither saw the other's store, or 0. */
export const litmus = (end: MemoryEnd, side: 0 | 1, rounds: number, fenced: boolean) =>
  call('litmus', end.address + (fenced ? SEGMENT_BYTES / 2 : 0), side, rounds, {
    text: fenced ? 'with a barrier' : 'no barrier',
    value: fenced ? 1 : 0,
  })

/** Maps a descriptor's first page, for both ways; answers the address. */
export async function map(actor: Actor, fd: number): Promise<number> {
  return (await actor.must(call('mmap', fd, SEGMENT_BYTES, either(K.PROT_READ, K.PROT_WRITE), K.MAP_SHARED))).result
}

const opening = (name: string, flags: readonly Constant[] = []): Call => call('shm_open', name, either(K.O_RDWR, ...flags), mode(0o600))

/** Opens the object, or makes it of one page; answers the descriptor. */
export async function openObject(actor: Actor, name: string, way: 'make' | 'find'): Promise<number> {
  const fd = (await actor.must(opening(name, way === 'find' ? [] : [K.O_CREAT, K.O_EXCL]))).result
  if (way === 'make') await actor.must(call('ftruncate', fd, SEGMENT_BYTES))
  return fd
}

export const pshm: Subject = {
  key: 'pshm',
  title: 'POSIX shm + mmap',
  adapter: 'shared-memory/posix',
  async meet(stage) {
    const [sender, receiver] = [await stage.actor('sender'), await stage.actor('receiver')]
    const name = await stage.name('shm')
    const made = await openObject(sender, name, 'make')
    const found = await openObject(receiver, name, 'find')
    return { sender: new MemoryEnd(sender, await map(sender, made)), receiver: new MemoryEnd(receiver, await map(receiver, found)) }
  },
  async named(stage) {
    const name = await stage.name('shm')
    return {
      name,
      async make(actor, exclusively) {
        const made = await actor.do(opening(name, exclusively ? [K.O_CREAT, K.O_EXCL] : [K.O_CREAT]))
        if (made.error !== undefined) return made
        await actor.must(call('ftruncate', made.result, SEGMENT_BYTES))
        await actor.must(call('close', made.result))
        return made
      },
      find: (actor) => opened(actor, opening(name), (fd) => call('close', fd)),
      async open(actor) {
        const fd = await openObject(actor, name, 'find')
        const address = await map(actor, fd)
        await actor.must(call('close', fd))
        return new MemoryEnd(actor, address)
      },
      remove: (actor) => actor.do(call('shm_unlink', name)),
    }
  },
}

/** Of one page. */
const segments: SysvKind = {
  objects: 'sysv-shm',
  get: (key, flags) => call('shmget', key, SEGMENT_BYTES, flags),
  remove: (id) => call('shmctl', id, K.IPC_RMID),
}

/** Makes a segment of one page, or finds it, and attaches it; answers id and address. */
export async function attach(actor: Actor, key: number, way: 'make' | 'find'): Promise<{ id: number; address: number }> {
  const id = await idOf(segments, actor, key, way)
  return { id, address: (await actor.must(call('shmat', id, 0))).result }
}

const found = async (actor: Actor, key: number) => new MemoryEnd(actor, (await attach(actor, key, 'find')).address, 'shmdt')

export const svshm: Subject = {
  key: 'svshm',
  title: 'SysV shm',
  adapter: 'shared-memory/sysv',
  async meet(stage) {
    const [sender, receiver] = [await stage.actor('sender'), await stage.actor('receiver')]
    const key = await stage.key('sysv-shm')
    const made = await attach(sender, key, 'make')
    return { sender: new MemoryEnd(sender, made.address, 'shmdt'), receiver: await found(receiver, key) }
  },
  named: (stage) => keyed(segments, stage, found),
}

/** Of one page; answers the descriptor. */
export async function makeMemfd(actor: Actor): Promise<number> {
  const fd = (await actor.must(call('memfd_create', 'ipcpg', K.MFD_ALLOW_SEALING))).result
  await actor.must(call('ftruncate', fd, SEGMENT_BYTES))
  return fd
}

/** The descriptor travels by inheritance: the sender makes it and is the parent of the receiver. */
export const memfd: Subject = {
  key: 'memfd',
  title: 'memfd',
  adapter: 'shared-memory/ring',
  async meet(stage) {
    const sender = await stage.actor('sender')
    const fd = await makeMemfd(sender)
    const receiver = await sender.spawn('receiver')
    return { sender: new MemfdEnd(sender, await map(sender, fd), fd), receiver: new MemfdEnd(receiver, await map(receiver, fd), fd) }
  },
}
