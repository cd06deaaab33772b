/** The report as Markdown, fit to paste into a pull request. */
import { columnsOf } from './columns.js'
import { escapeMarkdown } from './escape-markdown.js'
import { conformanceText, environmentLines, MARKS_KEY, storyOf, titleOf } from './format.js'
import { markdownTable } from './markdown-table.js'
import { type Group, groupBy, type Model } from './model.js'
import { notesOn } from './notes.js'
import { type TextTable, tablesOf } from './tables.js'

export function renderMarkdown(model: Model): string {
  const { report } = model
  const parts = ['# IPC on this machine', '']
  if (report.partial) parts.push('**Partial**: the run was ended before everything was measured.', '')
  for (const group of model.groups) parts.push(...renderGroup(group))
  for (const table of tablesOf(report)) parts.push(...renderTable(table))
  if (model.conformance.size > 0) parts.push(...renderConformance(model))
  parts.push(
    '## Measured on',
    '',
    ...environmentLines(report.environment).map(([name, text]) => `- ${name}: ${escapeMarkdown(text)}`),
    `- Date: ${report.createdAt}`,
    '',
  )
  return parts.join('\n')
}

function renderGroup(group: Group): string[] {
  const columns = columnsOf(group)
  const lines = [`## ${titleOf(group)}`, '', storyOf(group), '']
  if (group.rows.length > 0)
    lines.push(
      ...markdownTable(
        columns.map(({ title }) => title),
        columns.map(({ numeric }) => numeric),
        group.rows.map((row) => columns.map((column) => column.text(row))),
      ),
    )
  return [...lines, ...renderNotes(notesOn(group)), '']
}

const renderTable = ({ title, story, columns, rows, notes }: TextTable): string[] => [
  `## ${title}`,
  '',
  story,
  ...(rows.length === 0
    ? []
    : [
        '',
        ...markdownTable(
          columns.map((column) => column.title),
          columns.map(({ numeric }) => numeric),
          rows,
        ),
      ]),
  ...renderNotes(notes),
  '',
]

function renderNotes(notes: readonly { readonly adapters: readonly string[]; readonly text: string }[]): string[] {
  const lines = notes.map(({ adapters, text }) => `- ${adapters.map((adapter) => `\`${adapter}\``).join(', ')}: ${escapeMarkdown(text)}`)
  return lines.length > 0 ? ['', ...lines] : []
}

function renderConformance({ conformance }: Model): string[] {
  const lines = ['## Conformance', '', `${MARKS_KEY}.`, '']
  lines.push(
    ...markdownTable(
      ['adapter', 'promises'],
      [false, false],
      [...conformance].map(([adapter, summary]) => [adapter, conformanceText(summary)]),
    ),
  )
  const notes = [...conformance].flatMap(([adapter, { unavailable, remarks, absent }]) => [
    ...(unavailable === undefined ? [] : [`\`${adapter}\` unavailable: ${escapeMarkdown(unavailable)}`]),
    ...remarks.map(
      ({ promise, title, status, reason }) =>
        `\`${adapter}\` ${status.replace('-', ' ')}: promise ${promise}, ${escapeMarkdown(title)}: ${escapeMarkdown(reason)}`,
    ),
    ...[...groupBy(absent, ({ reason }) => reason)].map(
      ([reason, about]) =>
        `\`${adapter}\` absent: ${escapeMarkdown(reason)}: ${about.length === 1 ? `promise ${about[0]?.promise}, ${escapeMarkdown(about[0]?.title ?? '')}` : `${about.length} cases of promise ${[...new Set(about.map(({ promise }) => promise))].join(', ')}`}`,
    ),
  ])
  if (notes.length > 0) lines.push('', ...notes.map((note) => `- ${note}`))
  return [...lines, '']
}
