// Figures as one SVG: each bar of ours beside the floor's, with a mark at its limit. It has its own background, and colours
// for light and dark.

import { amount, type Figure, held, isComparison, isOver } from './figures.ts'
import { groupsOf } from './table.ts'

const width = 960
const margin = 24
const [row, head] = [40, 44]
/** Where the bars begin, and where the text right of them does. */
const [bars, texts] = [330, 700]
/** Longer bars are cut off. */
const longest = 3

type Limited = Figure & { readonly limit: number }

const style = `
  svg { font: 13px system-ui, sans-serif; }
  .page { fill: #ffffff; } text { fill: #1f2328; } .quiet { fill: #59636e; }
  .ours { fill: #0969da; } .over { fill: #cf222e; } .floor { fill: #afb8c1; } .limit { stroke: #1f2328; } .axis { stroke: #d1d9e0; }
  .group { font-weight: 600; font-size: 15px; }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117; } text { fill: #f0f6fc; } .quiet { fill: #9198a1; }
    .ours { fill: #4493f8; } .over { fill: #f85149; } .floor { fill: #59636e; } .limit { stroke: #f0f6fc; } .axis { stroke: #3d444d; }
  }`

/** The same figures give the same text. Those without a limit are not shown. */
export function plot(all: readonly Figure[]): string {
  const figures = all.filter(hasLimit)
  const scale = (texts - 20 - bars) / Math.min(longest, Math.max(1, ...figures.flatMap(marks)))
  const x = (value: number) => round(bars + Math.min(value, longest) * scale)
  let y = margin
  const parts: string[] = []
  for (const group of groupsOf(figures)) {
    const own = figures.filter(figure => figure.group === group)
    parts.push(`<text class="group" x="${margin}" y="${y + 24}">${escapeXml(group)}</text>`)
    y += head
    const top = y - 6
    for (const figure of own) {
      parts.push(...line(figure, y, x))
      y += row
    }
    parts.push(`<line class="axis" x1="${x(1)}" x2="${x(1)}" y1="${top}" y2="${y - 8}"/>`)
  }
  const height = y + 48
  const key = 'Blue: schemagate. Grey: what it stands beside. The thin line is 1; the mark is the limit.'
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title desc">
<title id="title">What schemagate costs, beside its floors</title>
<desc id="desc">${escapeXml(figures.map(inWords).join('; '))}</desc>
<style>${style}
</style>
<rect class="page" width="${width}" height="${height}" rx="6"/>
${parts.join('\n')}
<text class="quiet" x="${margin}" y="${height - 24}">${key}</text>
</svg>
`
}

/** A comparison's floor is 1 long; a figure by itself is as long as its share of the limit. */
function line(figure: Limited, y: number, x: (value: number) => number): string[] {
  const [value = 0, limit = 0] = marks(figure)
  const bar = (kind: string, length: number, top: number, height: number) =>
    `<rect class="${kind}" x="${bars}" y="${top}" width="${round(x(length) - bars)}" height="${height}"/>`
  const isRatio = isComparison(figure)
  const beside = isRatio ? `beside ${figure.than}` : `limit ${amount(figure.limit, figure.unit)}`
  const ratio = isRatio ? ` / ${amount(figure.theirs, figure.unit)} = ${held(figure).toFixed(2)}` : ''
  return [
    `<text x="${margin}" y="${y + 10}">${escapeXml(figure.what)}</text>`,
    `<text class="quiet" x="${margin}" y="${y + 25}">${escapeXml(beside)}</text>`,
    bar(isOver(figure) ? 'over' : 'ours', value, y, 12),
    ...(isRatio ? [bar('floor', 1, y + 14, 8)] : []),
    `<line class="limit" x1="${x(limit)}" x2="${x(limit)}" y1="${y - 3}" y2="${y + 25}" stroke-width="2"/>`,
    `<text x="${texts}" y="${y + 10}">${escapeXml(`${amount(figure.ours, figure.unit)}${ratio}`)}</text>`,
    ...(isRatio ? [`<text class="quiet" x="${texts}" y="${y + 25}">limit ${figure.limit.toFixed(2)}</text>`] : []),
  ]
}

function hasLimit(figure: Figure): figure is Limited {
  return figure.limit !== undefined
}

function marks(figure: Limited): [value: number, limit: number] {
  return isComparison(figure) ? [held(figure), figure.limit] : [held(figure) / figure.limit, 1]
}

function inWords(figure: Limited): string {
  const value = `${figure.group}, ${figure.what}: ${amount(figure.ours, figure.unit)}`
  if (!isComparison(figure)) return `${value}, limit ${amount(figure.limit, figure.unit)}`
  const { than, theirs, unit, limit } = figure
  return `${value} beside ${amount(theirs, unit)} of ${than}, ratio ${held(figure).toFixed(2)}, limit ${limit.toFixed(2)}`
}

function round(length: number): number {
  return Math.round(length * 10) / 10
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
