/** `create: 'never' | 'exclusive' | 'if-missing'` over mechanisms whose creation is exclusive. */
import { constants } from 'node:os'
import type { Create } from './channel.js'

const { EEXIST, ENOENT } = constants.errno

export interface Opened {
  /** What `open` or `make` answered: a descriptor, handle or identifier, or -errno. */
  readonly result: number
  /** This call made the object. */
  readonly created: boolean
}

/** Opens or makes an object. `make` answers -EEXIST where it exists, `open` -ENOENT where it does not. */
export function openOrMake(create: Create, open: () => number, make: () => number): Opened {
  for (;;) {
    if (create !== 'never') {
      const made = make()
      if (create === 'exclusive' || made !== -EEXIST) return { result: made, created: made >= 0 }
    }
    const opened = open()
    // Between the two calls somebody may have removed it.
    if (create === 'never' || opened !== -ENOENT) return { result: opened, created: false }
  }
}
