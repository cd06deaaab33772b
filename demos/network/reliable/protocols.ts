/** The protocols by their names, each curing what the one before could not bear. */
import { goBackN } from './go-back-n.js'
import type { Protocol } from './machine.js'
import { rdt20 } from './rdt-2.0.js'
import { rdt21 } from './rdt-2.1.js'
import { rdt22 } from './rdt-2.2.js'
import { rdt30 } from './rdt-3.0.js'
import { selectiveRepeat } from './selective-repeat.js'

export const PROTOCOLS = {
  'rdt 2.0': rdt20,
  'rdt 2.1': rdt21,
  'rdt 2.2': rdt22,
  'rdt 3.0': rdt30,
  'go-back-N': goBackN,
  'selective repeat': selectiveRepeat,
} as const satisfies Readonly<Record<string, Protocol>>

export type ProtocolName = keyof typeof PROTOCOLS

export const isProtocol = (name: string): name is ProtocolName => Object.hasOwn(PROTOCOLS, name)
