/** What the programs of the ladder have in common: the service, and how they tell the story. */

export const ADDRESS = '127.0.0.1'
/** Whoever may wait to be accepted; the kernel takes no more than net.core.somaxconn. */
export const BACKLOG = 4096

/** The service: what came, in capitals. */
export const upper = (bytes: Uint8Array): Uint8Array => bytes.map((byte) => (byte >= 0x61 && byte <= 0x7a ? byte - 0x20 : byte))

export const tell = (what: unknown): void => void process.stdout.write(`${JSON.stringify(what)}\n`)

/** The server is ready: the story may go on. It ends when the story does. */
export function listens(): void {
  tell('listens')
  process.stdin.resume().once('end', () => process.exit())
}
