import type { Actor } from '../stage/actor.js'
import { call, type Payload } from '../stage/call.js'
import { either, K, mode } from '../stage/constants.js'
import { type End, ROOM, type Subject } from './subject.js'

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

/** Maps a descriptor's first page, for both ways; answers the address. */
export async function map(actor: Actor, fd: number): Promise<number> {
  return (await actor.must(call('mmap', fd, SEGMENT_BYTES, either(K.PROT_READ, K.PROT_WRITE), K.MAP_SHARED))).result
}

/** Opens the object, or makes it of one page; answers the descriptor. */
export async function openObject(actor: Actor, name: string, way: 'make' | 'find'): Promise<number> {
  const flags = way === 'find' ? K.O_RDWR : either(K.O_RDWR, K.O_CREAT, K.O_EXCL)
  const fd = (await actor.must(call('shm_open', name, flags, mode(0o600)))).result
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
}

/** Makes a segment of one page, or finds it, and attaches it; answers id and address. */
export async function attach(actor: Actor, key: number, way: 'make' | 'find'): Promise<{ id: number; address: number }> {
  const flags = way === 'find' ? { text: '0', value: 0 } : either(K.IPC_CREAT, K.IPC_EXCL, mode(0o600))
  const id = (await actor.must(call('shmget', key, SEGMENT_BYTES, flags))).result
  return { id, address: (await actor.must(call('shmat', id, 0))).result }
}

export const svshm: Subject = {
  key: 'svshm',
  title: 'SysV shm',
  adapter: 'shared-memory/sysv',
  async meet(stage) {
    const [sender, receiver] = [await stage.actor('sender'), await stage.actor('receiver')]
    const key = await stage.key('sysv-shm')
    const made = await attach(sender, key, 'make')
    const found = await attach(receiver, key, 'find')
    return { sender: new MemoryEnd(sender, made.address, 'shmdt'), receiver: new MemoryEnd(receiver, found.address, 'shmdt') }
  },
}

/** The descriptor travels by inheritance: the sender makes it and is the parent of the receiver. */
export const memfd: Subject = {
  key: 'memfd',
  title: 'memfd',
  adapter: 'shared-memory/ring',
  async meet(stage) {
    const sender = await stage.actor('sender')
    const fd = (await sender.must(call('memfd_create', 'ipcpg', K.MFD_ALLOW_SEALING))).result
    await sender.must(call('ftruncate', fd, SEGMENT_BYTES))
    const receiver = await sender.spawn('receiver')
    return { sender: new MemoryEnd(sender, await map(sender, fd)), receiver: new MemoryEnd(receiver, await map(receiver, fd)) }
  },
}
