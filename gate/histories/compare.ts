// A history held against the migrations that a build has: what is missing, what is unknown. A pure function of the two.

import type { FollowedMigration } from '../protocol/manifest.ts'
import { compareKeys, type History, type HistoryEntry } from './history.ts'

/** How a history stands to a manifest: {@link Comparison.state} says what each means. */
export type HistoryState = 'current' | 'behind' | 'ahead' | 'diverged' | 'unfinished'

/** What comparing a manifest with a history has given. */
export interface Comparison {
  /**
   * - `current`: all are applied, and whatever else is there, a published manifest has.
   * - `behind`: some are not applied, and nothing is there that is not known.
   * - `ahead`: all are applied, and others besides that no manifest has: newer ones, or another project's, which a history
   *   cannot tell. `diverged`: the same, and some are not applied.
   * - `unfinished`: a migration was begun and not finished.
   */
  readonly state: HistoryState
  readonly applied: readonly FollowedMigration[]
  readonly missing: readonly FollowedMigration[]
  /** Applied, and unknown to this build: published by another one. */
  readonly newer: readonly FollowedMigration[]
  /**
   * Entries that no manifest has. Not those of apps of which this build has nothing, such as a library's; nor those older
   * than all that this build has, or applied before the last that is applied of it, in their app where there are apps: a
   * squash has deleted their files, and the tool keeps their rows, or a package has brought them along.
   */
  readonly unknown: readonly HistoryEntry[]
}

/** @param published what manifests of other builds have. */
export function compare(
  expected: readonly FollowedMigration[],
  history: History,
  published: readonly FollowedMigration[] = [],
): Comparison {
  const own = new Set(keysOf(expected))
  const others = published.filter(({ key }) => !own.has(key))
  const rows = new Set(history.entries.map(({ key }) => key))
  if (history.table.tool.byApp) for (const key of squashesTakenBack([...expected, ...published], rows)) rows.delete(key)
  const has = appliedKeys([...expected, ...others], history, rows)
  const isApplied = ({ key, replaces }: FollowedMigration) =>
    has.has(key) || (replaces !== undefined && replaces.length > 0 && replaces.every(replaced => has.has(replaced)))
  const elsewhere = new Set(keysOf(others))
  const applied = expected.filter(isApplied)
  const missing = expected.filter(migration => !isApplied(migration))
  const newer = others.filter(({ key }) => has.has(key))
  const complete = missing.length === 0
  const { byApp, heads, chronological } = history.table.tool
  const apps = byApp ? new Set([...own].map(appOf)) : undefined
  const oldest = heads || apps ? undefined : expected.map(({ key }) => key).sort(compareKeys)[0]
  const isOlder = (key: string) => oldest !== undefined && compareKeys(key, oldest) < 0
  const groupOf = byApp ? appOf : () => ''
  const newest = new Map<string, number>()
  if (chronological)
    for (const [index, { key, repeatable }] of history.entries.entries())
      if (!repeatable && own.has(key)) newest.set(groupOf(key), index)
  const unknown = history.entries.filter(
    ({ key }, index) =>
      index > (newest.get(groupOf(key)) ?? -1) &&
      !own.has(key) &&
      !elsewhere.has(key) &&
      !isOlder(key) &&
      (!apps || apps.has(appOf(key))),
  )
  const isKnown = unknown.length === 0
  const state =
    history.unfinished.length > 0
      ? 'unfinished'
      : complete
        ? isKnown
          ? 'current'
          : 'ahead'
        : isKnown
          ? 'behind'
          : 'diverged'
  return { state, applied, missing, newer, unknown }
}

function appOf(key: string): string {
  return key.slice(0, key.indexOf('.'))
}

function keysOf(migrations: readonly FollowedMigration[]): string[] {
  return migrations.flatMap(({ key, replaces = [] }) => [key, ...replaces])
}

/**
 * The keys, of those that are known, that the history has: by rows, up to a key, by what lies below its heads, and by
 * what stands in for them.
 */
function appliedKeys(
  known: readonly FollowedMigration[],
  { upTo, table }: History,
  rows: ReadonlySet<string>,
): ReadonlySet<string> {
  const keys = new Set(rows)
  if (upTo !== undefined) for (const { key } of known) if (compareKeys(key, upTo) <= 0) keys.add(key)
  const byKey = new Map(known.map(migration => [migration.key, migration]))
  const queue = [...keys]
  for (let key = queue.pop(); key !== undefined; key = queue.pop()) {
    const { after = [], replaces = [] } = byKey.get(key) ?? {}
    for (const implied of [...(table.tool.heads ? after : []), ...replaces])
      if (!keys.has(implied)) {
        keys.add(implied)
        queue.push(implied)
      }
  }
  return keys
}

/**
 * Rows of Django's that are left: it writes and deletes those of what a squash stands in for, and takes the squash for
 * applied when they are all there. Once some build has its file without `replaces`, its own row counts.
 */
function squashesTakenBack(known: readonly FollowedMigration[], rows: ReadonlySet<string>): readonly string[] {
  const isSquash = ({ replaces = [] }: FollowedMigration) => replaces.length > 0
  const alone = new Set(known.filter(one => !isSquash(one)).map(({ key }) => key))
  return known
    .filter(one => isSquash(one) && !alone.has(one.key) && !one.replaces!.every(key => rows.has(key)))
    .map(({ key }) => key)
}
