import type { Call } from 'ipc-playground/matrix'

const REALTIME = 40

/** A standard signal that queues, as a real-time one does. */
export function queuing(made: Call): Call {
  const first = made.args[0] ?? 0
  if (made.name === 'kill') return { name: 'sigqueue', args: [first, REALTIME, 0] }
  return ['handle', 'sigprocmask', 'sigtimedwait'].includes(made.name)
    ? { ...made, args: [...made.args].with(made.name === 'handle' ? 0 : 1, REALTIME) }
    : made
}
