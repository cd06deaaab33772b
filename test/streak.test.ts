import { availableParallelism } from 'node:os'
import { describe, expect, test } from 'vitest'
import { Streak } from '../src/core/streak.js'

const NOTHING = -11
const target = new Uint8Array(1)

/** How often the next `try` asks, when it is answered this. */
function counted(): { asked: (answer: number) => number } {
  let count = 0
  let next = NOTHING
  const streak = new Streak(() => {
    count++
    return next
  }, NOTHING)
  return {
    asked(answer) {
      next = answer
      count = 0
      const got = streak.try(target)
      expect(got).toBe(count === 0 ? NOTHING : answer)
      return count
    },
  }
}

describe('trying before a wait', () => {
  test('where every message must be waited for, the tries become rare, and never end', () => {
    const { asked } = counted()
    let tries = 0
    for (let i = 0; i < 1000; i++) tries += asked(NOTHING)
    expect(tries).toBeGreaterThan(10)
    expect(tries).toBeLessThan(30)
  })

  test('in a stream each wait begins with tries, until they find nothing', () => {
    const { asked } = counted()
    expect(asked(1)).toBe(1)
    for (let i = 0; i < 100; i++) expect(asked(i)).toBe(1)
    expect(asked(NOTHING)).toBe(availableParallelism() > 1 ? 4 : 1)
    expect(asked(NOTHING)).toBe(0)
    expect(asked(1)).toBe(1)
  })
})
