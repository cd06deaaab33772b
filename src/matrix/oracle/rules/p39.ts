import { defineRule } from '../rule.js'

export default defineRule({
  property: 'P39',
  expectations: {
    // signal(7) counts sem_timedwait among what is restarted; glibc 2.36 is seen to end it with EINTR.
    psem: () => ({ kind: 'may', values: ['sem_wait restarted; sem_timedwait EINTR', 'sem_wait restarted; sem_timedwait restarted'] }),
  },
})
