/** Writes the report's three forms into one folder. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { renderHtml } from './html.js'
import { renderMarkdown } from './markdown.js'
import { modelOf, type Report } from './model.js'

/** Where each form was written. */
export interface Written {
  readonly json: string
  readonly markdown: string
  readonly html: string
}

/** The folder cannot be written. */
export class ReportFolderError extends Error {
  constructor(folder: string, cause: unknown) {
    super(
      `cannot write the report to ${folder} (${cause instanceof Error ? cause.message : cause}); choose another folder or change its permissions`,
      { cause },
    )
    this.name = 'ReportFolderError'
  }
}

const NAMES = { json: 'report.json', markdown: 'report.md', html: 'index.html' } as const

/**
 * Writes `report.json`, `report.md` and `index.html` into `folder`, making it where it is missing and leaving
 * whatever else it holds. All are written aside first and then renamed, so that no file is ever seen half
 * written, and a failure leaves the old ones.
 *
 * @throws ReportFolderError
 */
export function writeReport(report: Report, folder = 'reports/latest'): Written {
  const target = resolve(folder)
  const model = modelOf(report)
  const texts = { json: `${JSON.stringify(report, null, 2)}\n`, markdown: renderMarkdown(model), html: renderHtml(model) }
  const forms = Object.keys(NAMES) as (keyof typeof NAMES)[]
  let aside: string | undefined
  try {
    mkdirSync(target, { recursive: true })
    aside = mkdtempSync(join(target, '.writing-'))
    for (const form of forms) writeFileSync(join(aside, NAMES[form]), texts[form])
    for (const form of forms) renameSync(join(aside, NAMES[form]), join(target, NAMES[form]))
  } catch (error) {
    throw new ReportFolderError(target, error)
  } finally {
    if (aside !== undefined) rmSync(aside, { recursive: true, force: true })
  }
  return { json: join(target, NAMES.json), markdown: join(target, NAMES.markdown), html: join(target, NAMES.html) }
}
