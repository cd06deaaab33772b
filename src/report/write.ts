/** Writes the forms of a report, of a matrix or of the network lab into one folder; the page has all three. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { StoryResult } from '../lab/story.js'
import { type Page, renderHtml } from './html.js'
import { mergeStories } from './lab.js'
import { renderLabMarkdown } from './lab-markdown.js'
import { renderMarkdown } from './markdown.js'
import type { MatrixReport } from './matrix.js'
import { renderMatrixMarkdown } from './matrix-markdown.js'
import { modelOf, type Report } from './model.js'
import { ReportFileError, readLab, readMatrix, readReport } from './read.js'

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

/**
 * Writes `report.json`, `report.md` and `index.html` into `folder`, making it where it is missing and leaving
 * whatever else it holds; a matrix and a lab that lie there stay pages of `index.html`.
 *
 * @throws ReportFolderError
 */
export function writeReport(report: Report, folder = 'reports/latest'): Written {
  const model = modelOf(report)
  return writeForms(resolve(folder), 'report', report, renderMarkdown(model), { model })
}

/** The same for `matrix.json` and `matrix.md`. */
export function writeMatrix(matrix: MatrixReport, folder = 'reports/latest'): Written {
  return writeForms(resolve(folder), 'matrix', matrix, renderMatrixMarkdown(matrix), { matrix })
}

/** The same for `lab.json` and `lab.md`: `played` come in place of the stories of their names, of which `order` is all. */
export function writeLab(played: readonly StoryResult[], order: readonly string[], folder = 'reports/latest'): Written {
  const target = resolve(folder)
  const old = readOr(() => readLab(join(target, 'lab.json')))
  const lab = mergeStories(old, played, order, new Date().toISOString())
  return writeForms(target, 'lab', lab, renderLabMarkdown(lab), { lab })
}

/** What lies in the folder already. */
function pageOf(folder: string): Page {
  const report = readOr(() => readReport(join(folder, 'report.json')))
  return {
    model: report && modelOf(report),
    matrix: readOr(() => readMatrix(join(folder, 'matrix.json'))),
    lab: readOr(() => readLab(join(folder, 'lab.json'))),
  }
}

/** Nothing where there is none, or not one of ours: what was measured now is not lost for it. */
function readOr<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof ReportFileError) return undefined
    throw error
  }
}

function writeForms(target: string, name: string, data: unknown, markdown: string, part: Page): Written {
  const page = renderHtml({ ...pageOf(target), ...part })
  writeTexts(target, { [`${name}.json`]: jsonOf(data), [`${name}.md`]: markdown, 'index.html': page })
  return { json: join(target, `${name}.json`), markdown: join(target, `${name}.md`), html: join(target, 'index.html') }
}

const jsonOf = (data: unknown): string => `${JSON.stringify(data, null, 2)}\n`

/** All are written aside first and then renamed, so that no file is ever seen half written, and a failure leaves the old ones. */
function writeTexts(target: string, texts: Readonly<Record<string, string>>): void {
  let aside: string | undefined
  try {
    mkdirSync(target, { recursive: true })
    aside = mkdtempSync(join(target, '.writing-'))
    for (const [file, text] of Object.entries(texts)) writeFileSync(join(aside, file), text)
    for (const file of Object.keys(texts)) renameSync(join(aside, file), join(target, file))
  } catch (error) {
    throw new ReportFolderError(target, error)
  } finally {
    if (aside !== undefined) rmSync(aside, { recursive: true, force: true })
  }
}
