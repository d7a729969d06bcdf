// The indexes of a table as a test compares them.

import type { ScratchDatabase } from './database.ts'

export interface IndexState {
  readonly name: string
  readonly valid: boolean
}

/** All indexes of a table, by name; with `oids` also which index it is, to tell whether one was built again. */
export async function indexesOf(database: ScratchDatabase, table: string): Promise<IndexState[]> {
  const { rows } = await database.query<IndexState>(
    `select c.relname as name, i.indisvalid as valid from pg_index i join pg_class c on c.oid = i.indexrelid
      where i.indrelid = $1::regclass order by 1`,
    [table],
  )
  return rows
}

/** The object id of an index: another one after it was built again. */
export async function indexOid(database: ScratchDatabase, name: string): Promise<number | undefined> {
  const { rows } = await database.query<{ oid: number }>('select to_regclass($1)::oid as oid', [name])
  return rows[0]?.oid
}
