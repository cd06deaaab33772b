/** How a program of a story talks with it: a line of JSON each way. */
import { createInterface } from 'node:readline'

/** Tells the story. */
export const tell = (what: unknown): void => {
  process.stdout.write(`${JSON.stringify(what)}\n`)
}

/** Hears the story, and ends with it. */
export function hear<T>(heard: (what: T) => void): void {
  createInterface({ input: process.stdin })
    .on('line', (line) => heard(JSON.parse(line) as T))
    .on('close', () => process.exit())
}
