/** Addresses of the internet family, and the addresses behind a host's name. ip(7), ipv6(7) */
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { type ErrorContext, fromNodeError, IpcError } from '../../core/errors.js'
import { orAborted } from '../../core/wait.js'
import { hostPort } from './message-socket.js'
import { AF_INET, AF_INET6, native } from './native.js'

export interface InetAddress {
  /** A name or an address of either family. Default 127.0.0.1: other machines reach a listener only where it says so. */
  host?: string
  /** A listener at port 0 gets a free one, which its server's address tells. */
  port: number
}

export interface ResolvedHost {
  readonly family: number
  readonly host: string
}

export const LOOPBACK = '127.0.0.1'

/** The host and port of `scheme://host:port`. */
export function inetAddressOf(url: URL): { host: string; port: number } {
  const host = decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, '$1')
  if (host === '' || url.port === '' || (url.pathname !== '' && url.pathname !== '/'))
    throw new TypeError(`'${url.href}' must be ${url.protocol}//host:port`)
  return { host, port: Number(url.port) }
}

/** `scheme://host:port`; TypeError or RangeError where it is malformed. */
export function inetUrl(scheme: string, { host = LOOPBACK, port }: InetAddress): string {
  if (typeof host !== 'string' || host === '' || /[\s/?#@[\]\0]/.test(host) || (host.includes(':') && isIP(host) !== 6))
    throw new TypeError(`host must be a name or an address, not ${JSON.stringify(host)}`)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new RangeError(`port must be 0 to 65535, not ${port}`)
  return `${scheme}://${hostPort(host, port)}`
}

/** The addresses of a host, in the resolver's order. */
export async function resolveHost(host: string, errors: ErrorContext, signal?: AbortSignal): Promise<ResolvedHost[]> {
  const literal = isIP(host)
  if (literal !== 0) return [{ family: familyOf(literal), host }]
  try {
    const found = lookup(host, { all: true })
    const addresses = await (signal === undefined ? found : orAborted(found, signal))
    return addresses.map(({ address, family }) => ({ family: familyOf(family), host: address }))
  } catch (error) {
    signal?.throwIfAborted()
    const cause = fromNodeError(error, errors)
    throw new IpcError('ERR_IPC_NOT_FOUND', `no host is called ${host}`, { ...errors, cause })
  }
}

/** Calls `body` with each address of a host until one succeeds; the last failure is the outcome otherwise. */
export async function withAnyAddress<T>(
  host: string,
  errors: ErrorContext,
  body: (address: ResolvedHost) => T | Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  let failure: unknown
  for (const address of await resolveHost(host, errors, signal)) {
    try {
      return await body(address)
    } catch (error) {
      signal?.throwIfAborted()
      failure = error
    }
  }
  throw failure
}

const familyOf = (version: number): number => (version === 6 ? AF_INET6 : AF_INET)

/** Where a bound socket really is. */
export function boundTo(fd: number): { host: string; port: number } {
  const name = native.socketName(fd)
  const [host, port] = typeof name === 'string' ? name.split(' ') : []
  return { host: host ?? '', port: Number(port ?? 0) }
}
