import { availableParallelism } from 'node:os'
import type { Expectation } from '../../vocabulary.js'
import { defineRule } from '../rule.js'

/** Nothing is promised: in order and complete is as right as not. udp(7) */
const unpromised = (): Expectation => ({ kind: 'may', values: ['none promised', 'FIFO'] })

/** Which waiter a post wakes is unspecified, but it is one. sem_post(3), semop(2) */
const unspecified = (): Expectation => ({ kind: 'may', values: ['first come, first served', 'another order'] })

/** Stores may be seen late, where there are two processors to see it; never past a barrier. C11 7.17.3 */
const memoryModel = (): Expectation =>
  availableParallelism() > 1 ? { kind: 'may', values: ['memory model', 'as stored'] } : { kind: 'exact', value: 'as stored' }

export default defineRule({
  property: 'P10',
  expectations: {
    udp: unpromised,
    mcast: unpromised,
    psem: unspecified,
    svsem: unspecified,
    pshm: memoryModel,
    svshm: memoryModel,
    memfd: memoryModel,
  },
})
