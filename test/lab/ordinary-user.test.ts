/** The lab as a user without any privilege: what it may not do is skipped, said, and counted apart. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, test } from 'vitest'
import { stories } from '../../demos/network/index.js'
import { cliFile, type Outcome, run } from '../support/run.js'

const LIMIT_MS = 300_000
const NOBODY = ['--reuid=65534', '--regid=65534', '--clear-groups']

const played = stories.filter(({ slow }) => slow !== true || process.env.FULL === '1').map(({ name }) => name)

/** Why this user cannot become another. */
const reason =
  spawnSync('setpriv', [...NOBODY, 'test', '-r', cliFile]).status === 0 ? undefined : 'needs root, setpriv, and a folder that all may read'

const folder = mkdtempSync(join(tmpdir(), 'ipc-lab-nobody-'))
chmodSync(folder, 0o777)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const asNobody = (...command: readonly string[]): Promise<Outcome> =>
  run('setpriv', [...NOBODY, ...command], { env: { TMPDIR: folder, XDG_RUNTIME_DIR: '', HOME: folder } })

const labOf = (names: readonly string[]): readonly string[] => [
  process.execPath,
  cliFile,
  'lab',
  ...names,
  '--folder',
  join(folder, 'report'),
]

/** How many were played as predicted, and why the others were not played. */
function told(
  { status, stdout, stderr }: Outcome,
  names: readonly string[],
): { readonly passed: number; readonly skipped: readonly string[] } {
  assert.equal(status, 0, `${stdout}${stderr}`)
  const [, passed, skipped] = /^✓ (\d+) as predicted {3}✗ 0 refuted {3}– (\d+) skipped {3}! 0 failed$/m.exec(stdout) ?? assert.fail(stdout)
  const reasons = [...stdout.matchAll(/^\S+ +– skipped in \d+\.\d s: (.+)$/gm)].map(([, why = '']) => why)
  assert.equal(reasons.length, Number(skipped), stdout)
  assert.equal(Number(passed) + Number(skipped), names.length, stdout)
  return { passed: Number(passed), skipped: reasons }
}

describe.skipIf(reason !== undefined)(`an ordinary user${reason === undefined ? '' : ` (${reason})`}`, { timeout: LIMIT_MS }, () => {
  test('plays the stories as far as this machine lets it, and none is refuted', async () => {
    told(await asNobody(...labOf(played)), played)
  })

  test('that may make no namespace is told of each story that needs one', async (context) => {
    const none = 'echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --bounding-set=-all --inh-caps=-all -- "$@"'
    const inside = ['unshare', '--user', '--map-root-user', 'sh', '-c', none, 'sh']
    if ((await asNobody(...inside, 'true')).status !== 0) context.skip('this user may make no namespace, which the test above was about')
    const { skipped } = told(await asNobody(...inside, ...labOf(['tcp-states', 'congestion'])), ['tcp-states', 'congestion'])
    assert.equal(skipped.length, 2)
    for (const why of skipped) assert.match(why, /namespaces/)
  })
})
