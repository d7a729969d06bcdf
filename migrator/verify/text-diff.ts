// A short diff of two texts: what changed, with a little of what is around it.

import { structuredPatch } from 'diff'

/** Lines of context around each change. */
const context = 2
const mostLines = 40

/** Lines that begin with `-` where only `expected` has them, with `+` where only `found` has them. */
export function textDiff(expected: string, found: string): string[] {
  const { hunks } = structuredPatch('', '', lines(expected), lines(found), '', '', { context })
  const all = hunks.flatMap(({ oldStart, lines }) => [`@@ line ${oldStart} @@`, ...lines])
  return all.length > mostLines ? [...all.slice(0, mostLines), `... and ${all.length - mostLines} lines more`] : all
}

/** A last line without its end is no change. */
function lines(text: string): string {
  return `${text.trimEnd()}\n`
}
