/**
 * Which adapters there are. Ours come from the folders of `src/adapters/`, through a generated module; those of
 * other packages are registered.
 */
import { mechanisms as folders } from '../adapters/all.js'
import type { Adapter, Mechanism } from './adapter.js'
import type { AdapterId } from './channel.js'
import { asIpcError, unavailable } from './errors.js'

let loaded: Promise<readonly Mechanism[]> | undefined

/** The mechanisms, by name. Loads their lists, not their adapters. */
export function mechanisms(): Promise<readonly Mechanism[]> {
  loaded ??= Promise.all(Object.values(folders).map(async (load) => (await load()).default))
  return loaded
}

/** Every id, `mechanism/variant`, each mechanism's leading adapter first. */
export async function adapterIds(): Promise<AdapterId[]> {
  return (await mechanisms()).flatMap((mechanism) =>
    Object.keys(mechanism.variants).map((variant) => `${mechanism.name}/${variant}` as AdapterId),
  )
}

const registered = new Map<string, { readonly adapter: Adapter; readonly module: string }>()

/**
 * Makes an adapter of another package known in this thread: from now on its id and its URL scheme lead to it, in
 * `listen`, `connect` and everywhere else where an address or an id is taken. What this library has by itself cannot
 * be replaced. Peers that `spawnPeer` starts load `module`, so a program need not import it on both sides.
 *
 * @param adapter as `defineAdapter` gave it
 * @param module the URL of the module whose default export it is: `import.meta.url` there
 * @returns the adapter
 * @throws TypeError where another module's adapter has its id or its scheme
 */
export function registerAdapter<A extends Pick<Adapter, 'id' | 'scheme'>>(adapter: A, module: string): A {
  for (const { adapter: other, module: origin } of registered.values())
    if (origin !== module && (other.id === adapter.id || other.scheme === adapter.scheme))
      throw new TypeError(
        `${adapter.id} ('${adapter.scheme}:') of ${module} cannot be registered: ${other.id} ('${other.scheme}:') of ${origin} is`,
      )
  registered.set(adapter.id, { adapter: adapter as unknown as Adapter, module })
  return adapter
}

/** The module from which another thread or process gets a registered adapter; undefined of ours. */
export const moduleOf = (id: string): string | undefined => registered.get(id)?.module

/** Registers the adapter of a module that `moduleOf` named elsewhere. */
export async function registerFrom(module: string): Promise<void> {
  const { default: adapter } = (await import(module)) as { default: Adapter }
  registerAdapter(adapter, module)
}

/** Loads no other mechanism's list: a peer shall be there soon. */
export async function adapterById(id: string): Promise<Adapter> {
  const [name = '', variant = ''] = id.split('/')
  const mechanism = Object.hasOwn(folders, name) ? (await folders[name]?.())?.default : undefined
  const found = mechanism !== undefined && Object.hasOwn(mechanism.variants, variant) ? mechanism.variants[variant] : undefined
  if (found !== undefined) return loadAdapter(found)
  const other = registered.get(id)
  if (other !== undefined) return other.adapter
  throw new TypeError(`unknown adapter '${id}'${suggestion(id, [...(await adapterIds()), ...registered.keys()])}`)
}

async function loadAdapter(variant: Mechanism['variants'][string]): Promise<Adapter> {
  try {
    return (await variant.load()).default as unknown as Adapter
  } catch (error) {
    throw asIpcError(error, {})
  }
}

export async function adapterByScheme(scheme: string): Promise<Adapter> {
  const all = await mechanisms()
  for (const mechanism of all)
    for (const variant of Object.values(mechanism.variants)) if (variant.scheme === scheme) return loadAdapter(variant)
  const others = [...registered.values()].map(({ adapter }) => adapter)
  const other = others.find((adapter) => adapter.scheme === scheme)
  if (other !== undefined) return other
  const ours = all.flatMap((mechanism) => Object.values(mechanism.variants))
  const schemes = [...ours, ...others].map((known) => known.scheme)
  throw new TypeError(`unknown scheme '${scheme}:'${suggestion(scheme, schemes)}`)
}

/** Throws ERR_IPC_UNAVAILABLE, with what to do, where the adapter cannot run here. */
export function requireAvailable(adapter: Adapter): void {
  let reason: string | undefined
  try {
    reason = adapter.unavailable()
  } catch (error) {
    throw asIpcError(error, { adapter: adapter.id })
  }
  if (reason !== undefined) throw unavailable(reason, { adapter: adapter.id })
}

/** `; did you mean 'x'? There are: …` */
export function suggestion(word: string, known: readonly string[]): string {
  const near = known.map((candidate) => ({ candidate, distance: editDistance(word, candidate) })).sort((a, b) => a.distance - b.distance)[0]
  const hint = near !== undefined && near.distance <= Math.max(2, word.length / 3) ? `; did you mean '${near.candidate}'?` : '.'
  return `${hint} There are: ${known.join(', ')}`
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min((next[j - 1] ?? 0) + 1, (row[j] ?? 0) + 1, (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)))
    row = next
  }
  return row[b.length] ?? 0
}
