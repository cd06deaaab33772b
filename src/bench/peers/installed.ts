/** What of a peer's needs is here. */
import { require } from '../../native/require.js'

/** Why a package cannot be used, and how to get it. A native one is loaded to find out. */
export function missingPackage(name: string, version: string, kind: 'native' | 'plain' = 'plain'): string | undefined {
  try {
    require.resolve(name)
  } catch {
    return `the package ${name} is not installed; run \`npm install --save-dev ${name}@${version}\``
  }
  if (kind === 'plain') return undefined
  try {
    require(name)
    return undefined
  } catch (error) {
    return `the package ${name} does not load: ${String(error instanceof Error ? error.message : error).split('\n')[0]}`
  }
}
