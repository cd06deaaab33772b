import { createWriteStream } from 'node:fs'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { joinParent, openReceiver } from 'ipc-playground'

const [path = '', log = ''] = process.argv.slice(2)
const parent = await joinParent()
const stop = new AbortController()
void parent.receive().then(() => stop.abort()) // at its end

const fifo = await openReceiver({ adapter: 'fifo/native', path }, { create: 'if-missing', endAfterLastWriter: false })
await parent.send(new Uint8Array())
const tell = new Transform({
  transform(chunk, _, done) {
    this.push(chunk)
    parent.send(new Uint8Array()).then(() => done(), done)
  },
})
await pipeline(Readable.from(fifo.messages({ signal: stop.signal })), tell, createWriteStream(log)).catch((error) => {
  if (!stop.signal.aborted) throw error
})
await Promise.all([fifo.close(), parent.close()])
