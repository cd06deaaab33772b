import type { Mutation } from './mutation.js'
import { queuing } from './queuing.js'

export default [{ what: 'a standard signal that queues', property: 'P13', subject: 'sig', rewrite: queuing }] satisfies readonly Mutation[]
