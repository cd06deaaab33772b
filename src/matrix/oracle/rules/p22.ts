import { defineRule } from '../rule.js'

export default defineRule({
  property: 'P22',
  expectations: {
    // The row's word is that of the streams; its detail says of datagrams: readable, then EAGAIN, no EOF. unix(7)
    udgram: () => ({ kind: 'exact', value: 'still readable' }),
  },
})
