/** What a ladder diagram says of packets, in every form. */
import type { TracedPacket } from '../lab/trace.js'
import type { Row } from './ladder.js'

/** ` seq 0 ack 1`, as far as the packet has them. */
export const numbersOf = ({ sequence, acknowledgment }: TracedPacket): string =>
  [...(sequence === undefined ? [] : ` seq ${sequence}`), ...(acknowledgment === undefined ? [] : ` ack ${acknowledgment}`)].join('')

/** What is not as usual with a packet. */
export const remarksOf = ({ fate, kept }: TracedPacket, again: boolean): readonly string[] => [
  ...(again ? ['again'] : []),
  ...(kept ? ['kept back'] : []),
  ...(fate === 'lost' || fate === 'corrupted' ? [fate] : fate === 'duplicated' ? ['twice'] : []),
]

/** `… 1,204 packets and 3 changes of state not drawn …` */
export function gapText({ packets, states }: Extract<Row, { kind: 'gap' }>): string {
  const count = (number: number, one: string, many: string) =>
    number === 0 ? [] : [`${number.toLocaleString('en')} ${number === 1 ? one : many}`]
  return `… ${[...count(packets, 'packet', 'packets'), ...count(states, 'change of state', 'changes of state')].join(' and ')} not drawn …`
}

export const portOf = (socket: string): string => socket.split(' ')[0]?.split(':')[1] ?? ''
