/** `create: 'never' | 'exclusive' | 'if-missing'` over mechanisms whose creation is exclusive. */
import { constants } from 'node:os'
import type { OpenContext } from './adapter.js'
import type { Create } from './channel.js'
import type { Tracked } from './janitor.js'

const { EEXIST, ENOENT } = constants.errno

/** Throws a TypeError unless it is one of the three. */
export function checkCreate(create: Create): void {
  if (create !== 'never' && create !== 'exclusive' && create !== 'if-missing')
    throw new TypeError(`create is 'never', 'exclusive' or 'if-missing', not ${JSON.stringify(create)}`)
}

export interface Opened {
  /** What `open` or `make` answered: a descriptor, handle or identifier, or -errno. */
  readonly result: number
  /** This call made the object, and it is to be removed when it is closed. */
  readonly tracked: Tracked | undefined
}

/** Opens or makes an object. `make` answers -EEXIST where it exists, `open` -ENOENT where it does not. */
export function openOrMake({ create, unlink }: Pick<OpenContext, 'create' | 'unlink'>, open: () => number, make: () => Opened): Opened {
  for (;;) {
    if (create !== 'never') {
      const made = make()
      if (create === 'exclusive' || made.result !== -EEXIST) {
        if (unlink === 'on-close') return made
        made.tracked?.forget()
        return { result: made.result, tracked: undefined }
      }
    }
    const opened = open()
    // Between the two calls somebody may have removed it.
    if (create === 'never' || opened !== -ENOENT) return { result: opened, tracked: undefined }
  }
}
