/** What the six subjects over sockets have in common. */
import { isIPv4 } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { Actor } from '../../stage/actor.js'
import { type Constant, call } from '../../stage/call.js'
import { K } from '../../stage/constants.js'
import { DescriptorEnd, sendQuietly } from './descriptor-end.js'

export const LOOPBACK = '127.0.0.1'

/** Why no socket of the internet can be used here. In a new network namespace the loopback interface is down. */
export const noLoopback = (): string | undefined =>
  Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === LOOPBACK))
    ? undefined
    : 'the loopback interface is down'

/** struct sockaddr_un. A path that begins with a zero byte is an abstract name. unix(7) */
export function unixAddress(path: string): Uint8Array {
  const end = path.startsWith('\0') ? '' : '\0'
  return Buffer.concat([Uint8Array.of(K.AF_UNIX.value, 0), Buffer.from(path + end)])
}

/** struct sockaddr_in. ip(7) */
export function inetAddress(host: string, port: number): Uint8Array {
  return Uint8Array.of(K.AF_INET.value, 0, port >> 8, port & 0xff, ...octets(host), ...new Array<number>(8).fill(0))
}

export const octets = (host: string): readonly number[] => {
  if (!isIPv4(host)) throw new TypeError(`${host} is no IPv4 address`)
  return host.split('.').map(Number)
}

export const hostOf = (address: Uint8Array): string => address.subarray(4, 8).join('.')
export const portOf = (address: Uint8Array): number => ((address[2] ?? 0) << 8) | (address[3] ?? 0)

/** An int as an option's value. */
export const int = (value: number): Uint8Array => new Uint8Array(new Int32Array([value]).buffer)

/** `struct timeval` of 64-bit machines. socket(7) SO_RCVTIMEO */
export function timeval(ms: number): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(16))
  bytes.setBigInt64(0, BigInt(Math.floor(ms / 1000)), true)
  bytes.setBigInt64(8, BigInt((ms % 1000) * 1000), true)
  return new Uint8Array(bytes.buffer)
}

export async function openSocket(actor: Actor, domain: Constant, type: Constant): Promise<number> {
  return (await actor.must(call('socket', domain, type, 0))).result
}

/** Binds a new socket; answers it and the address that it has. */
export async function bound(
  actor: Actor,
  domain: Constant,
  type: Constant,
  address: Uint8Array,
): Promise<{ fd: number; address: Uint8Array }> {
  const fd = await openSocket(actor, domain, type)
  await actor.must(call('bind', fd, address))
  return { fd, address: (await actor.must(call('getsockname', fd))).bytes('address') }
}

export async function connected(actor: Actor, domain: Constant, type: Constant, address: Uint8Array): Promise<number> {
  const fd = await openSocket(actor, domain, type)
  await actor.must(call('connect', fd, address))
  return fd
}

export const socketEnd = (actor: Actor, fd: number): DescriptorEnd =>
  new DescriptorEnd(actor, fd, sendQuietly, (socket, room) => call('recv', socket, room, 0))

/** Of the words of SO_MEMINFO: how many datagrams the kernel dropped because the socket's buffer was full. linux/sock_diag.h */
const SK_MEMINFO_DROPS = 8

export async function dropsOf(actor: Actor, fd: number): Promise<number> {
  const words = (await actor.must(call('getsockopt', fd, K.SOL_SOCKET, K.SO_MEMINFO, 4 * (SK_MEMINFO_DROPS + 1)))).bytes('value')
  return intAt(words, SK_MEMINFO_DROPS)
}

export async function intOption(actor: Actor, fd: number, option: Constant): Promise<number> {
  return intAt((await actor.must(call('getsockopt', fd, K.SOL_SOCKET, option, int(0).length))).bytes('value'), 0)
}

const intAt = (bytes: Uint8Array, index: number): number =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getInt32(4 * index, true)
