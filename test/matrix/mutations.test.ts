/** A wrong implementation turns its cell red. Each file of mutations/ has those of one property. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { findProperty, findSubject, runCell, unavailable } from 'ipc-playground/matrix'
import { test } from 'vitest'
import type { Mutation } from './mutations/mutation.js'

const folder = new URL('./mutations/', import.meta.url)

for (const file of readdirSync(folder).filter((name) => /^p\d\d\.js$/.test(name))) {
  const { default: mutations } = (await import(new URL(file, folder).href)) as { default: readonly Mutation[] }
  for (const { what, property, subject, rewrite } of mutations)
    test.skipIf(unavailable() !== undefined)(`${property} ${subject}: ${what}`, async () => {
      const cell = [findProperty(property), findSubject(subject)] as const
      assert.equal((await runCell(...cell)).verdict, 'pass')
      const { verdict, reason } = await runCell(...cell, { rewrite })
      assert.equal(verdict, 'differs', reason)
    })
}
