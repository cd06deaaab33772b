import { expect, test } from 'vitest'
import { GROUP, MESSAGES } from '../../demos/network/multicast.js'
import { framesOf, played, samplesOf } from './played.js'

const trace = played('multicast')

test('each member got each message once, the stranger none', (context) => {
  const [b, c, d, stranger] = samplesOf(trace(context), 'datagrams received')
  expect([b, c, d, stranger]).toEqual([MESSAGES.length, MESSAGES.length, MESSAGES.length, 0])
})

test.for(['B', 'C', 'D'])('%s tells the link that it joins', (host, context) => {
  expect(framesOf(trace(context), `igmp join ${GROUP}`)).toContainEqual(
    expect.objectContaining({ from: host, destination: '01:00:5e:00:00:16', ttl: 1 }),
  )
})

test('D alone tells the link that it leaves', (context) => {
  expect(new Set(framesOf(trace(context), `igmp leave ${GROUP}`).map(({ from }) => from))).toEqual(new Set(['D']))
})

test('one frame a message, for all hosts of the link, and none for a TTL of 0', (context) => {
  const frames = framesOf(trace(context), `→ ${GROUP}:7000 udp`)
  expect(frames).toHaveLength(MESSAGES.length + 3) // with loop, without, and after D left
  for (const { from, to, destination, ttl } of frames)
    expect({ from, to, destination, ttl }).toEqual({ from: 'A', to: ['B', 'C', 'D', 'E'], destination: '01:00:5e:01:01:01', ttl: 1 })
})
