/** One packet at a time: what corrupts and what loses, and what that asks of a protocol. */
import type { Lab } from '../../../src/lab/lab.js'
import { until } from '../../../src/stage/actor-process.js'
import { type Scene, timely } from './scene.js'
import { exchanges } from './tell.js'
import { sentAgain, sentBy, type Transfer, underWay } from './transfer.js'

const FEW = ['a', 'b', 'c'] as const

const ofCorruption = {
  'rdt 2.0': { told: 'ACK for what came whole, NAK for what came corrupt', expected: 'a b b c', naks: 1 },
  'rdt 2.1': { told: 'the same, and packets are numbered 0 and 1 by turns', expected: 'a b c', naks: 1 },
  'rdt 2.2': { told: 'no NAK: an ACK has the number of the last packet that came whole', expected: 'a b c', naks: 0 },
} as const

/** The second packet is corrupt, and then the ACK for it. */
export async function corruption({ lab, link, transfers, timeoutMs }: Scene, protocol: keyof typeof ofCorruption): Promise<void> {
  const { told, expected, naks } = ofCorruption[protocol]
  lab.intend(`${protocol}: ${told}. A bit is turned in data "b", and then in the ACK for it.`)
  const transfer = await transfers.open({ protocol, timeoutMs })
  link.damage({ from: 'A', destinationPort: transfer.port }, { after: 1 })
  link.damage({ from: 'B', destinationPort: transfer.port }, { after: 2 })
  const delivered = await carry(lab, transfer, FEW)
  const once = expected === FEW.join(' ')
  lab.expect(
    delivered === expected,
    `delivered: ${delivered}${once ? ', each once' : ': "b" twice, for its sender could not read the ACK'}`,
  )
  const answers = sentBy('B', transfer.packets())
  lab.expect(answers.filter(({ text }) => text === 'NAK').length === naks, naks === 0 ? 'no NAK, and just as many packets' : 'one NAK')
  lab.expect(answers.length === 5, '5 packets for 3 messages: the two that were damaged cost one more each')
}

export async function lossWithoutTimer({ lab, link, transfers, timeoutMs }: Scene): Promise<void> {
  lab.intend('rdt 2.2 again, and now the wire loses data "b".')
  const transfer = await transfers.open({ protocol: 'rdt 2.2', name: 'rdt 2.2, a loss', timeoutMs })
  link.drop({ from: 'A', destinationPort: transfer.port }, { after: 1 })
  transfer.begin(FEW)
  await until(() => transfer.packets().some(({ fate }) => fate === 'lost'))
  for (const line of exchanges(transfer.packets())) lab.stage.observe(line)
  const timers = await transfer.timers()
  lab.expect(
    timers.every((count) => count === 0),
    'no packet is under way and no timer runs at either end: they wait for each other for ever',
  )
}

export async function loss(scene: Scene): Promise<void> {
  const { lab, link, timeoutMs } = scene
  lab.intend(`rdt 3.0: who hears nothing for ${timeoutMs} ms sends again. The wire loses data "b", and then the ACK for "c".`)
  const { transfer, delivered } = await timely(scene, ['data 1 "b"', 'ACK 0'], { protocol: 'rdt 3.0' }, async (begun) => {
    link.drop({ from: 'A', destinationPort: begun.port }, { after: 1 })
    link.drop({ from: 'B', destinationPort: begun.port }, { after: 2 })
    begun.begin([...FEW, 'd'])
    return begun.finish()
  })
  for (const line of exchanges(transfer.packets())) lab.stage.observe(line)
  lab.expect(delivered.join(' ') === 'a b c d', `delivered: ${delivered.join(' ')}, each once`)
  const again = sentAgain(transfer.packets())
  lab.expect(again.join() === 'data 1 "b",data 0 "c"', `sent again: ${again.join(', ')}`)
  lab.expect(underWay(transfer.packets()) === 1, 'one packet under way at a time: each message takes a round trip')
}

export async function lateAnswer({ lab, link, transfers, timeoutMs }: Scene): Promise<void> {
  lab.intend('rdt 3.0 again: nothing is lost, but the ACK for "a" is late. The wire keeps it until the timer has ended.')
  const transfer = await transfers.open({ protocol: 'rdt 3.0', name: 'rdt 3.0, a late ACK', timeoutMs })
  await link.hold({ from: 'B', destinationPort: transfer.port })
  const carrying = carry(lab, transfer, ['a', 'b'])
  await until(() => link.held >= 2)
  await link.release()
  const delivered = await carrying
  lab.expect(delivered === 'a b', `delivered: ${delivered}; neither the needless packet nor the second ACK 0 did any harm`)
}

/** Answers what was delivered, and tells how. */
async function carry(lab: Lab, transfer: Transfer, messages: readonly string[]): Promise<string> {
  transfer.begin(messages)
  const delivered = await transfer.finish()
  for (const line of exchanges(transfer.packets())) lab.stage.observe(line)
  return delivered.join(' ')
}
