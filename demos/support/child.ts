/** The child of every story: answers each message with the same bytes, and counts those too long to tell. */
import { fstatSync } from 'node:fs'
import { isIpcError, joinParent } from 'ipc-playground'
import { Narrator } from './narrator.js'
import { described } from './payload.js'

/** Longer messages are bulk: neither told one by one nor answered. */
export const LONGEST_TOLD = 64

const [since = '', stdout = ''] = process.argv.slice(2)
// Standard output may be the channel itself.
const me = new Narrator('child', Number(since), String(fstatSync(1).ino) === stdout ? process.stdout : process.stderr)

const channel = await joinParent()
const { capabilities } = channel
let bulk = { messages: 0, bytes: 0 }
try {
  for await (const message of channel) {
    if (message.length > LONGEST_TOLD) {
      bulk = { messages: bulk.messages + 1, bytes: bulk.bytes + message.length }
      continue
    }
    if (bulk.messages > 0) me.says(`has received ${bulk.messages} messages of ${bulk.bytes} bytes together`)
    bulk = { messages: 0, bytes: 0 }
    me.says(`receives ${described(capabilities, message)}, sends it back`)
    await channel.send(message)
  }
  me.says('receives the end')
} catch (error) {
  if (!isIpcError(error) || error.code !== 'ERR_IPC_PEER_GONE') throw error
  me.says('is told that the parent has closed')
}
await channel.close()
