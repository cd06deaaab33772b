/** Every property: a file of this folder each. */
import { readdirSync } from 'node:fs'
import type { Property } from './property.js'

const folder = new URL('./', import.meta.url)
const files = readdirSync(folder).filter((file) => /^p\d\d-.*\.js$/.test(file))

/** In the order of their ids. */
export const properties: readonly Property[] = (
  await Promise.all(files.sort().map(async (file) => ((await import(new URL(file, folder).href)) as { default: Property }).default))
).sort((a, b) => a.id.localeCompare(b.id))
