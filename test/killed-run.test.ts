/**
 * A run that is killed in the middle leaves nothing that `ipc-playground clean` does not remove, no process,
 * and the network as it was. Slow: with FULL=1 only. In namespaces of its own where the host allows, so that
 * what is seen there is what the run has left.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, test } from 'vitest'
import { stories } from '../demos/network/index.js'
import { cliFile, packageFolder, run } from './support/run.js'

const LIMIT_MS = 240_000
const program = fileURLToPath(new URL('./fixtures/killed-run.js', import.meta.url))
const runner = join(packageFolder, 'node_modules/vitest/vitest.mjs')

const full = process.env.FULL === '1'
const ownProcesses = ['--pid', '--fork', '--kill-child', '--mount-proc']
const own = full && spawnSync('unshare', ['--ipc', '--mount', ...ownProcesses, 'true']).status === 0

describe.skipIf(!full)(
  `a run killed in the middle${own ? ', in namespaces of its own' : ', in the namespaces of the host'}`,
  { timeout: LIMIT_MS },
  () => {
    let folder: string
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'ipc-killed-'))
    })
    afterEach(() => rmSync(folder, { recursive: true, force: true }))

    test.each([
      ['the conformance of message-queue/sysv', 'conformance of message-queue/sysv', ['report', 'message-queue']],
      [
        'the conformance of shared-memory/posix',
        'conformance of shared-memory/posix',
        ['report', 'shared-memory/posix', 'semaphore/posix', 'fifo/native'],
      ],
      ['the measurement', 'round-trip of', ['report', 'semaphore/sysv', 'socket/unix']],
    ])('report, in %s', async (_, moment, args) => {
      await killedAt(moment, [cliFile, ...args, '--folder', join(folder, 'report'), '--budget', '30'])
      rmSync(join(folder, 'report'), { recursive: true, force: true }) // what was asked for
      nothingIsLeft()
    })

    test('the matrix', async () => {
      await killedAt('Full, blocking mode', [cliFile, 'matrix', '--folder', join(folder, 'report')])
      nothingIsLeft()
    })

    // With those that follow it, for it may be over before the moment.
    test.each(
      stories.map(({ name, title }, at) => ({ name, title, names: stories.slice(at).map((story) => story.name) })),
    )('the network lab, in $name', async ({ title, names }) => {
      const asked = mkdtempSync(join(tmpdir(), 'ipc-killed-lab-'))
      await killedAt(title, [cliFile, 'lab', ...names, '--folder', asked], '--net').finally(() => rmSync(asked, { recursive: true }))
      nothingIsLeft()
    })

    test('the tests', async () => {
      await killedAt('✓', [runner, 'run', 'dist/test/fifo.test.js', 'dist/test/semaphore.test.js', '--reporter=verbose'])
      nothingIsLeft()
    })

    /** But the run folder itself, which is every run's. */
    function nothingIsLeft(): void {
      const runFolder = `ipc-playground-${process.geteuid?.()}`
      assert.deepEqual(readdirSync(folder), [runFolder])
      assert.deepEqual(readdirSync(join(folder, runFolder)), [])
    }

    /** Everything temporary of the run is in `folder`. */
    async function killedAt(moment: string, command: readonly string[], ...namespaces: readonly string[]): Promise<void> {
      const args = [...(own ? [...ownProcesses, ...namespaces] : []), '--', process.execPath, program, folder, moment, ...command]
      const { status, stdout, stderr } = await run(join(packageFolder, 'scripts/own-ipc.sh'), args, {
        env: { TMPDIR: folder, XDG_RUNTIME_DIR: '', VITEST_JSON: undefined, FULL: '' },
      })
      assert.equal(status, 0, `${stdout}${stderr}`)
    }
  },
)
