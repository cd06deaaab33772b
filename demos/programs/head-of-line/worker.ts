/** Whenever it is asked: a large message, a byte right behind it, and then when the byte was sent. */
import { setImmediate as turn } from 'node:timers/promises'
import { joinParent } from 'ipc-playground'
import { type Name, overChannel, overProcess } from './ways.js'

const [name = '', bytes = ''] = process.argv.slice(2)
const way = name === 'process.send' ? overProcess(process) : await overChannel(name as Name, await joinParent())
const body = new Uint8Array(Number(bytes)).fill(1)
while ((await way.receive()).length > 0) {
  const sent = way.send(body, false)
  await turn()
  const now = process.hrtime.bigint()
  await way.send(Uint8Array.of(1), true)
  await sent
  await way.send(new Uint8Array(BigUint64Array.of(now).buffer), false)
}
await way.close()
