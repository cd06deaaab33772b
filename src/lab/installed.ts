import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Where administrators' programs lie, which an ordinary user's PATH leaves out. */
const SYSTEM = ['/usr/sbin', '/sbin']

/** Where a program lies; undefined where it is not installed. */
export function pathOf(program: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...SYSTEM]
  return folders.map((folder) => join(folder, program)).find(isExecutable)
}

export const isInstalled = (program: string): boolean => pathOf(program) !== undefined

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
