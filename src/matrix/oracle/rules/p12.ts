import { CAP_SYS_RESOURCE, capable } from '../../../core/limits.js'
import type { Expectation } from '../../vocabulary.js'
import { pageBytes, sysctl } from '../host.js'
import { defineRule } from '../rule.js'

/** PIPE_DEF_BUFFERS of the kernel. pipe(7) "Pipe capacity" */
const PIPE_SLOTS = 16

const pipe = (): Expectation => ({ kind: 'exact', value: `${PIPE_SLOTS * pageBytes()} B = ${PIPE_SLOTS} page slots` })

/** What the kernel needs for a message counts as well, but is no more than the message where that is large. socket(7) */
const kept = { least: 1 / 8, most: 1, from: 'socket(7): the buffer holds the bytes and what the kernel needs for them' }

const received = (): Expectation => ({ kind: 'bound', value: 'SO_RCVBUF', figures: { 'bytes kept to SO_RCVBUF': kept } })

export default defineRule({
  property: 'P12',
  expectations: {
    pipe,
    fifo: pipe,

    pmq: () => ({
      kind: 'bound',
      value: `${Math.min(sysctl('fs/mqueue/msg_default'), sysctl('fs/mqueue/msg_max'))} x ${Math.min(sysctl('fs/mqueue/msgsize_default'), sysctl('fs/mqueue/msgsize_max'))} B`,
      figures: {
        'queues over msg_max': {
          least: 0,
          most: capable(CAP_SYS_RESOURCE) ? 1 : 0,
          from: 'mq_overview(7): CAP_SYS_RESOURCE of the initial user namespace lifts the limit',
        },
      },
    }),

    svmq: () => ({ kind: 'exact', value: `${sysctl('kernel/msgmnb')} B (msgmnb)` }),

    udgram: () => {
      const length = sysctl('net/unix/max_dgram_qlen')
      return { kind: 'exact', value: `${length + 1} msgs (qlen ${length} + 1)` }
    },

    ustream: () => ({
      kind: 'bound',
      value: `~SO_SNDBUF ${sysctl('net/core/wmem_default')}`,
      figures: {
        'bytes of large sends to SO_SNDBUF': { least: 1 / 2, most: 3 / 2, from: 'the last piece goes over the limit' },
        'single bytes to SO_SNDBUF': { least: 1 / 4096, most: 1 / 256, from: 'socket(7): bookkeeping of each counts' },
      },
    }),

    useq: () => ({
      kind: 'bound',
      value: 'messages of 1 B',
      figures: { 'SO_SNDBUF to their count': { least: 256, most: 4096, from: 'socket(7): bookkeeping of each counts; 766 on x86-64' } },
    }),

    tcp: () => ({
      kind: 'bound',
      value: 'autotuned',
      figures: {
        bytes: {
          least: sysctl('net/ipv4/tcp_wmem', 1),
          most: sysctl('net/ipv4/tcp_wmem', 2) + sysctl('net/ipv4/tcp_rmem', 2),
          from: 'tcp(7): tcp_wmem and tcp_rmem',
        },
      },
    }),

    udp: received,
    mcast: received,
  },
})
