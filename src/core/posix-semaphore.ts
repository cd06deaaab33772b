/** Where the C library keeps a named semaphore. sem_overview(7), "Accessing named semaphores via the filesystem" */
import { lstatSync } from 'node:fs'
import { constants } from 'node:os'
import { native } from '../native/semaphore.js'

const { ENOENT } = constants.errno

/** sem_open(3): NAME_MAX less `sem.`. */
export const MAX_NAME = 251

/** glibc keeps the semaphore /NAME as this file. */
export const fileOf = (name: string): string => `/dev/shm/sem.${name.slice(1)}`

/** Undefined where nothing has the name. */
export const inodeOf = (name: string): number | undefined => lstatSync(fileOf(name), { throwIfNoEntry: false })?.ino

/** Removes the name while it is that semaphore's. Of several processes that try, one gets 0. */
export const removeName = (name: string, inode: number | undefined): number =>
  inode === undefined || inodeOf(name) !== inode ? -ENOENT : native.semUnlink(name)
