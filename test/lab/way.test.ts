import { expect, test } from 'vitest'
import { Way } from '../../src/lab/way.js'

/** What comes out, and after how many ms. */
async function passed(packets: readonly { delayMs: number; serialMs: number }[]): Promise<readonly { index: number; ms: number }[]> {
  const way = new Way()
  const began = performance.now()
  const out: { index: number; ms: number }[] = []
  await new Promise<void>((resolve) => {
    for (const [index, { delayMs, serialMs }] of packets.entries())
      way.pass(
        () => {
          out.push({ index, ms: performance.now() - began })
          if (out.length === packets.length) resolve()
        },
        delayMs,
        serialMs,
      )
  })
  way.close()
  return out
}

test('what is delayed less does not overtake', async () => {
  const out = await passed([20, 12, 11.9, 3, 0].map((delayMs) => ({ delayMs, serialMs: 0 })))
  expect(out.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4])
  expect(out[4]?.ms).toBeGreaterThan(19)
})

test('one packet is sent at a time, and the delay is on top of that', async () => {
  const out = await passed(new Array(5).fill({ delayMs: 10, serialMs: 4 }))
  for (const { index, ms } of out) expect(ms).toBeGreaterThan(10 + 4 * (index + 1) - 1)
})

test('without delay it passes at once', () => {
  let passes = 0
  const way = new Way()
  way.pass(() => passes++, 0, 0)
  expect(passes).toBe(1)
})

test('nothing comes out of one that is closed', async () => {
  const way = new Way()
  let passes = 0
  way.pass(() => passes++, 2, 0)
  way.close()
  await new Promise((resolve) => setTimeout(resolve, 10))
  expect(passes).toBe(0)
})
