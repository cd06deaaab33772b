/** Networks within the addresses of IPv4. RFC 950, RFC 4632 */
import { addressAt, addressBytes } from './packet.js'

/** The mask that has so many ones: 24 is `255.255.255.0`. */
export function maskOf(bits: number): string {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, bits === 0 ? 0 : 0xffff_ffff << (32 - bits))
  return addressAt(bytes, 0)
}

/** Bit by bit: of an address and its mask, the network. */
export const and = (address: string, mask: string): string =>
  addressBytes(address)
    .map((byte, at) => byte & (addressBytes(mask)[at] ?? 0))
    .join('.')

/** The bits as they lie in memory, a byte at a time: `00001010.00000000`. */
export const bitsOf = (address: string): string => Array.from(addressBytes(address), (byte) => byte.toString(2).padStart(8, '0')).join('.')
