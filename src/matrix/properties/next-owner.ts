/** An address that datagrams are sent to, and who has it next. */
import { call } from '../../stage/call.js'
import { K } from '../../stage/constants.js'
import { serve, socketKind } from '../subjects/socket-kinds.js'
import type { Experiment } from './property.js'

const WORD = 'left'

/** Who has the address goes with a datagram unread; what does the next owner of the address find? */
export const addressed =
  (how: 'exit' | 'kill', clean: string): Experiment =>
  async (stage, subject) => {
    const [owner, writer, heir] = [await stage.actor('owner'), await stage.actor('writer'), await stage.actor('heir')]
    const kind = socketKind(subject)
    const address = await kind.newAddress(stage, owner)
    await serve(owner, kind, address)
    const out = await kind.open(writer)
    const send = () => writer.must(call('sendto', out, WORD, 0, address))
    await send()
    await owner[how]()
    await kind.clear(heir, address)
    const fd = await kind.open(heir)
    const { error } = await heir.do(call('bind', fd, address))
    if (error !== undefined) return error
    await kind.attend(heir, fd, address)
    const seen = await stage.unless(
      async () => ((await heir.do(call('recv', fd, WORD.length, K.MSG_DONTWAIT))).error === 'EAGAIN' ? clean : 'kernel'),
      {
        text: 'what is sent now is received',
        see: async () => {
          await send()
          return (await heir.must(call('recv', fd, WORD.length, 0))).result
        },
      },
    )
    return seen ?? clean
  }
