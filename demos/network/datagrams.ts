/** UDP: boundaries, sizes, fragments, checksum, overload and errors. RFC 768 */
import { defineStory } from '../../src/lab/story.js'
import { boundaries } from './datagrams/boundaries.js'
import { checksum } from './datagrams/checksum.js'
import { errors } from './datagrams/errors.js'
import { fragments } from './datagrams/fragments.js'
import { overload } from './datagrams/overload.js'
import { sizes } from './datagrams/sizes.js'

export default defineStory({
  name: 'datagrams',
  title: 'Datagrams: what UDP keeps, and what it loses',
  prediction:
    'a datagram comes whole or not at all: lost with one of its fragments, dropped when it is damaged or the buffer is full, and only who is connected hears that nobody listens',
  citation: 'RFC 768; RFC 791, 3.2; RFC 1122, 4.1.3; udp(7), ip(7), socket(7)',
  async play(lab) {
    const network = await lab.wired()
    const scene = { lab, network, sender: await network.A.actor('sender'), receiver: await network.B.actor('receiver') }
    for (const play of [boundaries, sizes, fragments, checksum, overload, errors]) await play(scene)
  },
})
