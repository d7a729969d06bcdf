// A history in a few words, for sentences.

import type { History } from './history.ts'

/** How many migrations a history has, and the newest as it names it: for sentences. */
export function summary({ entries, table }: History): {
  readonly applied: number
  readonly newest: string | undefined
} {
  const newest = entries.findLast(entry => !entry.repeatable)?.name
  return { applied: table.tool.heads ? 0 : entries.length, newest }
}
