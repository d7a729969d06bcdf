// What the ledger remembers of an app's role: whether it is given rights, and in which schemas that has begun.

import type pg from 'pg'
import { quoteIdent, quoteLiteral } from '../../gate/postgres/quote.ts'
import { notExtension } from './rights.ts'

/**
 * The table, in the ledger's schema. `schemas` maps the name of each schema that was looked after to its oid: a schema is
 * given to the role once, so that what is taken away later stays taken away. By name it is known after a restore, by oid
 * after a rename. `opened`: see new-objects.ts; true only inside of a migration's transaction.
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

/** The table with its schema, quoted. */
export function memoryTable(schema: string): string {
  return `${quoteIdent(schema)}.schemagate_app_roles`
}

/** A condition: the schema `n` (pg_namespace) is one of those in the memory `m`, whatever its name is now. */
export const known = `exists (select from pg_catalog.jsonb_each_text(m.schemas) as e where e.value = n.oid::text)`

/**
 * For FROM: the schemas `n` that have taken the place of one in the memory `m`. Its own oid is gone, and so are the rights that
 * the role had in it, unless a restore has brought them back.
 */
const replacedSchemas = `pg_catalog.jsonb_each_text(m.schemas) as e
  join pg_catalog.pg_namespace n on n.nspname = e.key and n.oid::text <> e.value
    and not exists (select from pg_catalog.pg_namespace o where o.oid::text = e.value)`

/**
 * For FROM: names in the memory `m` that another schema has now. Planned in a moment; {@link replacedSchemas} says
 * which matter.
 */
export const movedSchemas = `pg_catalog.jsonb_each_text(m.schemas) as e
  where pg_catalog.to_regnamespace(pg_catalog.quote_ident(e.key))::pg_catalog.oid::text <> e.value`

/** What the ledger remembers of a role, held against what is there. */
export interface Memory {
  /** It is given rights on what is new; false for one that was there before and could only read. */
  readonly grants: boolean
  /** The names of the schemas that were looked after. */
  readonly schemas: readonly string[]
  /** Those of them whose place another one has taken. */
  readonly replaced: readonly ReplacedSchema[]
  /** Schemas that are named for the app, are there, and were not looked after. */
  readonly added: readonly string[]
  /** There are default privileges for it, which a restore without access lists does not bring back. */
  readonly hasDefaults: boolean
}

export interface ReplacedSchema {
  readonly name: string
  readonly oid: number
  /** The role has rights in it, as after a restore with access lists. */
  readonly given: boolean
}

/**
 * Undefined: this role was never set up for this ledger.
 * @param named the schemas that the app is given; undefined is all.
 */
export async function readMemory(
  client: pg.ClientBase,
  schema: string,
  role: string,
  named: readonly string[] = [],
): Promise<Memory | undefined> {
  const { rows } = await client.query<Memory>(
    `select m.grants, array(select pg_catalog.jsonb_object_keys(m.schemas)) as schemas,
  (select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('name', n.nspname, 'oid', n.oid::bigint, 'given',
      exists (select from pg_catalog.aclexplode(n.nspacl) as x where x.grantee = a.oid)
      or exists (select from pg_catalog.pg_default_acl d, pg_catalog.aclexplode(d.defaclacl) as x
        where d.defaclnamespace = n.oid and x.grantee = a.oid)
      or exists (select from pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) as x
        where c.relnamespace = n.oid and x.grantee = a.oid))), '[]') from ${replacedSchemas}) as replaced,
  array(select n.nspname::text from ${addedSchemas('$2::text[]')}) as added,
  exists (select from pg_catalog.pg_default_acl d, pg_catalog.aclexplode(d.defaclacl) as x where x.grantee = a.oid) as "hasDefaults"
from ${memoryTable(schema)} m join pg_catalog.pg_roles a on a.rolname = m.role where m.role = $1`,
    [role, named],
  )
  return rows[0]
}

/** For FROM: the schemas `n` that are named, and not in the memory `m`. `names` is an expression of type text[]. */
export function addedSchemas(names: string): string {
  return `pg_catalog.pg_namespace n where m.grants and n.nspname = any (${names}) and n.nspname::text !~ '^pg_'
    and not m.schemas ? n.nspname::text and not ${known} and ${notExtension('pg_namespace', 'n.oid')}`
}

/** The statement that notes in which schemas the role was looked after, besides those that are noted already. */
export function rememberSchemas(
  schema: string,
  role: string,
  grants: boolean,
  schemas: readonly { readonly name: string; readonly oid: number }[],
): string {
  const oids = Object.fromEntries(schemas.map(({ name, oid }) => [name, oid]))
  return `insert into ${memoryTable(schema)} as m (role, grants, schemas) values (${quoteLiteral(role)}, ${grants}, ${quoteLiteral(
    JSON.stringify(oids),
  )}) on conflict (role) do update set schemas = m.schemas || excluded.schemas`
}
