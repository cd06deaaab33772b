/** The stories of the network lab as Markdown. */
import { escapeMarkdown } from './escape-markdown.js'
import { countsOfStories, LAB_SYMBOLS, type LabReport } from './lab.js'

export function renderLabMarkdown({ stories, createdAt }: LabReport): string {
  return [
    '# The network lab',
    '',
    'What the kernel did, and whether it was as predicted.',
    '',
    `${countsOfStories(stories)
      .map(({ verdict, count }) => `${LAB_SYMBOLS[verdict]} ${count} ${verdict}`)
      .join(', ')}.`,
    '',
    '| | story | took | over | seen |',
    '| --- | --- | ---: | --- | --- |',
    ...stories.map(
      ({ name, title, verdict, reason, ms, trace }) =>
        `| ${LAB_SYMBOLS[verdict]} | \`${name}\` ${escapeMarkdown(title)} | ${(ms / 1000).toFixed(1)} s | ${escapeMarkdown(trace.backend)} | ${escapeMarkdown(reason ?? verdict)} |`,
    ),
    '',
    ...stories.slice(0, 1).map(({ trace }) => `- Kernel: ${escapeMarkdown(trace.kernel)}`),
    `- Date: ${createdAt}`,
    '',
  ].join('\n')
}
