import { expect, test } from 'vitest'
import { QUESTION, RETRANSMISSIONS, TIMEOUT } from '../../demos/network/vanished-peer.js'
import { played, samplesOf, transitions } from './played.js'

const trace = played('vanished-peer')

test('keep-alive probes twice, an empty ACK with a sequence number that was acknowledged before, then resets', (context) => {
  const lost = trace(context).events.flatMap(({ packet }) => (packet?.fate === 'lost' && packet.length === 0 ? packet : []))
  expect(lost.map(({ text }) => text)).toEqual(['ACK', 'ACK', 'RST ACK'])
  expect(lost.map(({ sequence }) => sequence)).toEqual([0, 0, 1])
})

test('what is not acknowledged is sent again, after a timeout that doubles each time', (context) => {
  const [early = 0, late = 0] = samplesOf(trace(context), RETRANSMISSIONS)
  const [before = 0, after = 0] = samplesOf(trace(context), TIMEOUT)
  expect(after / before / 2 ** (late - early)).toBeCloseTo(1)
  const sent = trace(context).events.filter(({ packet }) => packet?.length === QUESTION.length && packet.fate === 'lost')
  expect(sent.length).toBeGreaterThan(late)
})

test('both who gave up have no socket; their peers end with the first word they send, or never', (context) => {
  expect(transitions(trace(context), 'A').filter((text) => text === 'ESTABLISHED → CLOSE')).toHaveLength(2)
  expect(transitions(trace(context), 'B').filter((text) => text === 'ESTABLISHED → CLOSE')).toHaveLength(1)
})
