import { expect, type TestContext, test } from 'vitest'
import { DATAGRAMS } from '../../demos/network/link.js'
import type { Fate, Trace } from '../../src/lab/trace.js'
import { played } from './played.js'

const trace = played('link')

const received = ({ events }: Trace, what: string): number =>
  events.find(({ sample }) => sample?.name === `datagrams received ${what}`)?.sample?.value ?? 0

/** How many packets this became of; the wire alone tells. */
function became(fate: Fate, context: TestContext): number {
  const { backend, events } = trace(context)
  if (backend !== 'wire') context.skip('packets are seen on a wire alone')
  return events.filter(({ packet }) => packet?.fate === fate).length
}

test('what the wire lost is what did not come', (context) => {
  expect(became('lost', context)).toBe(DATAGRAMS - received(trace(context), 'loss'))
})

test('what the wire duplicated came twice', (context) => {
  expect(became('duplicated', context)).toBe(received(trace(context), 'duplicate') - DATAGRAMS)
})

test('what the wire corrupted was dropped by the kernel', (context) => {
  expect(became('corrupted', context)).toBe(DATAGRAMS - received(trace(context), 'corrupt'))
})

test('reordering and jitter lose nothing', (context) => {
  expect(received(trace(context), 'reorder')).toBe(DATAGRAMS)
  expect(received(trace(context), 'jitter')).toBe(DATAGRAMS)
})
