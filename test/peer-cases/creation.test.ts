import assert from 'node:assert/strict'
import type { Outcome } from 'ipc-playground/matrix'
import { type NamedObject, newObject } from '../../src/matrix/subjects/subject.js'
import type { Actor } from '../../src/stage/actor.js'
import { peerCase } from './stage.js'

const modes: Readonly<Record<string, (object: NamedObject, actor: Actor) => Promise<Outcome>>> = {
  'create only': (object, actor) => object.make(actor, true),
  'open only': (object, actor) => object.find(actor),
  'open or create': (object, actor) => object.make(actor, false),
}

/** What a mode answers of a name that is missing, and of one that stands. */
const missing: Readonly<Record<string, string>> = { 'create only': 'ok', 'open only': 'ENOENT', 'open or create': 'ok' }
const standing: Readonly<Record<string, string>> = { 'create only': 'EEXIST', 'open only': 'ok', 'open or create': 'ok' }

// A FIFO is not among them: no call opens or creates one.
for (const key of ['psem', 'svsem', 'pmq', 'svmq', 'pshm', 'svshm'] as const)
  peerCase(
    `Boost named_creation_template: create only, open only, open or create, one after the other by two processes › ${key}`,
    [key],
    async (stage, subject) => {
      const [one, other] = [await stage.actor('one'), await stage.actor('other')]
      for (const [first, makeFirst] of Object.entries(modes))
        for (const [second, makeSecond] of Object.entries(modes)) {
          const object = await newObject(stage, subject)
          const outcomes = [await makeFirst(object, one), await makeSecond(object, other)].map(({ error }) => error ?? 'ok')
          const made = missing[first] === 'ok'
          assert.deepEqual(outcomes, [missing[first], (made ? standing : missing)[second]], `${first}, then ${second}`)
          if (made || missing[second] === 'ok') assert.equal((await object.remove(one)).error, undefined)
        }
    },
  )
