import { expect, test } from 'vitest'
import { decodeFrame, describeFrame } from '../../src/lab/ethernet.js'
import { groupChanges } from '../../src/lab/igmp.js'
import { layersOf } from '../../src/lab/layers.js'
import { attributesOf, encodeAttributes, encodeMessage, messagesOf, u32, zeroEnded } from '../../src/lab/netlink.js'
import { and, bitsOf, maskOf } from '../../src/lab/subnet.js'

const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'))

const ARP = 'ffffffffffff 02000000000a 0806 0001 0800 06 04 0001 02000000000a c0000201 000000000000 c0000202'
const UDP = '02000000000b 02000000000a 0800 45000021 00004000 40110000 c0000201 c0000202 1f901b58 000d0000 68656c6c6f 000000'

test('a question of ARP is decoded', () => {
  const frame = decodeFrame(bytes(ARP), 'A', 'lan')
  expect(frame?.arp).toEqual({ operation: 'request', senderHardware: '02:00:00:00:00:0a', sender: '192.0.2.1', target: '192.0.2.2' })
  expect(frame && describeFrame(frame)).toBe('who has 192.0.2.2? tell 192.0.2.1')
})

test('the layers of a datagram lie one behind the other, and padding belongs to none', () => {
  const frame = decodeFrame(bytes(UDP), 'A', 'lan')
  if (frame === undefined) throw new Error('the frame was not decoded')
  expect(layersOf(frame).map(({ name, offset, length }) => [name, offset, length])).toEqual([
    ['Ethernet', 0, 14],
    ['IPv4', 14, 20],
    ['UDP', 34, 8],
    ['application', 42, 5],
  ])
  expect(layersOf(frame).at(-1)?.text).toBe('"hello"')
  expect(describeFrame(frame)).toBe('192.0.2.1:8080 → 192.0.2.2:7000 udp 5 bytes')
})

test.for([
  ['a frame that is cut', ARP.slice(0, 60)],
  ['IPv6', `${UDP.slice(0, 26)}86dd${UDP.slice(30)}`],
  ['an operation of ARP that is none', ARP.replace('04 0001', '04 0009')],
] as const)('%s is not decoded', ([, hex]) => {
  expect(decodeFrame(bytes(hex), 'A', 'lan')).toBeUndefined()
})

test.for([
  ['16000000 ef010101', [{ change: 'join', group: '239.1.1.1' }]],
  ['17000000 ef010101', [{ change: 'leave', group: '239.1.1.1' }]],
  [
    '22000000 00000002 04000000 ef010101 03000001 ef010102 c0000201',
    [
      { change: 'join', group: '239.1.1.1' },
      { change: 'leave', group: '239.1.1.2' },
    ],
  ],
  ['22000000 00000001 01000000 ef010101', []],
  ['11640000 00000000', []],
] as const)('IGMP %s', ([hex, changes]) => {
  expect(groupChanges(bytes(hex))).toEqual(changes)
})

test('attributes of netlink within attributes are found again', () => {
  const payload = encodeAttributes([
    { type: 3, value: zeroEnded('eth0') },
    { type: 18, value: [{ type: 1, value: u32(7) }] },
  ])
  const [message] = messagesOf(encodeMessage({ type: 16, flags: 5, payload }, 1))
  expect(message?.type).toBe(16)
  const found = attributesOf(message?.payload ?? new Uint8Array())
  expect(Buffer.from(found.get(3) ?? []).toString()).toBe('eth0\0')
  expect(attributesOf(found.get(18) ?? new Uint8Array()).get(1)).toEqual(u32(7))
})

test('masks and networks', () => {
  expect([0, 16, 25, 30, 32].map(maskOf)).toEqual(['0.0.0.0', '255.255.0.0', '255.255.255.128', '255.255.255.252', '255.255.255.255'])
  expect(and('10.0.0.130', maskOf(25))).toBe('10.0.0.128')
  expect(bitsOf('192.0.2.1')).toBe('11000000.00000000.00000010.00000001')
})
