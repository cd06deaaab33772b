import { adapterById, mechanisms } from '../core/registry.js'
import { coloursFor } from './colours.js'

export async function list(options: { json?: boolean }): Promise<number> {
  const all = await Promise.all(
    (await mechanisms()).map(async ({ name, summary, variants }) => ({
      mechanism: name,
      summary,
      adapters: await Promise.all(
        Object.keys(variants).map(async (variant) => {
          const adapter = await adapterById(`${name}/${variant}`)
          return {
            adapter: adapter.id,
            scheme: adapter.scheme,
            summary: adapter.summary,
            unavailable: adapter.unavailable(),
            capabilities: adapter.capabilities,
          }
        }),
      ),
    })),
  )
  if (options.json === true) {
    console.log(JSON.stringify(all, undefined, 2))
    return 0
  }
  const { bold, dim, yellow } = coloursFor(process.stdout)
  const width = Math.max(...all.flatMap(({ adapters }) => adapters.map(({ adapter }) => adapter.length)))
  for (const { mechanism, summary, adapters } of all) {
    console.log(`${bold(mechanism)}  ${dim(summary)}`)
    for (const { adapter, summary, unavailable } of adapters) {
      console.log(`  ${adapter.padEnd(width)}  ${summary}`)
      if (unavailable !== undefined) console.log(`  ${' '.repeat(width)}  ${yellow(`cannot run here: ${unavailable}`)}`)
    }
  }
  return 0
}
