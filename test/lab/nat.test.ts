import { expect, test } from 'vitest'
import { framesOf, played } from './played.js'

const trace = played('nat')

test('nothing from inside is seen outside under its own address', (context) => {
  const outside = trace(context).events.flatMap(({ packet }) => (packet?.frame?.link === 'outside' ? packet.text : []))
  expect(outside.filter((text) => text.includes('10.0.0.'))).toEqual([])
  expect(outside.filter((text) => /^203\.0\.113\.1:\d+ → 203\.0\.113\.3:7000 udp/.test(text))).toHaveLength(2)
})

test('the answers come back to the host that asked', (context) => {
  const answers = framesOf(trace(context), '203.0.113.3:7000 → 10.0.0.1:')
  expect(answers.map(({ link, from, to }) => [link, from, to])).toEqual([
    ['inside', 'R', ['A']],
    ['inside', 'R', ['A']],
  ])
})

test('what nobody asked for stays outside', (context) => {
  expect(framesOf(trace(context), '203.0.113.3:7000 → 203.0.113.1:9 udp').map(({ link }) => link)).toEqual(['outside'])
})
