import { expect, test } from 'vitest'
import { packetsOf, played, transitions } from './played.js'

const trace = played('close')

test('no FIN is sent while the child holds the descriptor; shutdown() sends it at once', (context) => {
  if (trace(context).backend !== 'wire') context.skip('only a wire sees packets')
  const sent = packetsOf(trace(context), 'A').filter((text) => text !== 'ACK')
  // A connection each. Of the second, the child's bytes never left.
  expect(sent).toEqual(['SYN', 'PSH ACK 10 bytes', 'FIN ACK', 'SYN', 'FIN ACK'])
})

test('both connections are closed in order, the client’s end first', (context) => {
  const ended = (side: 'A' | 'B', text: string) => transitions(trace(context), side).filter((one) => one === text)
  expect(ended('A', 'ESTABLISHED → FIN_WAIT1').length + ended('A', 'ESTABLISHED → FIN_WAIT2').length).toBe(2)
  expect(ended('B', 'ESTABLISHED → CLOSE_WAIT')).toHaveLength(2)
})
