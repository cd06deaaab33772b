/** What of a peer's needs is here. */
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { require } from '../../native/require.js'

/** Debian installs servers where the PATH of users does not lead. */
const SYSTEM_FOLDERS = ['/usr/sbin', '/usr/local/sbin']

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

/** Where a program is, if anywhere. */
export function programAt(name: string): string | undefined {
  return [...(process.env.PATH ?? '').split(delimiter), ...SYSTEM_FOLDERS]
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
