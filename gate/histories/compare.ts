// A history held against the migrations that a build has: what is missing, what is unknown. A pure function of the two.

import { compareKeys, type History, type HistoryEntry } from './history.ts'

/** A migration of a build, as its tool knows it. */
export interface ExpectedMigration {
  readonly key: string
  readonly name: string
  /** Of a tool whose history has only heads: the keys on which it is built. */
  readonly after?: readonly string[]
  /** Keys of migrations for which it stands in (Django's squashed ones). */
  readonly replaces?: readonly string[]
}

export type HistoryState = 'current' | 'behind' | 'ahead' | 'diverged' | 'unfinished'

export interface Comparison {
  /**
   * `behind`: some are not applied, and nothing else is there. `ahead`: all are applied, and others besides: newer ones, or
   * another project's, which a history cannot tell. `diverged`: others are there, and some are not applied.
   */
  readonly state: HistoryState
  readonly applied: readonly ExpectedMigration[]
  readonly missing: readonly ExpectedMigration[]
  /** Entries that no expected migration has. */
  readonly unknown: readonly HistoryEntry[]
}

export function compare(expected: readonly ExpectedMigration[], history: History): Comparison {
  const has = appliedKeys(expected, history)
  const isApplied = ({ key, replaces }: ExpectedMigration) =>
    has.has(key) || (replaces !== undefined && replaces.length > 0 && replaces.every(replaced => has.has(replaced)))
  const known = new Set(expected.flatMap(({ key, replaces = [] }) => [key, ...replaces]))
  const applied = expected.filter(isApplied)
  const missing = expected.filter(migration => !isApplied(migration))
  const unknown = history.entries.filter(({ key }) => !known.has(key))
  const state =
    history.unfinished.length > 0
      ? 'unfinished'
      : missing.length === 0
        ? unknown.length === 0
          ? 'current'
          : 'ahead'
        : unknown.length === 0
          ? 'behind'
          : 'diverged'
  return { state, applied, missing, unknown }
}

/** The keys, of those expected, that the history has: by entries, by what lies below its heads, or up to a key. */
function appliedKeys(expected: readonly ExpectedMigration[], { entries, upTo, table }: History): ReadonlySet<string> {
  const keys = new Set(entries.map(({ key }) => key))
  if (upTo !== undefined) for (const { key } of expected) if (compareKeys(key, upTo) <= 0) keys.add(key)
  if (!table.tool.heads) return keys
  const byKey = new Map(expected.map(migration => [migration.key, migration]))
  const queue = [...keys]
  for (let key = queue.pop(); key !== undefined; key = queue.pop())
    for (const below of byKey.get(key)?.after ?? [])
      if (!keys.has(below)) {
        keys.add(below)
        queue.push(below)
      }
  return keys
}

/** How many migrations a history has, and the newest as it names it: for sentences. */
export function summary({ entries, table }: History): {
  readonly applied: number
  readonly newest: string | undefined
} {
  const newest = entries.findLast(entry => !entry.repeatable)?.name
  return { applied: table.tool.heads ? 0 : entries.length, newest }
}
