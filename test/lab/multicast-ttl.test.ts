import { expect, test } from 'vitest'
import { framesOf, played } from './played.js'

const trace = played('multicast-ttl')

test('the router passes on what has more than one hop left, with one less', (context) => {
  const frames = framesOf(trace(context), '→ 239.1.1.1:7000 udp')
  const on = (link: string) => frames.filter((frame) => frame.link === link).map(({ from, ttl }) => [from, ttl])
  expect(on('near')).toEqual([
    ['A', 1],
    ['A', 2],
    ['A', 8],
  ])
  expect(on('far')).toEqual([
    ['R', 1],
    ['R', 7],
  ])
})
