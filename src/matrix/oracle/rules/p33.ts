import { defineRule } from '../rule.js'

export default defineRule({
  property: 'P33',
  expectations: {
    // The oracle names both in one word: semctl(2), shmctl(2).
    svsem: () => ({ kind: 'exact', value: 'GETPID' }),
    svshm: () => ({ kind: 'exact', value: 'shm_lpid' }),
  },
})
