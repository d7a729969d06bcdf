// Figures as a table of text, or of Markdown.

import { amount, type Figure, held, isComparison, isOver } from './figures.ts'

const heads = ['', 'ours', 'beside', 'theirs', 'ratio', 'limit']

/** One line a figure, its columns aligned, under the name of each group. */
export function textTable(figures: readonly Figure[]): string {
  const rows = figures.map(figure => [
    ...cells(figure),
    isOver(figure) ? 'OVER' : figure.limit === undefined ? '' : 'ok',
  ])
  const widths = heads.map((head, i) => Math.max(head.length, ...rows.map(row => row[i]!.length)))
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd()
  return groupsOf(figures)
    .flatMap(group => [
      '',
      line([group, ...heads.slice(1)]),
      ...rows.filter((_, i) => figures[i]!.group === group).map(line),
    ])
    .join('\n')
}

/** One table a group, with a blank line between. */
export function markdownTable(figures: readonly Figure[]): string {
  const line = (row: readonly string[]) => `| ${row.join(' | ')} |`
  return groupsOf(figures)
    .map(group => {
      const rows = figures.filter(figure => figure.group === group).map(cells)
      return [
        line([group, ...heads.slice(1)]),
        line(['---', ...heads.slice(1).map(() => '---:')]),
        ...rows.map(line),
      ].join('\n')
    })
    .join('\n\n')
}

/** Each once, in the order of the figures. */
export function groupsOf(figures: readonly Figure[]): string[] {
  return [...new Set(figures.map(({ group }) => group))]
}

function cells(figure: Figure): string[] {
  const { what, ours, unit, limit } = figure
  const isRatio = isComparison(figure)
  return [
    what,
    amount(ours, unit),
    isRatio ? figure.than : '',
    isRatio ? amount(figure.theirs, unit) : '',
    isRatio ? held(figure).toFixed(2) : '',
    limit === undefined ? '' : isRatio ? limit.toFixed(2) : amount(limit, unit),
  ]
}
