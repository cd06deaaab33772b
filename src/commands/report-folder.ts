/** The folder of the report: whether it can be written, and what lies there already. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import type { Report } from '../report/model.js'
import { ReportFolderError } from '../report/write.js'
import { UsageError } from './outcome.js'

/** Before anything is measured: nothing shall be lost for want of a place. */
export function checkFolder(folder: string): void {
  const target = resolve(folder)
  let existing = target
  while (!existsSync(existing)) existing = dirname(existing)
  try {
    rmSync(mkdtempSync(join(existing, '.checking-')), { recursive: true })
  } catch (error) {
    throw new UsageError(new ReportFolderError(target, error).message)
  }
}

/** What the suite found out about this very commit, which a report of figures alone would lose. */
export function earlierConformance(folder: string, { environment, version }: Report): Report['conformance'] {
  try {
    const earlier = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8')) as Report
    const { commit } = environment
    const same = commit !== undefined && !commit.endsWith('-dirty') && earlier.environment.commit === commit && earlier.version === version
    return same ? earlier.conformance : []
  } catch {
    return [] // there is none, or not one of ours
  }
}

/** Relative to the working folder, where it lies inside. */
export function short(path: string): string {
  const inside = relative('', path)
  return inside.startsWith('..') ? path : inside
}
