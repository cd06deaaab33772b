import { expect, test } from 'vitest'
import type { Trace } from '../../src/lab/trace.js'
import { played } from './played.js'

const trace = played('channel', 120_000)
const SCHEMES = ['tcp', 'udp'] as const
const ROUND_TRIP_MS = 50
const MESSAGES = 100

const valuesOf = ({ events }: Trace, name: string): readonly number[] =>
  events.flatMap(({ sample }) => (sample?.name === name ? sample.value : []))

test.for(SCHEMES)('no message over %s is answered sooner than the wire allows', (scheme, context) => {
  const times = valuesOf(trace(context), `round trip (ms) ${scheme}`)
  expect(times).toHaveLength(10)
  expect(Math.min(...times)).toBeGreaterThan(ROUND_TRIP_MS - 2)
})

test('the wire loses packets of both; TCP brings every message all the same, UDP all but those', (context) => {
  const [lost, received] = ['packets lost', 'messages received'].map((what) =>
    SCHEMES.map((scheme) => valuesOf(trace(context), `${what} ${scheme}`)[0] ?? 0),
  )
  for (const number of lost ?? []) expect(number).toBeGreaterThan(0)
  expect(received).toEqual([MESSAGES, MESSAGES - (lost?.[1] ?? 0)])
})

/** What was seen of how a call ended. */
const seen = ({ events }: Trace, ...words: readonly string[]): boolean =>
  events.some(({ note }) => note !== undefined && words.every((word) => note.includes(word)))

test('a peer that dies inside a message is told as gone, one that falls silent by the time that the caller set', (context) => {
  expect(seen(trace(context), 'ERR_IPC_PEER_GONE', 'the stream ended inside a message')).toBe(true)
  expect(seen(trace(context), 'receive({ timeout: 500 })', 'ERR_IPC_TIMEOUT')).toBe(true)
})

test('the kernel gives up on a silent peer when it was told to, and not before', (context) => {
  const [sender = 0] = valuesOf(trace(context), 'error after (ms) send()')
  const [receiver = 0] = valuesOf(trace(context), 'error after (ms) receive()')
  expect(sender).toBeGreaterThan(800)
  expect(receiver).toBeGreaterThan(2400)
})
