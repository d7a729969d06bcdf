// What a history is: the table in which another migration tool keeps what it has applied, and how its rows are read.

import type { HistoryToolName } from './tool-names.ts'

/** Kinds of column types; within one kind tools and their releases differ (varchar and text, integer and bigint). */
export type ColumnKind = 'text' | 'number' | 'time' | 'boolean' | 'bytes' | 'json' | 'list'

/** A history that was found in a database. */
export interface HistoryTable {
  readonly tool: HistoryTool
  readonly schema: string
  readonly table: string
  /** Names of all of its columns. */
  readonly columns: ReadonlySet<string>
  /** Names of the tables beside it that are the tool's as well, such as a lock. */
  readonly beside: ReadonlySet<string>
  /** This session may select from it, and from what is read with it ({@link tablesRead}). */
  readonly readable: boolean
  /**
   * Functions of its owner's may run, with this session's rights, when it is read: it is another role's, and has an index of an
   * expression or the like. Undefined: somebody has named it.
   */
  readonly runsCode?: boolean
  /** The role that owns it: who can grant what is missing. */
  readonly owner: string
}

/** Names of the tables that are read: it, and the lock beside it, where the tool keeps one in a table. */
export function tablesRead({
  tool,
  table,
  beside,
}: Pick<HistoryTable, 'tool' | 'table' | 'beside'>): readonly string[] {
  return tool.running ? [table, ...beside] : [table]
}

/** One row, each of its fields as text. */
export type HistoryRow = Readonly<Record<string, string | null>>

/** One applied migration, as the history has it. */
export interface HistoryEntry {
  /** What the tool knows it by, in one form however it is written: numbers without leading zeros, names without endings. */
  readonly key: string
  /** As the history names it to people. */
  readonly name: string
  /** ISO 8601; without a zone where the column has none. */
  readonly appliedAt?: string
  readonly appliedBy?: string
  /** As it is stored; absent where the history has none for it. */
  readonly checksum?: string
  /** It is run again whenever its content changes. */
  readonly repeatable?: true
  /** Whether it was a file that stands in for older ones; absent where the history does not tell. */
  readonly standsIn?: boolean
}

/** A migration that was begun and not finished, or failed: nothing is to be built on it. */
export interface Unfinished {
  /** As {@link HistoryEntry.key}. */
  readonly key: string
  readonly name: string
  /** A sentence: what the history says of it, and the tool's own way out. */
  readonly message: string
}

/** What the rows of a history say. */
export interface Told {
  /** Applied migrations, in the order in which they were applied. */
  readonly entries: readonly HistoryEntry[]
  /** All up to and with this key count as applied, although they have no entries: only the newest is kept, or a baseline. */
  readonly upTo?: string
  readonly unfinished: readonly Unfinished[]
}

/** A history as it was read. */
export interface History extends Told {
  readonly table: HistoryTable
  /** The tool's own lock is held: it is at work, or died at it. */
  readonly running: boolean
}

/** A tool, as far as its history is concerned. One file for each; {@link ./index.ts} lists them. */
export interface HistoryTool {
  /** As it is written after `--from` and `--follow`. */
  readonly name: HistoryToolName
  /** As people write it. */
  readonly title: string
  /** Where nothing else is configured: names of the table, without the schema. */
  readonly tables: readonly string[]
  /** The table is found in this schema alone. */
  readonly schema?: string
  /** Columns by which the table is told from others of its name. */
  readonly columns: Readonly<Record<string, ColumnKind>>
  /** Only this tool's table has these columns, so that it may have any name. */
  readonly distinctive?: true
  /** A table that has these columns and no others is this tool's, whatever its name. */
  readonly onlyThese?: true
  /** A table with others besides is not this tool's, unless it is named: apps have their own of that name. */
  readonly noOthers?: true
  /** Its columns alone do not tell it from an app's own table; its name does. */
  readonly ownName?: true
  /** A table that must be beside it, for it to be this tool's. */
  readonly companion?: string
  /** Tables beside it that belong to the tool. */
  beside?(table: string): readonly string[]
  /** Its migrations are code, which only the tool can run. */
  readonly code?: true
  /** A sentence: why no manifest can be made from its files, so that apps cannot be gated on its history. */
  readonly unread?: string
  /** The rows are the newest ends of a graph; what lies below them only the files tell. */
  readonly heads?: true
  /** Keys begin with an app's name and a dot, and libraries have apps of their own in the same history. */
  readonly byApp?: true
  /** SQL expressions for the fields of a row, `t`, by the names that {@link read} knows them by. */
  readonly fields: Readonly<Record<string, string>>
  /** Fields that are read where the table has a column of that name; older releases lack it. */
  readonly newer?: readonly string[]
  /** SQL: the order of the rows, `t`. A bare name would be that of a field, whose numbers are text. */
  readonly order: string
  /** That is the order in which they were applied, and not that of the files. */
  readonly chronological?: true
  /** SQL, true while the tool's own lock is held in a table. Undefined: there is no such table here. */
  running?(table: HistoryTable): string | undefined
  /** What it means that {@link running} is true, and the tool's own way out. */
  readonly atWork?: string
  read(rows: readonly HistoryRow[]): Told
  /** What {@link read} tells, for `require()`, which runs in the database. */
  readonly sql: HistorySql
}

/** SQL expressions over one row of a history, `t`; names of functions are looked up in pg_catalog alone. */
export interface HistorySql {
  /** As {@link HistoryEntry.key}. */
  readonly key: string
  /**
   * `applied`, `unfinished`, or `up-to`: that key and all below it are applied. Null for a row that is none of them.
   * Absent: every row is applied.
   */
  readonly state?: string
  /** Of several rows with one key the last counts, by {@link HistoryTool.order}. */
  readonly newestOfKey?: true
}

/** A number as a key: by its value. Undefined: it is none. */
export function numberKey(text: string | null | undefined): string | undefined {
  return text && /^\d+$/.test(text) ? BigInt(text).toString() : undefined
}

/** The same in SQL, for text; what is no number stays as it is. */
export function numberSql(text: string): string {
  return `case when ${text} ~ '^[0-9]+$' then coalesce(nullif(ltrim(${text}, '0'), ''), '0') else ${text} end`
}

/** {@link versionKey} in SQL. */
export function versionSql(text: string): string {
  return `regexp_replace(regexp_replace(translate(${text}, '_', '.'), '(^|[.])0+([0-9])', E'\\\\1\\\\2', 'g'), '([.]0)+$', '')`
}

/** A dotted version as a key: by the value of its parts, without zeros at the end (Flyway: 1 equals 1.0). */
export function versionKey(text: string): string {
  const parts = text.split(/[._]/).map(part => numberKey(part) ?? part)
  while (parts.length > 1 && parts.at(-1) === '0') parts.pop()
  return parts.join('.')
}

/** Compares keys: part by part, by value where both are numbers. */
export function compareKeys(a: string, b: string): number {
  const [x, y] = [a.split('.'), b.split('.')]
  for (let i = 0; i < Math.max(x.length, y.length); i++) {
    const [p, q] = [x[i] ?? '0', y[i] ?? '0']
    if (p === q) continue
    const [m, n] = [numberKey(p), numberKey(q)]
    if (m === undefined || n === undefined) return p < q ? -1 : 1
    if (m !== n) return BigInt(m) < BigInt(n) ? -1 : 1
  }
  return 0
}

/** The greatest of keys; undefined: there is none. */
export function newestKey(keys: readonly string[]): string | undefined {
  return keys.toSorted(compareKeys).at(-1)
}

/** Entries where each row is one applied migration. */
export function eachApplied(
  rows: readonly HistoryRow[],
  entry: (row: HistoryRow) => HistoryEntry | undefined,
): readonly HistoryEntry[] {
  return rows.flatMap(row => entry(row) ?? [])
}

/** The parts of an entry that are there. */
export function present(
  row: HistoryRow,
  names: readonly ('appliedAt' | 'appliedBy' | 'checksum')[],
): Partial<Pick<HistoryEntry, 'appliedAt' | 'appliedBy' | 'checksum'>> {
  return Object.fromEntries(names.flatMap(name => (row[name] ? [[name, row[name]]] : [])))
}
