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

/** `… 1,204 packets and 3 other events not drawn …` */
export function gapText({ packets, others }: Extract<Row, { kind: 'gap' }>): string {
  const count = (number: number, one: string) => (number === 0 ? [] : [`${number.toLocaleString('en')} ${number === 1 ? one : `${one}s`}`])
  return `… ${[...count(packets, 'packet'), ...count(others, 'other event')].join(' and ')} not drawn …`
}
