import { defineRule } from '../rule.js'

export default defineRule({
  property: 'P26',
  expectations: {
    // The first send draws a reset; whether it has come when the second is made decides. RFC 9293
    tcp: () => ({ kind: 'may', values: ['1st ok, 2nd EPIPE', '1st ok, 2nd ECONNRESET'] }),
  },
})
