/** Packets of a transfer as a story tells them. */
import type { Carried } from './transfer.js'

const MARKS: Readonly<Record<string, string>> = { lost: '✗ lost', corrupted: '✗ a bit turned' }
const WIDTH = 30

const told = ({ text, fate }: Carried): string => [text, MARKS[fate] ?? []].flat().join(' ')

/** A line for each packet of the sender, with the answer to it where one came before the next. */
export function exchanges(packets: readonly Carried[]): readonly string[] {
  return packets.flatMap((packet, at) => {
    if (packet.from === 'B') return []
    const answer = packets[at + 1]
    return answer?.from === 'B' ? `A ${told(packet).padEnd(WIDTH)} B ${told(answer)}` : `A ${told(packet)}`
  })
}

/** `0  1  2 ✗  2` */
export const numbers = (packets: readonly Carried[]): string =>
  packets.map(({ text, fate }) => [text.split(' ')[1], fate === 'lost' ? '✗' : []].flat().join(' ')).join('  ')
