import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { findProperty, findSubject } from 'ipc-playground/matrix'
import { conformanceCases } from 'ipc-playground/testing'
import { test } from 'vitest'
import { type Cover, coveredMore } from './covered-more.js'

const titles = new Set(conformanceCases.map(({ title }) => title))

function stands(cover: Cover): boolean {
  if ('conformance' in cover) return titles.has(cover.conformance)
  if ('trap' in cover) return existsSync(new URL(`../matrix/traps/${cover.trap}.test.js`, import.meta.url))
  const [property, subject] = cover.cell
  return typeof findProperty(property).experiments[findSubject(subject).key] === 'function'
}

test.each(Object.entries(coveredMore))('%s is covered by what there is', (_peer, covers) => {
  for (const cover of covers) assert.ok(stands(cover), JSON.stringify(cover))
})
