/** The names that users write: mechanisms and adapters. */
import type { Adapter } from '../core/adapter.js'
import type { AdapterId } from '../core/channel.js'
import { adapterById, adapterIds, mechanisms, suggestion } from '../core/registry.js'
import { UsageError } from './outcome.js'

/** The adapters of a mechanism, its leading one first, or the one adapter. */
export async function adaptersNamed(name: string): Promise<readonly AdapterId[]> {
  const ids = await adapterIds()
  const found = ids.filter((id) => id === name || id.startsWith(`${name}/`))
  if (found.length > 0) return found
  const names = [...(await mechanisms()).map((mechanism) => mechanism.name), ...ids]
  throw new UsageError(`there is no mechanism or adapter '${name}'${suggestion(name, names)}`)
}

/** All that `names` name, each once, in the registry's order; everything where there are none. */
export async function selectAdapters(names: readonly string[]): Promise<readonly AdapterId[]> {
  const ids = await adapterIds()
  if (names.length === 0) return ids
  const chosen = new Set((await Promise.all(names.map(adaptersNamed))).flat())
  return ids.filter((id) => chosen.has(id))
}

export const mechanismOf = (id: string): string => id.slice(0, id.indexOf('/'))

/** Loads every adapter. */
export const allAdapters = async (): Promise<readonly Adapter[]> => Promise.all((await adapterIds()).map(adapterById))
