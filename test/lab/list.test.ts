/** The list of stories, and where it is told. */
import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { stories } from '../../demos/network/index.js'

const names = stories.map(({ name }) => name)

test('a story is a file of its name, from which make has its goal', () => {
  for (const name of names) expect([name, existsSync(`demos/network/${name}.ts`)]).toEqual([name, true])
})

test('a name is of small letters, and of one story', () => {
  for (const name of names) expect(name).toMatch(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/)
  expect(new Set(names).size).toBe(names.length)
})

test('README has them all, in their order', () => {
  const [, section = ''] = readFileSync('README.md', 'utf8').split('## The network lab\n')
  const rows = [...(section.split('\n## ')[0] ?? '').matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name)
  expect(rows).toEqual(names)
})
