// What the ledger remembers of an app's role: whether it is given rights, and in which schemas that has begun.

import type pg from 'pg'
import { quoteIdent } from '../postgres/quote.ts'

/**
 * The table, in the ledger's schema. `schemas` maps the name of each schema that was looked after to its oid: a schema is
 * given to the role once, so that what is taken away later stays taken away. By name it is known after a restore, by oid
 * after a rename. `opened`: see creating.ts; true only inside of a migration's transaction.
 */
export function memoryDdl(schema: string): string {
  return `create table if not exists ${memoryTable(schema)} (
  role text primary key,
  grants boolean not null,
  schemas jsonb not null default '{}',
  opened boolean not null default false,
  set_up_at timestamptz not null default pg_catalog.clock_timestamp()
);`
}

export function memoryTable(schema: string): string {
  return `${quoteIdent(schema)}.schemagate_app_roles`
}

/** A condition: the schema `n` (pg_namespace) is in the memory `m`. */
export const known = `(m.schemas ? n.nspname::text or exists (select from pg_catalog.jsonb_each_text(m.schemas) as e where e.value = n.oid::text))`

/** Was this role set up for this ledger? */
export async function isRemembered(client: pg.ClientBase, schema: string, role: string): Promise<boolean> {
  const { rowCount } = await client.query(`select from ${memoryTable(schema)} where role = $1`, [role])
  return rowCount !== 0
}
