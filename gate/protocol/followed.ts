// The history of a tool that is followed, held against an app's manifest: what a gate, `check` and `follow` ask.

import { type Comparison, compare } from '../histories/compare.ts'
import { findHistory, isFound, type NotFound, titleOf } from '../histories/find.ts'
import type { History, HistoryTable } from '../histories/history.ts'
import {
  ask,
  askAgain,
  type HistoryAnswer,
  historyOf,
  historySql,
  type Questionable,
  quotedTable,
} from '../histories/index.ts'
import { quoteIdent, quoteLiteral } from '../postgres/quote.ts'
import { codeOf, missingTableCodes, sqlstate } from '../postgres/sqlstate.ts'
import { list, type Verdict } from './compatibility.ts'
import { commentOn, emptiedExpression, isProjectsTable, tablesIn, tablesStand } from './emptied.ts'
import type { FollowedManifest, FollowedMigration } from './manifest.ts'
import { isSubscribed, subscribedVerdict } from './subscribed.ts'

/** The table of the manifests that `follow` has published, with its schema, quoted. */
export function followedTable(schema: string): string {
  return `${quoteIdent(schema)}.schemagate_followed`
}

/** An SQL expression: that table's oid. It needs no right on the schema; null where `follow` never ran. */
export function followedOid(schema: string): string {
  return `(select c.oid from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = ${quoteLiteral(schema)} and c.relname = 'schemagate_followed')`
}

/** Tables that the tool's migrations may have made: as {@link isProjectsTable}, without the history's own. */
export function isMigrationsTable({ tool, schema, table }: HistoryTable): string {
  const own = [table, ...(tool.beside?.(table) ?? [])].map(quoteLiteral).join(', ')
  return `${isProjectsTable} and not (n.nspname = ${quoteLiteral(schema)} and c.relname in (${own}))`
}

/** This role may not read the history: its SQLSTATE, and the grant that is missing. */
export class HistoryUnreadableError extends Error {
  override readonly name = 'HistoryUnreadableError'
  readonly code = sqlstate.insufficientPrivilege
  readonly table: HistoryTable
  constructor(table: HistoryTable) {
    super(`This role may not read ${table.schema}.${table.table}, the history of ${table.tool.title} (42501).`)
    this.table = table
  }
}

/** What one reading of a history has given. */
export interface FollowedAnswer {
  readonly verdict: Verdict
  /** Undefined where there is no history to compare with. */
  readonly comparison?: Comparison
  readonly table?: HistoryTable
  /** Why there is none. */
  readonly notFound?: NotFound
  /** The schemas that had tables when `follow` last saw all applied, and have none any more. */
  readonly emptied?: string
  /** The newest that the history has; undefined while that is unknown. */
  readonly head: string | null | undefined
  /** Equal versions mean an unchanged history; undefined where there is none to read. */
  readonly version?: string
  /** The answer to `also`, which was asked in the same query. */
  readonly also: string | undefined
}

/** One manifest, asked for again and again: the table is looked for once, and what was published is remembered. */
export class Followed {
  readonly manifest: FollowedManifest
  readonly #schema: string
  #table: HistoryTable | undefined
  readonly #published = new Map<string, FollowedMigration>()
  /** What `follow` has noted of where tables are. */
  #note: string | null = null

  constructor(manifest: FollowedManifest, schema: string) {
    this.manifest = manifest
    this.#schema = schema
  }

  /**
   * Reads the history, in one query: one moment's rows.
   * @param also an SQL expression of type text, answered with it.
   * @throws HistoryUnreadableError, and any error that does not mean a missing or locked table.
   */
  async read(session: Questionable, also = 'null::text'): Promise<FollowedAnswer> {
    const { follow } = this.manifest
    const known = this.#table
    const found = known ?? (await findHistory(session, this.#schema, follow))
    if (!isFound(found)) {
      const [row] = await ask<{ also: string | null }>(session, `select ${also} as also`)
      const state = found.why === 'missing' ? 'unmigrated' : 'diverged'
      const detail = found.why === 'missing' ? `${found.message} ${runIt(titleOf(follow.tool))}` : found.message
      return { verdict: { state, detail }, notFound: found, head: null, also: row?.also ?? undefined }
    }
    if (!found.readable) throw new HistoryUnreadableError(found)
    // several questions may be asked at once: "nothing has changed" refers to what was known when this one was sent
    const seen = this.#note
    let answer: Answer | undefined
    try {
      ;[answer] = await askAgain<Answer>(session, answerSql(found, this.#schema, seen, also))
    } catch (error) {
      const code = codeOf(error)
      if (code === sqlstate.lockNotAvailable) return { verdict: locked(found), head: undefined, also: undefined }
      this.#table = undefined
      if (code === sqlstate.insufficientPrivilege) throw new HistoryUnreadableError(found)
      // it was dropped, moved or changed since it was found
      if (known && code !== undefined && missingTableCodes.has(code)) return this.read(session, also)
      throw error
    }
    this.#table = found
    const { note, standing, subscribed } = answer!
    if (subscribed)
      return { verdict: subscribedVerdict(quotedTable(found)), head: undefined, also: answer!.also ?? undefined }
    const emptied = standing && note === seen ? null : await this.#emptied(session, found, note)
    return this.#judge(session, historyOf(found, answer!), answer!, emptied)
  }

  /** The schemas that have nothing of what migrations made in them. */
  async #emptied(session: Questionable, table: HistoryTable, note: string | null): Promise<string | null> {
    this.#note = note
    const filled = tablesIn(note)
    if (filled.length === 0) return null
    const noted = `${quoteLiteral(JSON.stringify(Object.fromEntries(filled.map(one => [one.schema, one.table]))))}::pg_catalog.jsonb`
    const sql = `select ${emptiedExpression(noted, isMigrationsTable(table))} as emptied`
    const [answer] = await ask<{ emptied: string | null }>(session, sql)
    return answer!.emptied
  }

  async #judge(
    session: Questionable,
    history: History,
    answer: Answer,
    emptied: string | null,
  ): Promise<FollowedAnswer> {
    const { rows, running, hidden, also } = answer
    const { migrations } = this.manifest
    let comparison = compare(migrations, history, [...this.#published.values()])
    // another build may know it, or a squash that stands for itself there
    const { unknown, missing } = comparison
    const mayBeKnown = unknown.length > 0 || missing.some(({ replaces }) => replaces !== undefined)
    if (mayBeKnown && (await this.#learn(session)))
      comparison = compare(migrations, history, [...this.#published.values()])
    const verdict = judgeFollowed(history, comparison)
    const isEmptied = emptied !== null && (verdict.state === 'open' || verdict.state === 'behind')
    return {
      verdict: isEmptied
        ? { state: 'unmigrated', detail: emptiedDetail(history.table, emptied, this.#schema) }
        : hidden && verdict.state !== 'open'
          ? mayBeHidden(verdict, history.table)
          : verdict,
      ...(isEmptied && { emptied }),
      comparison,
      table: history.table,
      head: headOf(history, [...migrations, ...this.#published.values()]),
      version: JSON.stringify([rows, running, hidden, emptied]),
      also: also ?? undefined,
    }
  }

  /** Asks for what other builds have published. True if there is something new. */
  async #learn(session: Questionable): Promise<boolean> {
    const before = this.#published.size
    for (const { migrations } of await readPublished(session, this.#schema))
      for (const migration of migrations) {
        const known = this.#published.get(migration.key)
        // a squash that one build has without `replaces` stands for itself
        if (!known || known.replaces) this.#published.set(migration.key, migration)
      }
    return this.#published.size > before
  }
}

interface Answer extends HistoryAnswer {
  readonly hidden: boolean
  readonly subscribed: boolean
  readonly note: string | null
  /** The tables of the note that was known before are all there. */
  readonly standing: boolean
  readonly also: string | null
}

function answerSql(table: HistoryTable, schema: string, note: string | null, also: string): string {
  const oid = `${quoteLiteral(quotedTable(table))}::pg_catalog.regclass`
  return `select h.rows, h.running, pg_catalog.row_security_active(${oid}) as hidden, ${isSubscribed(oid)} as subscribed,
  ${commentOn(followedOid(schema))} as note, ${tablesStand(tablesIn(note))} as standing, ${also} as also from (${historySql(table)}) as h`
}

/** The manifests that `follow` has published; none where it never ran, or this role may not read them. */
async function readPublished(session: Questionable, schema: string): Promise<readonly FollowedManifest[]> {
  const table = quoteLiteral(followedTable(schema))
  const [there] = await ask<{ readable: boolean | null }>(
    session,
    `select case when pg_catalog.has_schema_privilege(n.oid, 'usage') then pg_catalog.has_table_privilege(pg_catalog.to_regclass(${table}), 'select') end as readable
       from pg_catalog.pg_namespace n where n.nspname = ${quoteLiteral(schema)}`,
  )
  if (!there?.readable) return []
  const rows = await ask<{ manifest: FollowedManifest }>(
    session,
    `select manifest from ${followedTable(schema)} order by published_at`,
  )
  return rows.map(({ manifest }) => manifest)
}

/** The verdict on a history, in a gate's words. */
function judgeFollowed(history: History, { state, missing, newer, unknown }: Comparison): Verdict {
  const { tool, schema, table } = history.table
  const { title } = tool
  const names = missing.map(({ name }) => name)
  const unknownNames = unknown.map(({ name }) => name)
  if (state === 'unfinished') {
    const migrations = history.unfinished.map(({ name }) => name)
    return { state: 'migrating', detail: history.unfinished.map(({ message }) => message).join(' '), migrations }
  }
  if (history.running && missing.length > 0) {
    const detail = `The database lacks ${list(names)}, and ${title} is at work, or died at it: ${tool.atWork ?? 'its lock is held'}.`
    return { state: 'migrating', detail, migrations: names }
  }
  if (state === 'behind') {
    if (history.entries.length === 0 && newer.length === 0)
      return {
        state: 'unmigrated',
        detail: `${schema}.${table} says that ${title} has applied nothing. ${runIt(title)}`,
        missing: names,
      }
    return { state: 'behind', detail: `The database lacks ${list(names)}. ${runIt(title)}`, missing: names }
  }
  if (state === 'diverged') {
    const detail = tool.heads
      ? `The database is at ${list(unknownNames)}, which neither this app nor any published manifest has: that of a newer release or of another history, which ${title}'s table cannot tell. ${publishIt}`
      : `The database lacks ${list(names)}, and has ${list(unknownNames)}, which no published manifest has: another history than this app's, or one that has gone another way.`
    return { state: 'diverged', detail, migrations: [...names, ...unknownNames] }
  }
  if (state === 'ahead')
    return {
      state: 'open',
      detail: `The database has all that this app was built with, and ${list(unknownNames)} besides, which no published manifest has: newer migrations or another project's, which ${title}'s table cannot tell. ${publishIt}`,
    }
  return {
    state: 'open',
    detail:
      newer.length === 0
        ? 'The database has the schema that this app was built for.'
        : `The database has the schema that this app was built for, and ${list(newer.map(({ name }) => name))} of newer releases.`,
  }
}

const publishIt = 'A newer release publishes what it has with schemagate follow.'

function runIt(title: string): string {
  return `Run the migrations of ${title} that were built with this app.`
}

function emptiedDetail({ tool, schema, table }: HistoryTable, emptied: string, ledgerSchema: string): string {
  return `${schema}.${table} says that migrations are applied, and ${emptied}, where their tables were, has none any more: it was dropped or emptied beside its history. Restore a backup; or, to apply all migrations again, empty ${schema}.${table}, too, and run those of ${tool.title}. If a migration has moved the tables: comment on table ${followedTable(ledgerSchema)} is null, and schemagate follow.`
}

function locked({ tool, schema, table }: HistoryTable): Verdict {
  return { state: 'migrating', detail: `${schema}.${table} is locked: ${tool.title} or a restore is changing it.` }
}

/** Rows that are missing may only be hidden: to this role, an empty history looks the same. */
function mayBeHidden(verdict: Verdict, table: HistoryTable): Verdict {
  return {
    ...verdict,
    detail: `Row level security on ${quotedTable(table)} hides rows from this role. What it sees: ${verdict.detail}`,
  }
}

/** The newest of what the history has: of heads the last in the manifests' order. */
function headOf({ entries, upTo, table }: History, known: readonly FollowedMigration[]): string | null {
  const nameOf = (key: string) => known.find(migration => migration.key === key)?.name
  if (table.tool.heads) {
    const heads = new Set(entries.map(({ key }) => key))
    return known.findLast(({ key }) => heads.has(key))?.name ?? entries.at(-1)?.name ?? null
  }
  const newest = entries.findLast(entry => !entry.repeatable)
  if (newest) return nameOf(newest.key) ?? newest.name
  return upTo === undefined ? null : (nameOf(upTo) ?? upTo)
}
