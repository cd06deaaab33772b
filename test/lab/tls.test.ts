import { expect, test } from 'vitest'
import { handshakesOf } from '../../demos/network/support/handshake.js'
import { SCENES } from '../../demos/network/tls.js'
import { played } from './played.js'

const trace = played('tls')

test.for(
  SCENES.map((scene, at) => ({ ...scene, at })),
)('$version, resumed $resumed: the first word leaves after $roundTrips round trips', ({ roundTrips, at }, context) => {
  const handshakes = handshakesOf(trace(context))
  expect(handshakes).toHaveLength(SCENES.length)
  expect(handshakes[at]?.roundTrips).toBe(roundTrips)
  expect(handshakes[at]?.ms).toBeGreaterThan((roundTrips - 0.2) * 50)
})

test('the flights are those of the documents', (context) => {
  const [old, current, oldAgain] = handshakesOf(trace(context)).map(({ flights }) =>
    flights.map(({ texts }) => texts.map((text) => text.replace(/ .*/, ''))),
  )
  expect(old?.slice(2, 5)).toEqual([
    ['ClientHello'],
    ['ServerHello', 'Certificate', 'ServerKeyExchange', 'ServerHelloDone'],
    ['ClientKeyExchange', 'ChangeCipherSpec', 'Finished,'],
  ])
  expect(current?.[2]).toEqual(['ClientHello'])
  expect(current?.[3]?.slice(0, 3)).toEqual(['ServerHello', 'ChangeCipherSpec', 'ApplicationData'])
  expect(oldAgain?.[3]).not.toContain('Certificate')
})
