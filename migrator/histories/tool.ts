// What only the migrator does with another tool's history: its files' keys and checksums, its lock, its rows.

import { createHash, type Hash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { HistoryTable, HistoryTool } from '../../gate/histories/history.ts'
import { quotedTable } from '../../gate/histories/index.ts'
import { quoteIdent, quoteLiteral } from '../../gate/postgres/quote.ts'
import type { Migration } from '../files/migration.ts'

/** A migration's file as the tool reads it. */
export interface ToolFile {
  readonly migration: Migration
  /** As the history knows it. */
  readonly key: string
  readonly bytes: Buffer
  /** Without a byte-order mark. */
  readonly text: string
  /** The file's name without its folder. */
  readonly base: string
  /** Text of a file beside it, undefined if there is none. */
  beside(name: string): string | undefined
}

/** Where a row is written: the table, and the migration among its neighbours. */
export interface RowContext {
  readonly table: HistoryTable
  readonly file: ToolFile
  /** As {@link FilesTool.checksums} has it, the first of them. */
  readonly checksum: string | undefined
  /** Of the migration before it in the folder, undefined for the first. */
  readonly before: ToolFile | undefined
  /** The whole folder, oldest first. */
  readonly files: readonly ToolFile[]
}

/** What a file's name says of it. */
export type NamedMigration = Pick<Migration, 'name' | 'kind' | 'version' | 'layout'>

export interface FilesTool {
  readonly tool: HistoryTool
  /** The key of a migration's file; undefined: it can have none in this tool's history. */
  keyOf(migration: NamedMigration, beside: (name: string) => string | undefined): string | undefined
  /** The part of a row's key that {@link keyOf} tells of a file, where it is not all of it. */
  rowKey?(key: string): string
  /** The key that it has where a newer release of the tool has rewritten the history. */
  laterKeyOf?(migration: NamedMigration, beside: (name: string) => string | undefined): string | undefined
  /**
   * The checksums with which the tool would store each file, by the migration's name; a file may have several that all mean
   * the same content.
   */
  checksums?(files: readonly ToolFile[]): ReadonlyMap<string, readonly string[]>
  /** A checksum covers all files before its own, too. */
  readonly cumulative?: true
  /** What a checksum looks like; anything else was written by hand, and says nothing. */
  readonly checksumForm?: RegExp
  /** A difference of this file proves nothing: the checksum covers more than the file, or what it generates. */
  coversMore?(file: ToolFile): boolean
  /** Numbers of advisory locks, as SQL texts, that the tool holds while it migrates. */
  lockKeys?(table: HistoryTable, database: string): readonly string[]
  /** The statement that writes the row of an applied migration. */
  writeRow?(context: RowContext): string
  /** The statement that takes the row of a reverted one away. */
  removeRow?(context: RowContext): string
}

/** The number that a name starts with. */
export function byNumber({ version }: NamedMigration): string | undefined {
  return version[0]?.toString()
}

/** The key of a tool that knows a migration by the name of its file. */
export function byName({ name }: NamedMigration): string {
  return name
}

/** One checksum for each file. */
export function eachChecksum(
  files: readonly ToolFile[],
  of: (file: ToolFile) => readonly string[],
): ReadonlyMap<string, readonly string[]> {
  return new Map(files.map(file => [file.migration.name, of(file)]))
}

/** In hex. */
export function digest(algorithm: 'md5' | 'sha1' | 'sha256' | 'sha384', content: string | Buffer): string {
  return createHash(algorithm).update(content).digest('hex')
}

/** For a content that comes in pieces. */
export function hasher(algorithm: 'sha256'): Hash {
  return createHash(algorithm)
}

/** CRC-32 of a text. */
export function crcOf(text: string): number {
  return crc32(Buffer.from(text))
}

/** An INSERT of SQL expressions, by column. */
export function insert(table: HistoryTable, values: Readonly<Record<string, string>>): string {
  const columns = Object.keys(values).map(quoteIdent).join(', ')
  return `insert into ${quotedTable(table)} (${columns}) values (${Object.values(values).join(', ')}) on conflict do nothing;`
}

/** A DELETE of the rows in which a column has a value. */
export function remove(table: HistoryTable, column: string, value: string): string {
  return `delete from ${quotedTable(table)} where ${quoteIdent(column)} = ${value};`
}

/** The digits before the first underscore: the version of dbmate, Supabase and Rails, as it is written. */
export function writtenNumber({ migration }: ToolFile): string {
  return quoteLiteral(/^\d+/.exec(migration.name)?.[0] ?? migration.name)
}

/** What follows the first underscore, which many tools store as the migration's name. */
export function words({ migration }: ToolFile): string {
  return migration.name.slice(migration.name.indexOf('_') + 1)
}
