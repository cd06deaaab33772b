/**
 * What of ours stands on this machine: named objects, files in the run folder and the temporary folder,
 * processes. As Vitest's global setup it gives the run a private run folder, and fails the run if it leaves anything.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sweep } from '../src/core/janitor.js'
import { adapterById, adapterIds } from '../src/core/registry.js'

const lines = (file: string): string[] => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [])
const entries = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder).map((name) => `${folder}/${name}`) : [])

// dist/test/ -> the package
const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** Processes whose program is this package's, by pid and command line. */
function processes(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
        return command.includes(`${root}/dist/src/`) ? [`process ${pid}: ${command}`] : []
      } catch {
        return [] // it has ended
      }
    })
}

/** Everything that could be ours, one line each. */
export function census(runFolder: string): string[] {
  return [
    ...entries('/dev/shm'),
    ...entries('/dev/mqueue'),
    ...['shm', 'msg', 'sem'].flatMap((kind) =>
      lines(`/proc/sysvipc/${kind}`)
        .slice(1)
        .map((line) => `System V ${kind} ${line.trim().split(/\s+/).slice(0, 2).join(' ')}`),
    ),
    ...lines('/proc/net/unix')
      .map((line) => line.trim().split(/\s+/)[7] ?? '')
      .filter((path) => path.startsWith(runFolder)),
    ...entries(join(runFolder, 'ipc-playground')),
    ...readdirSync(tmpdir()).filter((name) => name.startsWith('ipc-playground-')),
    ...processes(),
  ]
}

/** What stands now and did not stand before. */
export const left = (before: readonly string[], after: readonly string[]): string[] => after.filter((line) => !before.includes(line))

export default function setup(): () => Promise<void> {
  const outer = process.env.XDG_RUNTIME_DIR
  const runFolder = mkdtempSync(join(tmpdir(), 'ipc-run-'))
  process.env.XDG_RUNTIME_DIR = runFolder
  const before = census(runFolder)
  return async () => {
    // The tests kill owners of names: what those left must be swept, by kinds that their adapters define.
    for (const id of await adapterIds()) await adapterById(id)
    sweep()
    const remains = left(before, census(runFolder))
    rmSync(runFolder, { recursive: true, force: true })
    if (outer === undefined) delete process.env.XDG_RUNTIME_DIR
    else process.env.XDG_RUNTIME_DIR = outer
    if (remains.length > 0) {
      process.exitCode = 1
      throw new Error(`the tests left behind:\n  ${remains.join('\n  ')}`)
    }
  }
}
