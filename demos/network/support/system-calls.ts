/** The system calls of a program that runs in a host, as strace(1) tells them. */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { programAt } from '../../../src/core/program-at.js'
import { entering, type Host } from '../../../src/lab/host.js'
import type { Lab } from '../../../src/lab/lab.js'

/** What is done with sockets; of the rest, what is done with the same descriptors. */
const WATCHED = '%network,read,write,close'

/** Why the calls of a program cannot be traced in this host; undefined where they can. */
export async function untraceable(host: Host): Promise<string | undefined> {
  try {
    await host.command('strace', ['-qq', '-o', '/dev/null', programAt('true') ?? 'true'])
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** Starts a program of demos/network/programs in the host, and strace before it; the calls on its sockets, when it has ended. */
export async function traced(
  lab: Lab,
  host: Host,
  program: string,
  args: readonly string[],
): Promise<{ readonly calls: Promise<readonly string[]> }> {
  const file = await lab.stage.path()
  const script = fileURLToPath(new URL(`../programs/${program}.js`, import.meta.url))
  const through = [...entering(host.pid), 'strace', '-qq', '-o', file, '-e', `trace=${WATCHED}`, '-e', 'signal=none']
  const node = await lab.stage.story.hush(() => lab.stage.node(program, [script, ...args], { through }))
  return { calls: node.ended.then(async () => onSockets(await readFile(file, 'latin1'))) }
}

/** The lines that concern a socket of the internet, from socket() or accept() to close(). */
export function onSockets(text: string): readonly string[] {
  const open = new Set<string>()
  return text.split('\n').flatMap((line) => {
    const { name, fd, result } = /^(?<name>\w+)\((?<fd>\w+).* = (?<result>-?\w+)/.exec(line)?.groups ?? {}
    if (name === undefined || fd === undefined || result === undefined) return []
    if (name === 'socket' && fd === 'AF_INET') open.add(result)
    else if (!open.has(fd)) return []
    if (name.startsWith('accept') && !result.startsWith('-')) open.add(result)
    if (name === 'close') open.delete(fd)
    return line.replace(/\s+=/, ' =')
  })
}
