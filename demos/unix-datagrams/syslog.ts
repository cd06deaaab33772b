/**
 * A log daemon's receiver, as behind /dev/log: node syslog.js PATH [COUNT]
 *
 * Any program writes there: `logger --socket PATH hello`, syslog(3) where PATH is /dev/log, Python's SysLogHandler.
 * The kernel tells which process each message came from, which its text need not.
 */
import { openReceiver } from 'ipc-playground'

// RFC 5424, section 6.2.1
const SEVERITIES = ['emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug']

const [path = '/tmp/log.sock', count = 'Infinity'] = process.argv.slice(2)
const log = await openReceiver({ adapter: 'socket/unix-dgram', path }, { create: 'if-missing', mode: 0o666 })
console.log(`process ${process.pid} receives at ${path}`)
for (let left = Number(count); left > 0; left--) {
  const message = await log.receiveMessage()
  if (message === null) break
  const text = new TextDecoder().decode(message.data).replace(/[\0\n]+$/, '')
  const [, priority = '13', rest = text] = /^<(\d{1,3})>(.*)$/s.exec(text) ?? []
  const pid = typeof message.from === 'object' ? message.from.pid : '?'
  console.log(`${SEVERITIES[Number(priority) % 8]} from ${pid}: ${rest}`)
}
await log.close()
