import { expect, test } from 'vitest'
import { PORTS } from '../../demos/network/urgent.js'
import { seenBy } from '../../src/lab/seen.js'
import { played } from './played.js'

const trace = played('urgent')

test.for([
  ['mark', [5]],
  ['overwritten', [4, 7]],
  ['vanished', [2, 3]],
  ['inline', [5]],
] as const)('%s: each urgent send moves the pointer behind its last byte', ([name, pointers], context) => {
  const seen = seenBy(trace(context).events, 'B', PORTS[name]).flatMap(({ urgent }) => urgent ?? [])
  expect([...new Set(seen)]).toEqual(pointers) // some may be sent twice
})

test('the urgent byte is announced through a closed window, and sent when that opens', (context) => {
  const seen = seenBy(trace(context).events, 'A', PORTS.announced)
  const announced = seen.findIndex(({ urgent }) => urgent !== undefined)
  const opened = seen.findIndex(({ sent, window, flags }, at) => at > announced && !sent && !flags.includes('SYN') && window > 0)
  const urgent = seen[announced]?.urgent ?? 0
  expect(seen[announced]).toMatchObject({ sent: true, length: 0 })
  expect(seen.findIndex(({ sent, end }) => sent && end === urgent)).toBeGreaterThan(opened)
  expect(opened).toBeGreaterThan(announced)
})
