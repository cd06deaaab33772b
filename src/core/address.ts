/** Typed addresses and their URL form. */
import type { Adapter } from './adapter.js'
import type { AdapterId, Adapters, Address } from './channel.js'
import { adapterById, adapterByScheme } from './registry.js'

export interface Resolved {
  readonly adapter: Adapter
  /** Validated by the adapter. */
  readonly address: Adapters[AdapterId]
  /** The canonical URL, for messages and reports. */
  readonly url: string
}

/** The adapter and the typed address. TypeError or RangeError where there is no such adapter or the address is malformed. */
export async function resolve(address: Address): Promise<Resolved> {
  if (typeof address === 'string') {
    const url = parseUrl(address)
    const adapter = await adapterByScheme(url.protocol.slice(0, -1))
    const typed = adapter.parse(url)
    return { adapter, address: typed, url: adapter.format(typed) }
  }
  if (typeof address !== 'object' || address === null || typeof (address as { adapter?: unknown }).adapter !== 'string')
    throw new TypeError(`an address is a URL such as 'unix:///run/x.sock', or { adapter: 'socket/unix', path: … }`)
  const { adapter: id, ...rest } = address as { adapter: AdapterId } & Record<string, unknown>
  const adapter = await adapterById(id)
  const typed = rest as Adapters[AdapterId]
  return { adapter, address: typed, url: adapter.format(typed) }
}

function parseUrl(text: string): URL {
  try {
    return new URL(text)
  } catch {
    throw new TypeError(`'${text}' is no URL; an address looks like 'unix:///run/x.sock' or { adapter: 'socket/unix', path: … }`)
  }
}

/** The path of `scheme:///path`, percent-decoded. */
export function pathOf(url: URL): string {
  if (url.host !== '' || !url.pathname.startsWith('/') || url.pathname === '/')
    throw new TypeError(`'${url.href}' must be ${url.protocol}///path, with three slashes`)
  return decodeURIComponent(url.pathname)
}

/** A file-system path that fits `maxBytes` with its end mark. */
export function checkPath(path: unknown, maxBytes: number): string {
  if (typeof path !== 'string' || path === '') throw new TypeError(`path must be a non-empty string, not ${JSON.stringify(path)}`)
  if (path.includes('\0')) throw new TypeError('path must not contain a NUL byte')
  const length = new TextEncoder().encode(path).length
  if (length > maxBytes) throw new RangeError(`path has ${length} bytes; this mechanism takes at most ${maxBytes}: ${path}`)
  return path
}

/** The name of `scheme:///name`, without its slash: no further slash, at most `maxBytes`. */
export function checkName(name: unknown, maxBytes: number): string {
  if (typeof name !== 'string') throw new TypeError(`name must be a string, not ${JSON.stringify(name)}`)
  const bare = name.startsWith('/') ? name.slice(1) : name
  if (bare === '' || bare === '.' || bare === '..' || bare.includes('\0'))
    throw new TypeError(`'${name}' is no name; write one such as '/jobs'`)
  if (bare.includes('/')) throw new TypeError(`'${name}' has more than one slash; a name such as '/jobs' has one, in front`)
  const length = new TextEncoder().encode(bare).length
  if (length > maxBytes) throw new RangeError(`name has ${length} bytes; this mechanism takes at most ${maxBytes}: ${name}`)
  return bare
}

/** `scheme:///path`, percent-encoded where a URL needs it. */
export const pathUrl = (scheme: string, path: string): string => {
  const absolute = path.startsWith('/') ? path : `${process.cwd()}/${path}`
  return `${scheme}://${absolute.split('/').map(encodeURIComponent).join('/')}`
}
