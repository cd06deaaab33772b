import { existsSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { adapterById, mechanisms } from '../src/core/registry.js'
import { PrivateRunFolder } from './support/census.js'
import { cli, run } from './support/run.js'

let place: PrivateRunFolder
beforeEach(() => {
  place = new PrivateRunFolder()
})
afterEach(() => place.remove())

const fileOf = (name: string): string => new URL(`../demos/${name}.js`, import.meta.url).pathname
const all = (await mechanisms()).flatMap(({ name, variants }) => Object.keys(variants).map((variant) => `${name}/${variant}`))
const runnable = (await Promise.all(all.map(adapterById))).filter((adapter) => adapter.unavailable() === undefined).map(({ id }) => id)

describe.each(runnable)('the story of %s', (adapter) => {
  test('runs, names both processes, and leaves nothing', async () => {
    const { status, stdout, stderr } = await cli(['demo', adapter], place.env)
    expect(stderr.replaceAll(/^ +\d+\.\d ms {2}child .*\n/gm, '')).toBe('')
    expect(status).toBe(0)
    const pids = [...`${stdout}${stderr}`.matchAll(/ms {2}(parent|child) +(\d+) /g)]
    expect(new Set(pids.map(([, role]) => role))).toEqual(new Set(['parent', 'child']))
    // Two threads of one process leave no trace in the kernel that a command could show.
    if (new Set(pids.map(([, , pid]) => pid)).size === 2) expect(stdout).toContain('$ ')
    expect(place.processes()).toEqual([])
    expect(place.entries()).toEqual([])
  })
})

test('a mechanism without a story of its own has the one for any', async () => {
  const { status, stdout } = await run(process.execPath, [fileOf('generic'), 'socket/unix'], { env: place.env })
  expect(status).toBe(0)
  expect(stdout).toContain('socket/unix')
  expect(place.entries()).toEqual([])
})

test('every mechanism of ours has a story of its own', async () => {
  for (const name of ['pipe', 'fifo', 'semaphore', 'message-queue', 'signal', 'shared-memory', 'socket'])
    expect(existsSync(fileOf(name)), name).toBe(true)
})

test("the README's example", async () => {
  const { status, stdout } = await run(process.execPath, [fileOf('readme-example/parent')], { env: place.env })
  expect(status).toBe(0)
  expect(stdout).toMatch(/^\d+ answered: HELLO\n$/)
})
