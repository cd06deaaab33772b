/** Where peers put their socket files. */
import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { folderKind, runFolder, type Tracked, track } from '../../core/janitor.js'

/** A new folder of this user alone, swept with all in it should this process be killed. */
export function privateFolder(): Tracked {
  const path = join(runFolder(), `peer-${randomBytes(4).toString('hex')}`)
  mkdirSync(path, { mode: 0o700 })
  return track(folderKind, path)
}
