import { expect, test } from 'vitest'
import { notesOf, played, samplesOf } from './played.js'

const trace = played('unix-sockets')

test.for([
  ['SOCK_STREAM', [15]],
  ['SOCK_SEQPACKET', [3, 5, 7]],
  ['SOCK_DGRAM', [3, 5, 7]],
] as const)('%s reads 3 + 5 + 7 bytes as %j', ([type, lengths], context) => {
  expect(samplesOf(trace(context), `${type}: bytes of a read`)).toEqual(lengths)
})

test('no datagram is lost: the sender is held back', (context) => {
  const sent = samplesOf(trace(context), 'datagrams sent to who does not read')
  expect(sent[0]).toBeGreaterThan(0)
  expect(samplesOf(trace(context), 'datagrams read of them')).toEqual(sent)
})

test('a listener is sent, closed, visited while it travels, received, and serves', (context) => {
  const notes = notesOf(trace(context))
  const [, descriptor = ''] = /send_rights\(\d+, "a listener", (\d+)\)/.exec(notes.join('\n')) ?? []
  const sent = notes.findIndex((note) => note.includes('send_rights'))
  const later = [`server: close(${descriptor})`, 'visitor: connect(', 'client: recvmsg(', 'client: accept(', 'client: recv('].map((text) =>
    notes.findIndex((note, at) => at > sent && note.replace(/ \d+:/, ':').startsWith(text)),
  )
  expect(later).not.toContain(-1)
  expect(later).toEqual(later.toSorted((a, b) => a - b))
})

test('what the server stored, the worker loads', (context) => {
  expect(notesOf(trace(context)).filter((note) => /"written later"/.test(note))).toEqual([
    expect.stringMatching(/^server \d+: store\(/),
    expect.stringMatching(/^client \d+: load\(/),
  ])
})

test('a round trip takes less processor time over a unix socket than over TCP', (context) => {
  const [high = Number.NaN] = samplesOf(trace(context), 'unix to tcp: high')
  const [value = Number.NaN] = samplesOf(trace(context), 'unix to tcp: value')
  expect(value).toBeLessThanOrEqual(high)
  expect(high).toBeLessThan(1)
  for (const way of ['unix', 'tcp']) expect(samplesOf(trace(context), `${way}: µs of processor time a round trip`)).toHaveLength(25)
})
