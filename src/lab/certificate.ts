/** A certificate that vouches for itself, for servers that a story starts: X.509 version 3, in DER. RFC 5280, ITU-T X.690 */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'

export interface Certificate {
  /** Both in PEM. */
  readonly key: string
  readonly certificate: string
}

const DAY_MS = 86_400_000

/** Of a new key on the curve P-256, for the host of this IPv4 address, from yesterday to tomorrow. */
export function selfSigned(commonName: string, address: string): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const name = sequence(set(sequence(identifier('2.5.4.3'), value(UTF8_STRING, new TextEncoder().encode(commonName)))))
  const alternatives = sequence(value(IP_ADDRESS, Uint8Array.from(address.split('.'), Number)))
  const toBeSigned = sequence(
    value(VERSION, integer(Uint8Array.of(2))),
    integer(Uint8Array.of(1, ...randomBytes(8))),
    ECDSA_WITH_SHA256,
    name,
    sequence(time(Date.now() - DAY_MS), time(Date.now() + DAY_MS)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    value(EXTENSIONS, sequence(sequence(identifier('2.5.29.17'), value(OCTET_STRING, alternatives)))),
  )
  const signature = sign('sha256', toBeSigned, privateKey)
  const certificate = sequence(toBeSigned, ECDSA_WITH_SHA256, value(BIT_STRING, Uint8Array.of(0), signature))
  return { key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), certificate: pem(certificate) }
}

const [INTEGER, BIT_STRING, OCTET_STRING, OBJECT_IDENTIFIER, UTF8_STRING, UTC_TIME] = [0x02, 0x03, 0x04, 0x06, 0x0c, 0x17]
const [SEQUENCE, SET] = [0x30, 0x31]
/** Tags that mean something in their place alone: the version, the extensions, an address among the alternative names. */
const [VERSION, EXTENSIONS, IP_ADDRESS] = [0xa0, 0xa3, 0x87]

/** Tag, length, contents. */
function value(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const octets = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Uint8Array.of(tag, ...octets, ...parts.flatMap((part) => [...part]))
}

const sequence = (...parts: readonly Uint8Array[]): Uint8Array => value(SEQUENCE, ...parts)
const set = (...parts: readonly Uint8Array[]): Uint8Array => value(SET, ...parts)
/** Its first byte is below 0x80: the number is positive. */
const integer = (bytes: Uint8Array): Uint8Array => value(INTEGER, bytes)

/** The first two arcs share a byte; each of the others is in base 128. */
function identifier(text: string): Uint8Array {
  const [first = 0, second = 0, ...arcs] = text.split('.').map(Number)
  return value(OBJECT_IDENTIFIER, Uint8Array.of(first * 40 + second, ...arcs.flatMap(inBase128)))
}

const inBase128 = (arc: number): readonly number[] =>
  arc < 0x80 ? [arc] : [...inBase128(Math.floor(arc / 0x80)).map((digit) => digit | 0x80), arc % 0x80]

/** YYMMDDHHMMSSZ */
const time = (ms: number): Uint8Array =>
  value(UTC_TIME, new TextEncoder().encode(`${new Date(ms).toISOString().replace(/\D/g, '').slice(2, 14)}Z`))

const ECDSA_WITH_SHA256 = sequence(identifier('1.2.840.10045.4.3.2'))

function pem(der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n')
}
