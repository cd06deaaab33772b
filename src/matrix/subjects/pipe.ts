import { call } from '../../stage/call.js'
import { DescriptorEnd } from './descriptor-end.js'
import type { Subject } from './subject.js'

/** The ends travel by inheritance: the sender makes the pipe and is the parent of the receiver. pipe(7) */
export const pipe: Subject = {
  key: 'pipe',
  title: 'pipe',
  adapter: 'pipe/anonymous',
  async meet(stage) {
    const parent = await stage.actor('sender')
    const made = await parent.must(call('pipe2', 0))
    const child = await parent.spawn('receiver')
    await child.must(call('close', made.number('write')))
    await parent.must(call('close', made.number('read')))
    return { sender: new DescriptorEnd(parent, made.number('write')), receiver: new DescriptorEnd(child, made.number('read')) }
  },
}
