/** System V semaphore sets by their key: making them, and what tells one from a later one. semget(2), semctl(2) */
import { constants } from 'node:os'
import { native } from '../native/semaphore.js'
import { type ErrorContext, type IpcError, systemError } from './errors.js'
import { defineKind, type ObjectKind, type Tracked, trackNew } from './janitor.js'
import { keyText } from './sysv-key.js'

const { EEXIST, ENOSPC } = constants.errno
const IPC_CREAT = 0o1000
const IPC_EXCL = 0o2000

/** -errno where no set has the key. */
const found = (key: string): number => native.semsetOpen(Number(key), 0, 0)

/** Seconds; negative where there is no such set. */
const changedOf = (set: number): number => (set < 0 ? set : native.semsetChanged(set))

/** Sets under their keys, `remove`d by identifier. A successor has another identifier. */
export const defineSetKind = (kind: string, remove: (set: number) => void): ObjectKind =>
  defineKind({
    kind,
    identity(key) {
      const set = found(key)
      const changed = changedOf(set)
      return changed < 0 ? undefined : `${set}:${changed}`
    },
    born(key) {
      const changed = changedOf(found(key))
      return changed < 0 ? undefined : changed * 1000
    },
    remove(key) {
      const set = found(key)
      if (set >= 0) remove(set)
    },
  })

/** Makes a set of `size` semaphores that must not exist, all 0 on Linux (semget(2), NOTES): its identifier, or -errno. */
export const makeSet = (kind: ObjectKind, key: number, size: number, mode: number): { result: number; tracked: Tracked | undefined } =>
  trackNew(kind, keyText(key), () => native.semsetOpen(key, size, IPC_CREAT | IPC_EXCL | mode))

/** The error of a set that could not be made or found. */
export function setError(result: number, key: number, errors: ErrorContext): IpcError {
  if (result === -ENOSPC)
    return systemError(
      result,
      'semget',
      errors,
      'the machine has as many semaphores as kernel.sem allows; raise it, or remove some with ipcrm',
    )
  if (result === -EEXIST)
    return systemError(
      result,
      'semget',
      errors,
      `a set has the key ${keyText(key)} already, of this name or of another one with the same hash; remove it with ipcrm, or choose another`,
    )
  return systemError(result, 'semget', errors)
}
