/** Three ways to send a large message and a small one in the same direction. */
import type { ChildProcess } from 'node:child_process'
import { type Channel, hybrid } from 'ipc-playground'

/** One side of it. */
export interface Way {
  send(data: Uint8Array, urgent: boolean): Promise<unknown>
  receive(): Promise<Uint8Array>
  close(): Promise<void>
}

export type Name = 'process.send' | 'socket/unix' | 'hybrid'

/** Longer than what is sent. */
export const maxMessageBytes = 128 * 1024 * 1024

/** Node's own, between a parent and a child that was forked with `serialization: 'advanced'`. */
export function overProcess(other: ChildProcess | NodeJS.Process): Way {
  const come: Uint8Array[] = []
  let wake = () => {}
  other.on('message', (message) => {
    come.push(message as Uint8Array)
    wake()
  })
  return {
    send: async (data) => other.send?.(data),
    async receive() {
      for (let message = come.shift(); ; message = come.shift()) {
        if (message !== undefined) return message
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
    close: async () => other.disconnect?.(),
  }
}

export async function overChannel(name: Name, channel: Channel): Promise<Way> {
  const over = name === 'hybrid' ? await hybrid(channel, { maxMessageBytes }) : channel
  return {
    send: (data, urgent) => over.send(data, name === 'hybrid' ? { urgent } : {}),
    async receive() {
      const message = await over.receive()
      if (message === null) throw new Error('the other side has ended')
      return message
    },
    close: () => over.close(),
  }
}
