// What the ledger remembers of an app's role: whether it is given rights, and in which schemas that has begun.

import type pg from 'pg'
import { quoteIdent } from '../../gate/postgres/quote.ts'

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

/** What the ledger remembers of a role. */
export interface Memory {
  /** It is given rights on what is new; false for one that was there before and could only read. */
  readonly grants: boolean
  /** The names of the schemas that were looked after. */
  readonly schemas: readonly string[]
}

/** Undefined: this role was never set up for this ledger. */
export async function readMemory(client: pg.ClientBase, schema: string, role: string): Promise<Memory | undefined> {
  const { rows } = await client.query<Memory>(
    `select grants, array(select pg_catalog.jsonb_object_keys(schemas)) as schemas from ${memoryTable(schema)} where role = $1`,
    [role],
  )
  return rows[0]
}
