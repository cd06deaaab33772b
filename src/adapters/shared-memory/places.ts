/** Segments by name: POSIX shared memory, files, System V. */
import { constants, fchmodSync, fstatSync } from 'node:fs'
import { check, type ErrorContext, IpcError, systemError } from '../../core/errors.js'
import { defineKind, fileKind, type ObjectKind, trackNew } from '../../core/janitor.js'
import { Mapping, native as memory } from '../../native/memory.js'
import type { Place } from './named-segment.js'
import { native } from './native.js'

const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = constants
const IPC_CREAT = 0o1000
const IPC_EXCL = 0o2000
const LARGEST = 2 ** 31

/** Where shm_open(3) keeps its objects on Linux. */
export const sharedMemoryPath = (name: string): string => `/dev/shm/${name}`

function filePlace(path: string, open: (flags: number, mode: number) => number, errors: ErrorContext): Place {
  return {
    create(bytes, mode) {
      const { result, tracked } = trackNew(fileKind, path, () => open(O_RDWR | O_CREAT | O_EXCL, mode))
      const fd = check(result, 'open', errors)
      try {
        fchmodSync(fd, mode)
        check(memory.memoryReserve(fd, bytes), 'posix_fallocate', errors)
        return { mapping: Mapping.ofFile(fd, bytes, errors), remove: () => tracked?.remove() }
      } catch (error) {
        tracked?.remove()
        throw error
      } finally {
        memory.fdClose(fd)
      }
    },
    open() {
      const fd = check(open(O_RDWR, 0), 'open', errors)
      try {
        const stat = fstatSync(fd)
        if (!stat.isFile()) throw new IpcError('ERR_IPC_VERSION', 'this is no regular file', errors)
        if (stat.size > LARGEST) throw new IpcError('ERR_IPC_VERSION', `the segment has ${stat.size} bytes`, errors)
        if (stat.size === 0) throw new IpcError('ERR_IPC_NOT_FOUND', 'the segment is still empty', errors)
        return { mapping: Mapping.ofFile(fd, stat.size, errors), bytes: stat.size }
      } finally {
        memory.fdClose(fd)
      }
    },
  }
}

export const posixPlace = (name: string, errors: ErrorContext): Place =>
  filePlace(sharedMemoryPath(name), (flags, mode) => memory.memoryOpenNamed(name, flags, mode), errors)

export const mappedFilePlace = (path: string, errors: ErrorContext): Place =>
  filePlace(path, (flags, mode) => memory.fdOpen(path, flags | O_NOFOLLOW | O_NONBLOCK, mode), errors)

/** The System V key of a name: FNV-1a. 0 is IPC_PRIVATE. Names that collide are told apart by the header. */
export function keyOf(name: string): number {
  let hash = 0x811c9dc5
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash | 0 || 1
}

const status = new Float64Array(4)

/** A segment is told from a later one by its id and creator: ids count up with every use of their slot. */
const segmentKind: ObjectKind = defineKind({
  kind: 'sysv-shm',
  identity(name) {
    const id = native.shmGet(keyOf(name), 0, 0)
    if (id < 0 || native.shmStat(id, status) < 0) return undefined
    return `${id}:${status[1]}`
  },
  born(name) {
    const id = native.shmGet(keyOf(name), 0, 0)
    return id < 0 || native.shmStat(id, status) < 0 ? undefined : (status[2] as number) * 1000
  },
  remove(name) {
    const id = native.shmGet(keyOf(name), 0, 0)
    if (id >= 0) native.shmRemove(id)
  },
})

export function sysvPlace(name: string, errors: ErrorContext): Place {
  return {
    create(bytes, mode) {
      const { result, tracked } = trackNew(segmentKind, name, () => native.shmGet(keyOf(name), bytes, IPC_CREAT | IPC_EXCL | mode))
      const id = check(result, 'shmget', errors)
      try {
        return { mapping: new Mapping(native.shmMap(id), 'shmat', errors), remove: () => tracked?.remove() }
      } catch (error) {
        tracked?.remove()
        throw error
      }
    },
    open() {
      const id = check(native.shmGet(keyOf(name), 0, 0), 'shmget', errors)
      const known = native.shmStat(id, status)
      if (known < 0) throw systemError(known, 'shmctl', errors)
      const bytes = status[0] as number
      return { mapping: new Mapping(native.shmMap(id), 'shmat', errors), bytes }
    },
  }
}
