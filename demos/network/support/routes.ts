/** What the kernel says of a destination, as a line. */
import type { Host } from '../../../src/lab/host.js'
import { NetlinkError, type Route } from '../../../src/lab/rtnetlink.js'

/** `ip route get` at a host. */
export async function routeTo(host: Host<string>, address: string): Promise<Route | string> {
  try {
    return await (await host.rtnetlink).routeTo(address)
  } catch (error) {
    if (error instanceof NetlinkError) return error.code
    throw error
  }
}

export function describeRoute(route: Route | string): string {
  if (typeof route === 'string') return route
  const { kind, gateway, source } = route
  const way = gateway === undefined ? 'itself, on the link' : `the router ${gateway}`
  return kind === 'unicast' ? `to ${way}, from ${source}` : `${kind}, from ${source}`
}
