/** Settings of the kernel for one network alone. sysctl(8), network_namespaces(7) */
import type { Actor } from '../stage/actor.js'
import { type Argument, call, type Outcome } from '../stage/call.js'
import { K } from '../stage/constants.js'
import { Skip } from '../stage/stage.js'

/**
 * Of the network that the process lives in: those of `net.` belong to it. What is so already is left alone, for where
 * nothing may be set. No story tells of it. @throws Skip where it may not be set
 */
export async function setSysctl(actor: Actor, name: `net.${string}`, value: number | string): Promise<void> {
  const path = `/proc/sys/${name.replaceAll('.', '/')}`
  const ask = async (asked: string, ...args: readonly Argument[]): Promise<Outcome> => {
    const outcome = await actor.process.request(call(asked, ...args)).outcome
    if (outcome.error !== undefined) throw new Skip(`${name} cannot be set here: ${outcome.error}`)
    return outcome
  }
  const { result: current } = await ask('open', path, K.O_RDONLY, 0)
  const { text } = await ask('read', current, 32)
  await ask('close', current)
  if (text.trim().replaceAll('\t', ' ') === String(value)) return
  const { result: changed } = await ask('open', path, K.O_WRONLY, 0)
  await ask('write', changed, String(value))
  await ask('close', changed)
}
