/**
 * Tells a service manager the state of this service, as sd_notify(3) does: node sd-notify.js READY=1 [STATUS=…]
 *
 * systemd names its socket in NOTIFY_SOCKET where a unit has Type=notify; a name that begins with '@' is abstract.
 */
import { openSender } from 'ipc-playground'

/** `READY=1`, `STATUS=…`, `STOPPING=1`, `WATCHDOG=1`. False where no service manager wants to know. */
async function notify(...state: string[]): Promise<boolean> {
  const path = process.env.NOTIFY_SOCKET
  if (path === undefined) return false
  const manager = await openSender({ adapter: 'socket/unix-dgram', path })
  try {
    await manager.send(new TextEncoder().encode(state.join('\n')))
    return true
  } finally {
    await manager.close()
  }
}

const told = await notify(...process.argv.slice(2))
console.log(told ? 'the service manager knows' : 'NOTIFY_SOCKET is not set: nobody wants to know')
