import { afterEach, beforeEach, expect, test } from 'vitest'
import { programAt } from '../../src/core/program-at.js'
import { tryBackends } from '../../src/lab/backends.js'
import { Lab, type Network } from '../../src/lab/lab.js'
import type { Link } from '../../src/lab/link.js'
import { netemWords } from '../../src/lab/netem.js'
import { bound, inetAddress } from '../../src/matrix/subjects/sockets.js'
import { call } from '../../src/stage/call.js'
import { Company } from '../../src/stage/company.js'
import { K } from '../../src/stage/constants.js'
import { Skip } from '../../src/stage/stage.js'

const PORT = 7000
const ONE_WAY_MS = 25
const CLEAR = { delay: 0, jitter: 0, rate: Number.POSITIVE_INFINITY, loss: 0, duplicate: 0, corrupt: 0, reorder: 0 }

let company: Company
let lab: Lab
beforeEach(async () => {
  company = await Company.gather()
  lab = new Lab(company)
})
afterEach(async () => {
  await lab.clear()
  await company.close()
})

/** ms until a connection stands, which is one round trip. */
async function connecting({ A, B }: Network<Link>): Promise<number> {
  const [client, server] = [await A.actor('client'), await B.actor('server')]
  const { fd: listening } = await bound(server, K.AF_INET, K.SOCK_STREAM, inetAddress(B.address, PORT))
  await server.must(call('listen', listening, 1))
  const { result: fd } = await client.must(call('socket', K.AF_INET, K.SOCK_STREAM, 0))
  const began = performance.now()
  await client.must(call('connect', fd, inetAddress(B.address, PORT)))
  return performance.now() - began
}

test.for(['linked', 'emulated'] as const)('%s: a delay is a delay each way', async (way, { skip }) => {
  const network = await lab[way]().catch((error: unknown) => {
    if (error instanceof Skip) return skip(error.message)
    throw error
  })
  network.link.delay = ONE_WAY_MS
  expect(network.link.delay).toBe(ONE_WAY_MS)
  expect(await connecting(network)).toBeGreaterThan(2 * ONE_WAY_MS * 0.8)
})

const make = { wire: () => lab.wired(), gate: () => lab.gated(), netem: () => lab.emulated() }

test('a backend that a trial misses is one that stories skip, and no other', async () => {
  for (const { backend, unavailable } of await tryBackends())
    if (unavailable === undefined) expect((await make[backend]()).link.backend).toBe(backend)
    else await expect(make[backend]()).rejects.toThrow(Skip)
})

test('a link’s impairments in the words of tc', () => {
  expect(netemWords(CLEAR).join(' ')).toBe('delay 0ms')
  expect(netemWords({ ...CLEAR, delay: 25, jitter: 10 }).join(' ')).toBe('delay 30ms 5ms rate 100gbit')
  expect(netemWords({ ...CLEAR, rate: 1250 }).join(' ')).toBe('delay 0ms rate 10000kbit')
  expect(netemWords({ ...CLEAR, delay: 25, loss: 0.1, duplicate: 0.02, corrupt: 0.5, reorder: 0.25 }).join(' ')).toBe(
    'delay 25ms loss 10% duplicate 2% corrupt 50% reorder 25%',
  )
  // Without a delay there is nothing to overtake.
  expect(netemWords({ ...CLEAR, reorder: 0.25 }).join(' ')).toBe('delay 0ms')
})

test('tc understands them', async ({ skip }) => {
  if (programAt('tc') === undefined) return skip('tc is not installed')
  const host = await lab.gated().catch((error: unknown) => skip(String(error)))
  const words = netemWords({ delay: 25, jitter: 10, rate: 1250, loss: 0.07, duplicate: 0.02, corrupt: 0.5, reorder: 0.25 })
  const said = await host.A.command('tc', ['qdisc', 'replace', 'dev', 'lo', 'root', 'netem', ...words]).catch(String)
  // It reads all of them before it asks the kernel, which may not have the module.
  expect(said).toMatch(/^$|qdisc kind is unknown/)
})
