/** The suite: every case, in the order in which it is reported. */
import { abort } from './abort.js'
import { capabilities } from './capabilities.js'
import type { Case } from './case.js'
import { close } from './close.js'
import { end } from './end.js'
import { facets } from './facets.js'
import { fullness } from './full.js'
import { hostile } from './hostile.js'
import { lifecycle } from './lifecycle.js'
import { names } from './names.js'
import { open } from './open.js'
import { order } from './order.js'
import { payload } from './payload.js'
import { sendReceive } from './send-receive.js'
import { tries } from './try.js'

export const conformanceCases: readonly Case[] = Object.freeze(
  [
    ...capabilities,
    ...sendReceive,
    ...order,
    ...fullness,
    ...end,
    ...payload,
    ...abort,
    ...close,
    ...tries,
    ...facets,
    ...lifecycle,
    ...names,
    ...open,
    ...hostile,
  ].sort((a, b) => a.promise - b.promise),
)
