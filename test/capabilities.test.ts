/** What adapters declare: shape, and that nobody changes it. The suite holds them to it. */
import assert from 'node:assert/strict'
import { conformanceCases, subjectOf } from 'ipc-playground/testing'
import { describe, test } from 'vitest'
import { adapterById, adapterByScheme, adapterIds, mechanisms } from '../src/core/registry.js'

const ids = await adapterIds()

describe('adapters', () => {
  test('every mechanism has a name, a summary and variants, and its adapters carry its name', async () => {
    for (const mechanism of await mechanisms()) {
      assert.match(mechanism.name, /^[a-z]+(-[a-z]+)*$/)
      assert.match(mechanism.summary, /\S/)
      assert(Object.isFrozen(mechanism))
      for (const [variant, { scheme, load }] of Object.entries(mechanism.variants)) {
        const adapter = await adapterById(`${mechanism.name}/${variant}`)
        assert.equal(adapter.id, `${mechanism.name}/${variant}`)
        assert.equal((await load()).default.id, adapter.id)
        assert.equal(adapter.scheme, scheme, 'the list and the adapter name the same scheme')
        assert.equal((await adapterByScheme(scheme)).id, adapter.id)
      }
    }
  })

  test('schemes and ids are used once', async () => {
    assert.equal(new Set(ids).size, ids.length)
    const schemes = await Promise.all(ids.map(async (id) => (await adapterById(id)).scheme))
    assert.equal(new Set(schemes).size, schemes.length)
    for (const scheme of schemes) assert.equal(new URL(`${scheme}:///x`).protocol, `${scheme}:`)
  })

  for (const id of ids)
    test(`${id}: capabilities are frozen, and only a third party’s adapter is exempt from anything`, async () => {
      const { capabilities, summary } = await adapterById(id)
      assert(Object.isFrozen(capabilities) && Object.isFrozen(capabilities.payload))
      assert.throws(() => Object.assign(capabilities, { sync: 'changed' }), TypeError)
      assert.match(summary, /\S/)
      for (const [promise, reason] of Object.entries(capabilities.exempt ?? {})) {
        assert(Number(promise) >= 1 && Number(promise) <= 14)
        assert.match(reason, /\S+ \S+/, 'an exemption says why')
      }
    })

  for (const id of ids)
    test(`${id}: at least one case of every promise but the last two concerns it, or checks that it does not`, async () => {
      const subject = subjectOf(await adapterById(id))
      for (let promise = 1; promise <= 12; promise++) {
        const cases = conformanceCases.filter((testCase) => testCase.promise === promise)
        const checked = cases.filter((testCase) => {
          const missing = testCase.requires?.find((condition) => !condition.holds(subject))
          return missing === undefined || missing.absent !== undefined
        })
        assert(checked.length > 0, `promise ${promise}`)
      }
    })
})
