import { escapeMarkdown } from './escape-markdown.js'

/** The lines of a table. `numeric`: the columns that stand at the right. */
export function markdownTable(titles: readonly string[], numeric: readonly boolean[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.map(escapeMarkdown).join(' | ')} |`
  return [line(titles), `|${numeric.map((right) => (right ? ' ---: ' : ' --- ')).join('|')}|`, ...rows.map(line)]
}
