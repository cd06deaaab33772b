import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileKind, isLedger, runFolder, sweep } from '../core/janitor.js'
import { addonError } from '../native/index.js'
import '../sync/semaphore.js' // declares the kind of object that it makes
import { allAdapters } from './names.js'
import { UsageError } from './outcome.js'

/** Removes what killed processes left, and from the run folder what nobody recorded, once nobody lives there. */
export async function clean(options: { json?: boolean }): Promise<number> {
  if (addonError !== undefined) throw new UsageError(`cannot tell what a living process holds: ${addonError}`)
  await allAdapters() // each declares the kinds of objects that it makes
  const removed = [...sweep(), ...sweepRunFolder()]
  if (options.json === true) console.log(JSON.stringify(removed, undefined, 2))
  else if (removed.length === 0) console.log('nothing was left behind')
  else for (const { kind, name } of removed) console.log(`removed ${kind} ${name}`)
  return 0
}

/** A ledger that a sweep did not take is held by a living process, whose files these may be. */
function sweepRunFolder(): { kind: string; name: string }[] {
  const folder = runFolder()
  const entries = readdirSync(folder)
  if (entries.some(isLedger)) return []
  return entries.map((entry) => {
    const name = join(folder, entry)
    fileKind.remove(name)
    return { kind: 'file', name }
  })
}
