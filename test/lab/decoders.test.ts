import { X509Certificate } from 'node:crypto'
import { expect, test } from 'vitest'
import { selfSigned } from '../../src/lab/certificate.js'
import { http2Decoder } from '../../src/lab/http2-frames.js'
import type { Packet } from '../../src/lab/packet.js'
import { TcpStream } from '../../src/lab/tcp-stream.js'
import { tlsDecoder } from '../../src/lab/tls-records.js'

/** A segment of TCP, as far as a stream looks at it. */
const segment = (sequence: number, text: string, syn = false): Packet => ({
  from: 'A',
  protocol: 'tcp',
  source: '192.0.2.1',
  destination: '192.0.2.2',
  tcp: { flags: syn ? ['SYN'] : ['ACK'], sequence, acknowledgment: 0, window: 0 },
  ttl: 64,
  payloadLength: text.length,
  bytes: new TextEncoder().encode(`headers${text}`),
})

const joined = (packets: readonly Packet[]): string => {
  const stream = new TcpStream()
  return packets.flatMap((packet) => stream.take(packet).map((bytes) => new TextDecoder().decode(bytes))).join('|')
}

test('a stream is put together in order, each byte once, over the end of the numbers', () => {
  const first = 0xffff_fffe
  expect(joined([segment(first, '', true), segment(0xffff_ffff, 'ab'), segment(1, 'cd')])).toBe('ab|cd')
  expect(joined([segment(first, '', true), segment(1, 'cd'), segment(0xffff_ffff, 'ab')])).toBe('ab|cd')
  expect(joined([segment(7, '', true), segment(8, 'ab'), segment(8, 'ab'), segment(8, 'abcd'), segment(9, 'bc')])).toBe('ab|cd')
  expect(joined([segment(8, 'its beginning was not seen')])).toBe('')
})

test('frames are told apart however the bytes come', () => {
  const bytes = new Uint8Array([0, 0, 3, 0, 1, 0, 0, 0, 5, 97, 98, 99, 0, 0, 0, 4, 1, 0, 0, 0, 0])
  const expected = [
    { protocol: 'http/2', text: 'DATA 3 bytes END_STREAM', stream: 5 },
    { protocol: 'http/2', text: 'SETTINGS ACK', stream: 0 },
  ]
  expect(http2Decoder(false)(bytes)).toEqual(expected)
  const single = http2Decoder(false)
  expect([...bytes].flatMap((byte) => single(Uint8Array.of(byte)))).toEqual(expected)
})

test('a handshake message in two records is one, and what follows ChangeCipherSpec is sealed', () => {
  const bytes = Uint8Array.of(22, 3, 3, 0, 5, 1, 0, 0, 3, 7, 22, 3, 3, 0, 2, 7, 7, 20, 3, 3, 0, 1, 1, 22, 3, 3, 0, 4, 9, 9, 9, 9)
  expect(tlsDecoder()(bytes).map(({ text }) => text)).toEqual(['ClientHello', 'ChangeCipherSpec', 'Finished, encrypted'])
})

test('a certificate vouches for itself and for the address', () => {
  const { certificate, key } = selfSigned('lab', '192.0.2.2')
  const parsed = new X509Certificate(certificate)
  expect(parsed.verify(parsed.publicKey)).toBe(true)
  expect(parsed.checkIP('192.0.2.2')).toBe('192.0.2.2')
  expect(parsed.checkIP('192.0.2.1')).toBeUndefined()
  expect(parsed.subject).toBe('CN=lab')
  expect(Date.parse(parsed.validTo)).toBeGreaterThan(Date.now())
  expect(key).toContain('PRIVATE KEY')
})
