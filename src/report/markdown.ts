/** The report as Markdown, fit to paste into a pull request. */
import { COLUMNS, conformanceText, environmentLines, MARKS_KEY, storyOf, titleOf } from './format.js'
import { type Group, groupBy, type Model, notesOn } from './model.js'

export function renderMarkdown(model: Model): string {
  const { report } = model
  const parts = ['# IPC on this machine', '']
  if (report.partial) parts.push('**Partial**: the run was ended before everything was measured.', '')
  for (const group of model.groups) parts.push(...renderGroup(group))
  if (model.conformance.size > 0) parts.push(...renderConformance(model))
  parts.push(
    '## Measured on',
    '',
    ...environmentLines(report.environment).map(([name, text]) => `- ${name}: ${escapeText(text)}`),
    `- Date: ${report.createdAt}`,
    '',
  )
  return parts.join('\n')
}

function renderGroup(group: Group): string[] {
  const lines = [`## ${titleOf(group)}`, '', storyOf(group), '']
  lines.push(
    ...table(
      COLUMNS.map(({ title }) => title),
      COLUMNS.map(({ numeric }) => numeric),
      group.rows.map((row) => COLUMNS.map((column) => column.text(row))),
    ),
  )
  const notes = notesOn(group).map(
    ({ adapters, text }) => `- ${adapters.map((adapter) => `\`${adapter}\``).join(', ')}: ${escapeText(text)}`,
  )
  if (notes.length > 0) lines.push('', ...notes)
  return [...lines, '']
}

function renderConformance({ conformance }: Model): string[] {
  const lines = ['## Conformance', '', `${MARKS_KEY}.`, '']
  lines.push(
    ...table(
      ['adapter', 'promises'],
      [false, false],
      [...conformance].map(([adapter, summary]) => [adapter, conformanceText(summary)]),
    ),
  )
  const notes = [...conformance].flatMap(([adapter, { unavailable, remarks, absent }]) => [
    ...(unavailable === undefined ? [] : [`\`${adapter}\` unavailable: ${escapeText(unavailable)}`]),
    ...remarks.map(
      ({ promise, title, status, reason }) =>
        `\`${adapter}\` ${status.replace('-', ' ')}: promise ${promise}, ${escapeText(title)}: ${escapeText(reason)}`,
    ),
    ...[...groupBy(absent, ({ reason }) => reason)].map(
      ([reason, about]) =>
        `\`${adapter}\` absent: ${escapeText(reason)}: ${about.length === 1 ? `promise ${about[0]?.promise}, ${escapeText(about[0]?.title ?? '')}` : `${about.length} cases of promise ${[...new Set(about.map(({ promise }) => promise))].join(', ')}`}`,
    ),
  ])
  if (notes.length > 0) lines.push('', ...notes.map((note) => `- ${note}`))
  return [...lines, '']
}

function table(titles: readonly string[], numeric: readonly boolean[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.map(escapeText).join(' | ')} |`
  return [line(titles), `|${numeric.map((right) => (right ? ' ---: ' : ' --- ')).join('|')}|`, ...rows.map(line)]
}

/** One line, with nothing that Markdown or HTML would take for markup. */
const escapeText = (text: string): string =>
  text
    .replace(/\s+/g, ' ')
    .replace(/[\\|*_`[\]]/g, '\\$&')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
