import { describe, expect, test } from 'vitest'
import { choose, type Needs } from '../src/report/choose.js'
import { capabilities, report } from './fixtures/report.js'

const NEEDS: Needs = { kind: 'message', payloadBytes: 64, hosts: 'one', survivesCrash: false, senders: 'one', spin: false }
const answer = (needs: Partial<Needs> = {}) => choose({ ...NEEDS, ...needs }, report)
const names = (needs: Partial<Needs> = {}) => answer(needs).taken.map(({ adapter }) => adapter)
const whyNot = (adapter: string, needs: Partial<Needs> = {}) => answer(needs).rejected.find((other) => other.adapter === adapter)?.reasons

describe('the chooser', () => {
  test('tells of every adapter whether it was taken, came later or does not do, and why', () => {
    for (const needs of [
      {},
      { kind: 'stream' },
      { payloadBytes: 1 << 24 },
      { hosts: 'many' },
      { senders: 'many' },
      { spin: true },
    ] as const) {
      const { taken, others, rejected } = answer(needs)
      expect([...taken, ...others, ...rejected].map(({ adapter }) => adapter).sort()).toEqual(Object.keys(capabilities).sort())
      for (const { reasons } of [...taken, ...rejected]) expect(reasons).not.toEqual([])
    }
  })

  test('takes the shortest round trip of those that fit, of the placement that is nearest to use', () => {
    const { taken, criterion } = answer()
    expect(criterion).toBe('the median round trip')
    expect(taken.map(({ adapter }) => adapter)).toEqual(['pipe/anonymous', 'message-queue/posix', 'shared-memory/ring'])
    for (const { record } of taken) expect(record).toMatchObject({ workload: 'round-trip', placement: 'free', wait: 'poll' })
    expect(taken[1]?.behind).toBeCloseTo(1.86 / 1.642, 2)
  })

  test('spins only where it may', () => {
    expect(answer({ spin: true }).taken[0]).toMatchObject({
      adapter: 'shared-memory/ring',
      record: { wait: 'spin', placement: 'cross-core' },
    })
    for (const { record } of [...answer().taken, ...answer().others]) expect(['block', 'poll']).toContain(record?.wait)
  })

  test('ranks what is large by bytes a second, and says who copies nothing', () => {
    const { taken, criterion } = answer({ payloadBytes: 1 << 20 })
    expect(criterion).toBe('bytes a second')
    expect(taken.find(({ adapter }) => adapter === 'shared-memory/ring')?.reasons).toContain('written and read in place, without a copy')
    expect(whyNot('message-queue/posix', { payloadBytes: 1 << 20 })).toEqual(['a message has at most 8 KiB; `fragmented` would cut it'])
    expect(whyNot('shared-memory/ring', { payloadBytes: 1 << 24 })).toEqual(['a message has at most 2097144 B; `fragmented` would cut it'])
  })

  test('knows a stream from messages, and events from both', () => {
    expect(whyNot('shared-memory/ring', { kind: 'stream' })).toEqual(['carries messages, no byte stream'])
    expect(whyNot('semaphore/posix')).toEqual(['carries events, no bytes'])
    expect(names({ payloadBytes: 0 })[0]).toBe('semaphore/posix')
    expect(whyNot('signal/realtime', { payloadBytes: 0 })).toEqual(['a message has at least 4 B'])
  })

  test('minds a killed peer', () => {
    expect(whyNot('semaphore/posix', { payloadBytes: 0, survivesCrash: true })).toContain('a peer that is killed may leave it locked')
    expect(names({ survivesCrash: true })).not.toContain('message-queue/posix')
    const later = answer({ survivesCrash: true }).others.find(({ adapter }) => adapter === 'message-queue/posix')
    expect(later?.cautions).toEqual(['does not tell that the peer is gone'])
  })

  test('ranks for many senders by what several of them reached', () => {
    const { taken, criterion } = answer({ senders: 'many' })
    expect(criterion).toBe('messages a second from several senders')
    expect(taken.map(({ adapter }) => adapter).slice(0, 2)).toEqual(['socket/unix', 'socket/tcp'])
    expect(taken[0]?.record?.senders).toBe(8)
    expect(whyNot('pipe/anonymous', { senders: 'many' })).toEqual(['one sender to a receiver'])
  })

  test('goes to other hosts with what reaches them, and puts what loses messages last', () => {
    expect(names({ hosts: 'many' })).toEqual(['socket/tcp', 'socket/udp'])
    expect(answer({ hosts: 'many' }).taken[1]?.cautions).toContain('loses what it has no room for')
  })

  test('takes nothing that cannot run here, and prefers what kept its promises', () => {
    expect(whyNot('message-queue/posix-mq')).toEqual(['cannot run here: the native addon is not built'])
    const fifo = answer().others.find(({ adapter }) => adapter === 'fifo/native')
    expect(fifo?.cautions).toEqual(['failed 1 case of the conformance suite here'])
  })

  test('answers without a figure, too', () => {
    const { taken } = choose(NEEDS, { capabilities, records: [], conformance: [] })
    expect(taken).toHaveLength(3)
    for (const { cautions } of taken) expect(cautions).toContain('nothing that fits was measured')
  })
})
