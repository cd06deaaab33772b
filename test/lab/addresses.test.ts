import { expect, test } from 'vitest'
import { MASKS } from '../../demos/network/addresses.js'
import { framesOf, notesOf, played } from './played.js'

const trace = played('addresses')

test('with /24 the destination itself is asked for, with /30 the router', (context) => {
  const asked = trace(context).events.flatMap(({ side, packet }) => (side === 'A' && packet?.text.startsWith('who has') ? packet.text : []))
  expect(asked[0]).toBe('who has 10.0.0.9? tell 10.0.0.1')
  expect(asked).toContain('who has 10.0.0.2? tell 10.0.0.1')
})

test('the packet to 10.0.0.9 leaves in a frame for the router', (context) => {
  expect(framesOf(trace(context), '→ 10.0.0.9:7000 udp').map(({ from, to }) => [from, to])).toEqual([['A', ['R']]])
})

test('the kernel was asked with each mask', (context) => {
  expect(notesOf(trace(context)).filter((note) => / AND \d/.test(note))).toHaveLength(4 * (MASKS.length + 1))
})
