import { spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { packageFolder } from './package-folder.js'

/** It also links: gyp would take one for C++, which nothing here needs. */
const compiler = process.env.CC ?? 'cc'

/** Builds the addon and the matrix's actor where they are looked for: in build/ of the package's folder. */
export async function build(): Promise<number> {
  // The actor last: node-gyp empties the folder.
  const addon = await run([...nodeGyp(), 'rebuild', ...headers()])
  if (addon !== 0) console.error('ipc-playground: the addon was not built; it needs a C compiler, make and Python 3')
  const actor = await run(actorCompiler())
  if (actor !== 0) console.error("ipc-playground: the matrix's actor was not built; it needs a C compiler")
  return addon === 0 && actor === 0 ? 0 : 1
}

/** The exit status; 127 where the command is not there. */
async function run([command = '', ...args]: readonly string[]): Promise<number> {
  const child = spawn(command, args, { cwd: packageFolder, stdio: 'inherit', env: { ...process.env, LINK: process.env.LINK ?? compiler } })
  return new Promise((resolve) => {
    child.once('error', () => resolve(127))
    child.once('exit', (code) => resolve(code ?? 1))
  })
}

const ACTOR = join('src', 'stage', 'actor')

function actorCompiler(): readonly string[] {
  const sources = readdirSync(join(packageFolder, ACTOR)).filter((name) => name.endsWith('.c'))
  return [
    ...compiler.split(' '),
    '-std=gnu11',
    '-D_GNU_SOURCE',
    '-O2',
    ...sources.map((name) => join(ACTOR, name)),
    '-pthread',
    '-lrt',
    '-o',
    join('build', 'actor'),
  ]
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
