import { expect, test } from 'vitest'
import { MESSAGE } from '../../demos/network/encapsulation.js'
import { framesOf, notesOf, played } from './played.js'

const trace = played('encapsulation')

test('on the same host the frame is on lo, without hardware addresses', (context) => {
  const [frame] = framesOf(trace(context), '→ 192.0.2.1:7000 udp')
  expect(frame).toMatchObject({ link: 'lo', to: ['A'], source: '00:00:00:00:00:00', destination: '00:00:00:00:00:00' })
})

test('across the router it is one packet in two frames', (context) => {
  const frames = framesOf(trace(context), `→ 198.51.100.3:7000 udp ${MESSAGE.length} bytes`)
  expect(frames.map(({ link, from, to, ttl }) => [link, from, to, ttl])).toEqual([
    ['near', 'A', ['R'], 64],
    ['far', 'R', ['C'], 63],
  ])
})

test('each of the four ways was told layer by layer', (context) => {
  const layers = notesOf(trace(context)).flatMap((note) => /\+\d+ {2}(\w+)/.exec(note)?.[1] ?? [])
  const udp = ['Ethernet', 'IPv4', 'UDP', 'application']
  expect(layers).toEqual([...udp, ...udp, 'Ethernet', 'IPv4', 'TCP', 'application', ...udp, ...udp])
})
