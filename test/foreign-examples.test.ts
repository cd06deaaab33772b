/** docs/peers.md, followed to the letter. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { works } from './support/foreign.js'
import { packageFolder, run, start } from './support/run.js'

const page = readFileSync(join(packageFolder, 'docs/peers.md'), 'utf8')
const blocks = (language: string): string[] =>
  [...page.matchAll(/^```(\w+)\n(.*?)^```$/gms)].flatMap(([, of, text = '']) => (of === language ? [text] : []))
const [answerForC, c, answerForPython, python] = blocks('sh') as [string, string, string, string]
const [fromC, fromPython] = blocks('text')

let project: string
beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'ipc-peers-'))
  cpSync(join(packageFolder, 'examples/peers'), project, { recursive: true })
  mkdirSync(join(project, 'node_modules'))
  symlinkSync(packageFolder, join(project, 'node_modules/ipc-playground'))
})
afterEach(() => rmSync(project, { recursive: true }))

test.each([
  ['answer.mjs', 'js'],
  ['hello.c', 'c'],
  ['hello.py', 'py'],
])('the page shows examples/peers/%s', (file, language) => {
  expect(blocks(language)).toEqual([readFileSync(join(packageFolder, 'examples/peers', file), 'utf8')])
})

const options = () => ({ cwd: project, env: { LD_PRELOAD: undefined, PYTHONDONTWRITEBYTECODE: '1' } })

const languages = [
  { name: 'C', missing: works('cc', '--version') ? '' : ' (needs a C compiler, cc)', answer: answerForC, hello: c, shown: fromC },
  {
    name: 'Python',
    missing: works('python3', '--version') ? '' : ' (needs python3)',
    answer: answerForPython,
    hello: python,
    shown: fromPython,
  },
]
for (const { name, missing, answer, hello, shown } of languages)
  test.skipIf(missing !== '')(`the peer in ${name} does what the page says${missing}`, async () => {
    const node = start('sh', ['-c', `exec ${answer}`], options())
    await node.shown('listening at')
    expect(await run('sh', ['-ec', hello], options())).toEqual({ status: 0, stdout: shown, stderr: '' })
    expect(await node.ended).toMatchObject({ status: 0, stderr: '' })
  })
