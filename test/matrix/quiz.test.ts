import { allCells, findProperty, findSubject, predictionOf, questionOf, unavailable } from 'ipc-playground/matrix'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { PrivateRunFolder } from '../support/census.js'
import { cli, cliFile, type Running, start } from '../support/run.js'

describe('a question', () => {
  test('has the right answer among answers that are right elsewhere, each once', () => {
    const questions = allCells().flatMap((cell) => questionOf(cell) ?? [])
    expect(questions.length).toBeGreaterThan(20)
    for (const { cell, options } of questions) {
      expect(options).toContain(predictionOf(cell.property.id, cell.subject.key).value)
      expect(new Set(options).size).toBe(options.length)
      expect(options.length).toBeGreaterThan(1)
      expect(options.length).toBeLessThanOrEqual(5)
      expect(options).not.toContain('n/a')
    }
  })

  test('is none where there is nothing to try', () => {
    expect(questionOf({ property: findProperty('P30'), subject: findSubject('tcp') })).toBeUndefined()
  })

  test('does not tell its answer by its place', () => {
    const cell = { property: findProperty('P25'), subject: findSubject('pipe') }
    const places = new Set([0, 0.3, 0.6, 0.99].map((x) => questionOf(cell, () => x)?.options.indexOf('0 = EOF, POLLHUP')))
    expect(places.size).toBeGreaterThan(1)
  })
})

describe.skipIf(unavailable() !== undefined)('the quiz', () => {
  let place: PrivateRunFolder
  beforeEach(() => {
    place = new PrivateRunFolder()
  })
  afterEach(() => place.remove())

  const begin = (...args: readonly string[]): Running =>
    start(process.execPath, [cliFile, 'quiz', ...args], { env: place.env, input: true })

  test('lets the kernel answer, and counts what was right', async () => {
    const { child, ended } = begin('P25', 'pipe', '--questions', '1')
    child.stdin?.end('0 = eof, pollhup\n')
    const { status, stdout } = await ended
    expect(stdout).toContain('✓ Right. The kernel did: 0 = EOF, POLLHUP')
    expect(stdout).toMatch(/^1 of 1 right\.$/m)
    expect(status).toBe(0)
  })

  test('takes a wrong answer for wrong, asks again after none, and ends at q', async () => {
    const { child, ended } = begin('P25', 'pipe', 'fifo')
    child.stdin?.end('perhaps\n9\nnothing\nq\n')
    const { status, stdout } = await ended
    expect(stdout.match(/What happens\?/g)).toHaveLength(4)
    expect(stdout).toContain('✗ You said: nothing. The kernel did: 0 = EOF, POLLHUP')
    expect(stdout).toMatch(/^0 of 1 right\.$/m)
    expect(status).toBe(0)
  })

  test('ends at the end of its input, with the score so far', async () => {
    const { child, ended } = begin()
    child.stdin?.end()
    const { status, stdout } = await ended
    expect(stdout).toMatch(/^0 of 0 right\.$/m)
    expect(status).toBe(0)
  })

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s while it waits for an answer shows the score, and leaves nothing', async (signal, expected) => {
    const { child, ended, shown } = begin()
    await shown('What happens?')
    child.kill(signal)
    const { status, stdout } = await ended
    expect(stdout).toMatch(/^0 of 0 right\.$/m)
    expect(status).toBe(expected)
    expect(place.processes()).toEqual([])
  })

  test.each([[['--questions', 'many']], [['tpc']], [['P07', 'sig']]])('%j is wrong use: status 2', async (args) => {
    const { status, stderr } = await cli(['quiz', ...args], place.env)
    expect(status).toBe(2)
    expect(stderr).not.toContain('    at ')
  })
})
