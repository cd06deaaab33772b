import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { packageFolder } from './package-folder.js'

/** Builds the addon where it is looked for: build/Release in the package's folder. */
export async function build(): Promise<number> {
  const [command, ...args] = [...nodeGyp(), 'rebuild', ...headers()] as [string, ...string[]]
  const child = spawn(command, args, { cwd: packageFolder, stdio: 'inherit' })
  const status = await new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => resolve(code ?? 1))
  })
  if (status !== 0) console.error('ipc-playground: the addon was not built; it needs a C compiler, make and Python 3')
  return status === 0 ? 0 : 1
}

const prefix = dirname(dirname(process.execPath))

/** The headers beside this Node, where they are installed; else node-gyp fetches them. */
const headers = (): string[] => (existsSync(join(prefix, 'include', 'node', 'node_api.h')) ? [`--nodedir=${prefix}`] : [])

/** node-gyp of this package's neighbours, else the one that npm brings, else one that npx fetches. */
function nodeGyp(): string[] {
  const npms = join(prefix, 'lib', 'node_modules', 'npm', 'node_modules', 'node-gyp', 'bin', 'node-gyp.js')
  try {
    return [process.execPath, createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js')]
  } catch {
    return existsSync(npms) ? [process.execPath, npms] : ['npx', '--yes', 'node-gyp']
  }
}
