// The tools whose histories can be taken over, and their view of a folder of migrations.

import { readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { History, HistoryTable, HistoryTool } from '../../gate/histories/history.ts'
import { type Questionable, readHistory } from '../../gate/histories/index.ts'
import { otherLedger } from '../../gate/histories/schemagate.ts'
import type { Migration } from '../files/migration.ts'
import { atlas } from './atlas.ts'
import { codeTools } from './code-tools.ts'
import { dbmate } from './dbmate.ts'
import { diesel } from './diesel.ts'
import { drizzle } from './drizzle.ts'
import { flyway } from './flyway.ts'
import { golangMigrate } from './golang-migrate.ts'
import { goose } from './goose.ts'
import { graphileMigrate } from './graphile-migrate.ts'
import { morph } from './morph.ts'
import { nodePgMigrate } from './node-pg-migrate.ts'
import { play } from './play.ts'
import { postgrator } from './postgrator.ts'
import { postgresMigrations } from './postgres-migrations.ts'
import { prisma } from './prisma.ts'
import { refinery } from './refinery.ts'
import { sqitch } from './sqitch.ts'
import { sqlMigrate } from './sql-migrate.ts'
import { sqlx } from './sqlx.ts'
import { supabase } from './supabase.ts'
import { tern } from './tern.ts'
import { byName, type FilesTool, type ToolFile } from './tool.ts'
import { yoyo } from './yoyo.ts'

export type { FilesTool, RowContext, ToolFile } from './tool.ts'

const filesTools: readonly FilesTool[] = [
  ...[flyway, prisma, golangMigrate, goose, sqlx, diesel, atlas, drizzle, graphileMigrate, nodePgMigrate, dbmate],
  ...[postgresMigrations, sqlMigrate, tern, postgrator, play, supabase, refinery, morph, yoyo, sqitch],
  ...codeTools,
  // of a ledger in another schema
  {
    tool: otherLedger,
    keyOf: byName,
    checksums: files => new Map(files.map(({ migration }) => [migration.name, [migration.checksum]])),
  },
]

/** What the migrator knows of that tool's files. */
export function filesToolOf(tool: HistoryTool): FilesTool {
  return filesTools.find(files => files.tool.name === tool.name)!
}

/** Reads a history to be held against files: its entries have the keys that the files' names tell. */
export async function readToolHistory(session: Questionable, table: HistoryTable): Promise<History> {
  const history = await readHistory(session, table)
  const { rowKey } = filesToolOf(table.tool)
  if (!rowKey) return history
  const known = new Set<string>()
  const entries = history.entries.map(entry => {
    const key = rowKey(entry.key)
    // a file belongs to one row: a second one of that key has no file
    if (known.has(key)) return entry
    known.add(key)
    return { ...entry, key }
  })
  return { ...history, entries }
}

/** The folder's migrations that can be in the tool's history, as it sees them. */
export function toolFiles(filesTool: FilesTool, files: readonly Migration[]): readonly ToolFile[] {
  const [first] = files
  const folder = first && (first.layout === 'folder' ? dirname(dirname(first.file)) : dirname(first.file))
  const known = new Map<string, string | undefined>()
  const beside = (name: string): string | undefined => {
    if (!known.has(name)) known.set(name, folder && textOf(join(folder, name)))
    return known.get(name)
  }
  return files.flatMap(migration => {
    const key = filesTool.keyOf(migration, beside)
    return key === undefined ? [] : [new FileOfTool(migration, key, beside)]
  })
}

/** Its content is read when it is asked for: keys alone need none. */
class FileOfTool implements ToolFile {
  #bytes: Buffer | undefined
  readonly migration: Migration
  readonly key: string
  readonly beside: (name: string) => string | undefined

  constructor(migration: Migration, key: string, beside: (name: string) => string | undefined) {
    this.migration = migration
    this.key = key
    this.beside = beside
  }

  get bytes(): Buffer {
    this.#bytes ??= readFileSync(this.migration.file)
    return this.#bytes
  }

  get text(): string {
    return this.bytes.toString().replace(/^\uFEFF/, '')
  }

  get base(): string {
    return basename(this.migration.file)
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
