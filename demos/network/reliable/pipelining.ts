/** Several packets under way at once. */
import { WINDOW } from './machine.js'
import { type Scene, timely } from './scene.js'
import { numbers } from './tell.js'
import { sentAgain, sentBy, widestWindow } from './transfer.js'

export const MANY = [...'abcdefghijkl'] as const
export const SENTENCE = 'what is lost is sent again and what came twice is told apart by its number'.split(' ')
/** Where chance rules: what is sent again too early does no harm. */
const SHORT_TIMEOUT_MS = 30

/** Several packets under way, of which one is lost. */
export async function window(scene: Scene, protocol: 'go-back-N' | 'selective repeat'): Promise<void> {
  const { lab, link } = scene
  lab.intend(`${protocol}: ${WINDOW} packets under way at most. ${MANY.length} messages; the wire loses data 3, once.`)
  const { transfer, delivered } = await timely(scene, ['data 3 "d"'], { protocol, followed: true }, async (begun) => {
    link.drop({ from: 'A', destinationPort: begun.port }, { after: 3 })
    begun.begin(MANY)
    return begun.finish()
  })
  const packets = transfer.packets()
  const again = sentAgain(packets)
  lab.recorder.write({ side: 'A', sample: { name: `sent again ${protocol}`, value: again.length } })
  lab.stage.observe(`data ${numbers(sentBy('A', packets))}`)
  lab.stage.observe(`ACK  ${numbers(sentBy('B', packets))}`)
  lab.expect(widestWindow(packets) === WINDOW, `the newest packet was never more than ${WINDOW - 1} ahead of the oldest without an ACK`)
  lab.expect(again.length === (protocol === 'go-back-N' ? WINDOW : 1), `sent again: ${again.join(', ')}`)
  lab.expect(delivered.join('') === MANY.join(''), `delivered: ${delivered.join(' ')}, each once and in order`)
}

export async function chance({ lab, link, transfers }: Scene): Promise<void> {
  lab.intend(
    `${SENTENCE.length} words. The wire now loses one packet in ten, turns a bit in one in ten and doubles one in twenty, by chance.`,
  )
  for (const protocol of ['rdt 3.0', 'go-back-N', 'selective repeat'] as const) {
    const transfer = await transfers.open({ protocol, name: `${protocol}, by chance`, timeoutMs: SHORT_TIMEOUT_MS })
    Object.assign(link, { loss: 0.1, corrupt: 0.1, duplicate: 0.05 })
    transfer.begin(SENTENCE)
    const delivered = (await transfer.finish()).join(' ')
    const packets = transfer.packets()
    const count = (fate: string) => packets.filter((packet) => packet.fate === fate).length
    const met = `${count('lost')} packets lost, ${count('corrupted')} corrupt`
    lab.expect(
      delivered === SENTENCE.join(' '),
      `${protocol}: ${met}; ${sentBy('A', packets).length} sent for ${SENTENCE.length} words: "${delivered}"`,
    )
  }
}
