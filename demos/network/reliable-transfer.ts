/** From a channel that corrupts to one that loses: rdt 2.0 to 3.0, go-back-N and selective repeat over a real wire. */
import { defineStory } from '../../src/lab/story.js'
import { chance, window } from './reliable/pipelining.js'
import { corruption, lateAnswer, loss, lossWithoutTimer } from './reliable/stop-and-wait.js'
import { Transfers } from './reliable/transfer.js'

const ONE_WAY_MS = 5
/** Far above the round trip: only what was lost is sent again. */
const TIMEOUT_MS = 250

export default defineStory({
  name: 'reliable-transfer',
  title: 'Reliable transfer over an unreliable wire',
  prediction:
    'a corrupt ACK makes rdt 2.0 deliver twice, and a sequence bit cures it (2.1); NAK can be done without (2.2); a loss needs a timer (3.0); after one loss go-back-N sends its whole window again, selective repeat one packet',
  citation: 'Kurose and Ross, Computer Networking, 3.4; RFC 768 (a checksum of zero is none); RFC 1071',
  async play(lab) {
    const network = await lab.wired()
    const { link } = network
    link.delay = ONE_WAY_MS
    lab.intend(
      'Both ends send without UDP’s own checksum (SO_NO_CHECK): what is corrupt comes through, and finding it is the protocol’s business.',
    )
    const scene = { lab, link, transfers: await Transfers.between(lab, network), timeoutMs: TIMEOUT_MS }
    for (const protocol of ['rdt 2.0', 'rdt 2.1', 'rdt 2.2'] as const) await corruption(scene, protocol)
    await lossWithoutTimer(scene)
    await loss(scene)
    await lateAnswer(scene)
    for (const protocol of ['go-back-N', 'selective repeat'] as const) await window(scene, protocol)
    await chance(scene)
  },
})
