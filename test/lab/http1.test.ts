import { expect, test } from 'vitest'
import type { Trace } from '../../src/lab/trace.js'
import { played } from './played.js'

const trace = played('http1')

/** Start lines, with the side that sent them. */
const lines = ({ events }: Trace): readonly string[] =>
  events.flatMap(({ side, message }) => (message === undefined ? [] : `${side} ${message.text}`))
const notes = ({ events }: Trace): readonly string[] => events.flatMap(({ note }) => note ?? [])
const indexOf = (all: readonly string[], pattern: RegExp): number => all.findIndex((line) => pattern.test(line))

test('two requests that came together are answered in their order, though the second was done first', (context) => {
  const told = notes(trace(context))
  const [second, first] = [indexOf(told, /has answered \/fast/), indexOf(told, /has answered \/slow/)]
  expect(second).toBeGreaterThan(0)
  expect(first).toBeGreaterThan(second)
  const answers = told.find((line) => line.includes('slow\\n')) ?? ''
  expect(answers.indexOf('slow\\n')).toBeLessThan(answers.indexOf('fast\\n'))
})

test('a body that is longer than its length makes a request that nobody sent', (context) => {
  expect(notes(trace(context)).some((note) => /^server \d+: GET \/admin$/.test(note))).toBe(true)
  expect(lines(trace(context)).some((line) => line.startsWith('A GET /admin'))).toBe(false)
})

test('four of the lies are told from the truth by Node’s server and client, with 400 or an error', (context) => {
  expect(lines(trace(context)).filter((line) => line === 'B HTTP/1.1 400 Bad Request')).toHaveLength(3)
  expect(notes(trace(context)).some((note) => note.endsWith(': HPE_INVALID_TRANSFER_ENCODING'))).toBe(true)
})

test('requests on one connection cost one handshake', (context) => {
  const { backend, events } = trace(context)
  if (backend !== 'wire') context.skip('packets are seen on a wire alone')
  const requests = lines(trace(context)).filter((line) => line.startsWith('A ')).length
  const handshakes = events.filter(({ packet }) => packet?.text === 'SYN').length
  expect(requests).toBeGreaterThan(handshakes)
})
