import { expect, test } from 'vitest'
import { framesOf, played, samplesOf } from './played.js'

const trace = played('broadcast')

test.for(['192.0.2.255', '255.255.255.255'])('%s is one frame for everybody, sent once SO_BROADCAST is set', (address, context) => {
  const frames = framesOf(trace(context), `→ ${address}:7000 udp`)
  expect(frames).toHaveLength(1)
  expect(frames[0]).toMatchObject({ from: 'A', to: ['B', 'C', 'D'], destination: 'ff:ff:ff:ff:ff:ff' })
})

test('the sender’s own host and the others of its network got both', (context) => {
  expect(samplesOf(trace(context), 'datagrams received')).toEqual([2, 2])
})

test('no TCP segment was sent to all', (context) => {
  expect(trace(context).events.filter(({ packet }) => packet?.protocol === 'tcp')).toEqual([])
})
