import { expect, test } from 'vitest'
import { MANY, SENTENCE } from '../../demos/network/reliable/pipelining.js'
import { type Carried, carried, sentAgain, sentBy } from '../../demos/network/reliable/transfer.js'
import { played } from './played.js'

const trace = played('reliable-transfer')

const textsOf = (side: 'A' | 'B', packets: readonly Carried[]) => sentBy(side, packets).map(({ text }) => text)
const fatesOf = (packets: readonly Carried[]) =>
  packets.flatMap(({ from, text, fate }) => (fate === 'delivered' ? [] : `${from} ${text} ${fate}`))

test('rdt 2.0 answers ACK or NAK, and sends again what it may have delivered', (context) => {
  const packets = carried(trace(context).events, 'rdt 2.0')
  expect(fatesOf(packets)).toEqual(['A data "b" corrupted', 'B ACK corrupted'])
  expect(textsOf('A', packets)).toEqual(['data "a"', 'data "b"', 'data "b"', 'data "b"', 'data "c"'])
  expect(textsOf('B', packets)).toEqual(['ACK', 'NAK', 'ACK', 'ACK', 'ACK'])
  expect(trace(context).events.some(({ note }) => note?.startsWith('delivered: a b b c'))).toBe(true)
})

test('rdt 2.1 does so with numbers, and rdt 2.2 without a NAK', (context) => {
  const [one, two] = ['rdt 2.1', 'rdt 2.2'].map((name) => carried(trace(context).events, name))
  const data = ['data 0 "a"', 'data 1 "b"', 'data 1 "b"', 'data 1 "b"', 'data 0 "c"']
  expect(textsOf('A', one ?? [])).toEqual(data)
  expect(textsOf('B', one ?? [])).toEqual(['ACK', 'NAK', 'ACK', 'ACK', 'ACK'])
  expect(textsOf('A', two ?? [])).toEqual(data)
  expect(textsOf('B', two ?? [])).toEqual(['ACK 0', 'ACK 0', 'ACK 1', 'ACK 1', 'ACK 0'])
})

test('what has no timer sends nothing after a loss', (context) => {
  expect(carried(trace(context).events, 'rdt 2.2, a loss').map(({ text }) => text)).toEqual(['data 0 "a"', 'ACK 0', 'data 1 "b"'])
})

test('rdt 3.0 sends again what was lost, and what it believes lost, and nothing else', (context) => {
  const { events } = trace(context)
  const lossy = carried(events, 'rdt 3.0')
  expect(fatesOf(lossy)).toEqual(['A data 1 "b" lost', 'B ACK 0 lost'])
  expect(sentAgain(lossy)).toEqual(['data 1 "b"', 'data 0 "c"'])
  expect(sentAgain(carried(events, 'rdt 3.0, a late ACK'))).toContain('data 0 "a"')
})

test('after one loss go-back-N sends its window again, selective repeat one packet', (context) => {
  const { events } = trace(context)
  const [goBackN, selectiveRepeat] = ['go-back-N', 'selective repeat'].map((name) => carried(events, name))
  expect(fatesOf(goBackN ?? [])).toEqual(['A data 3 "d" lost'])
  expect(sentAgain(goBackN ?? [])).toEqual(['data 3 "d"', 'data 4 "e"', 'data 5 "f"', 'data 6 "g"'])
  expect(textsOf('B', goBackN ?? []).slice(0, 6)).toEqual(['ACK 0', 'ACK 1', 'ACK 2', 'ACK 2', 'ACK 2', 'ACK 2'])
  expect(fatesOf(selectiveRepeat ?? [])).toEqual(['A data 3 "d" lost'])
  expect(sentAgain(selectiveRepeat ?? [])).toEqual(['data 3 "d"'])
  expect(textsOf('B', selectiveRepeat ?? []).slice(0, 7)).toEqual(['ACK 0', 'ACK 1', 'ACK 2', 'ACK 4', 'ACK 5', 'ACK 6', 'ACK 3'])
  // A busy machine plays it again, under a longer name.
  const name = events.findLast(({ sample }) => sample?.name.startsWith('data number selective repeat'))?.sample?.name
  const numbers = events.flatMap(({ sample }) => (sample !== undefined && sample.name === name ? sample.value : []))
  expect(numbers).toEqual([0, 1, 2, 3, 4, 5, 6, 3, 7, 8, 9, 10, 11])
  for (const packets of [goBackN, selectiveRepeat]) expect(new Set(textsOf('A', packets ?? []))).toHaveLength(MANY.length)
})

test.for([
  'rdt 3.0',
  'go-back-N',
  'selective repeat',
])('%s carries a sentence over a wire that loses, damages and doubles', (name, context) => {
  const packets = carried(trace(context).events, `${name}, by chance`)
  expect(packets.length).toBeGreaterThan(2 * SENTENCE.length)
  expect(packets.some(({ fate }) => fate !== 'delivered')).toBe(true)
})
