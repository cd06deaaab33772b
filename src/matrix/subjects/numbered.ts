/** Items that carry their number, so that order, loss and copies are seen. */
import { counter } from '../../stage/call.js'
import type { End } from './subject.js'

/** The bytes of a number as `counter()` sends it. */
export const NUMBER_BYTES = counter().width

export const numbered = (number: number): Uint8Array => new Uint8Array(new Uint32Array([number]).buffer)

/** The numbers in what was received, however a byte stream has cut it. */
export function numbersOf(pieces: readonly Uint8Array[]): readonly number[] {
  const bytes = Buffer.concat(pieces)
  return Array.from({ length: Math.floor(bytes.length / NUMBER_BYTES) }, (_, at) => bytes.readUInt32LE(at * NUMBER_BYTES))
}

/** Waits for `count` items, and answers their numbers as they came. Of a stream `room` is that of one item. */
export async function received(end: End, count: number, room?: number): Promise<readonly number[]> {
  const pieces = [...(await end.actor.repeat(count, end.receive(room))).each]
  // A segment of TCP may end within an item: some receives got less.
  for (let missing = count * NUMBER_BYTES - lengthOf(pieces); missing > 0; ) {
    const { data } = await end.actor.must(end.receive(missing))
    if (data.length === 0) break
    pieces.push(data)
    missing -= data.length
  }
  return numbersOf(pieces)
}

const lengthOf = (pieces: readonly Uint8Array[]): number => pieces.reduce((all, { length }) => all + length, 0)
