/** The machine and the software that figures belong to. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { allowedProcessors } from './placement.js'
import type { Environment } from './record.js'

// dist/src/bench/ -> the package
const PACKAGE = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))))
const VULNERABILITIES = '/sys/devices/system/cpu/vulnerabilities'
const CLOCK_ROUNDS = 20
const CLOCK_READINGS = 2000

export function environment(): Environment {
  const commit = commitOf(PACKAGE)
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    processors: allowedProcessors(),
    virtualized: /^flags\s*:.*\bhypervisor\b/m.test(textOf('/proc/cpuinfo')),
    memoryBytes: totalmem(),
    kernel: `${process.platform} ${release()} ${process.arch}`,
    node: process.version,
    ...(commit === undefined ? {} : { commit }),
    ...governor(),
    load: loadavg()[0] ?? 0,
    mitigations: mitigations(),
    clock: clock(),
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return ''
  }
}

/** cpufreq: a guest seldom has one. */
function governor(): Pick<Environment, 'governor'> {
  const names = allowedProcessors().map((cpu) => textOf(`/sys/devices/system/cpu/cpu${cpu}/cpufreq/scaling_governor`))
  const known = [...new Set(names.filter((name) => name !== ''))]
  return known.length === 0 ? {} : { governor: known.join(', ') }
}

function mitigations(): Record<string, string> {
  try {
    const all = readdirSync(VULNERABILITIES).map((name) => [name, textOf(join(VULNERABILITIES, name))] as const)
    return Object.fromEntries(all.filter(([, state]) => state !== '' && state !== 'Not affected'))
  } catch {
    return {} // no such kernel
  }
}

/** The commit, with `-dirty` where files differ from it. */
function commitOf(folder: string): string | undefined {
  try {
    // --git-dir: a package installed inside some other checkout is not that checkout's commit.
    const args = ['--git-dir', join(folder, '.git'), '--work-tree', folder, 'describe', '--always', '--dirty', '--abbrev=12', '--match=']
    return execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return undefined
  }
}

/** Of `performance.now()`, which times every trial. The best of several rounds: the first run uncompiled. */
function clock(): Environment['clock'] {
  let smallest = Number.POSITIVE_INFINITY
  let cheapest = Number.POSITIVE_INFINITY
  for (let round = 0; round < CLOCK_ROUNDS; round++) {
    const start = performance.now()
    let before = start
    for (let i = 0; i < CLOCK_READINGS; i++) {
      const now = performance.now()
      if (now > before) smallest = Math.min(smallest, now - before)
      before = now
    }
    cheapest = Math.min(cheapest, (before - start) / CLOCK_READINGS)
  }
  return { resolutionNs: Math.round(smallest * 1e6), readingNs: Math.round(cheapest * 1e6) }
}
