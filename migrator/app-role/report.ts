// What an app's role was given in a run, for the log: its rights before and after, held against each other.

import type pg from 'pg'
import { bounded } from './setup.ts'

/** The role's own rights on tables, sequences and schemas: from "table public.users" to "delete, insert, select". */
export async function readRights(client: pg.ClientBase, role: string): Promise<ReadonlyMap<string, string>> {
  const { rows } = await client.query<{ object: string; rights: string }>(RIGHTS, [role])
  return new Map(rows.map(({ object, rights }) => [object, rights]))
}

/** Each object with the rights that are new on it, such as "table public.users (insert, select)". */
export function newRights(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  return [...after].flatMap(([object, rights]) => {
    const had = new Set(before.get(object)?.split(', '))
    const added = rights.split(', ').filter(right => !had.has(right))
    return added.length > 0 ? [`${object} (${added.join(', ')})`] : []
  })
}

/** The end of a sentence about the role. */
export function describeGiven(given: readonly string[]): string {
  return given.length > 0 ? `; it was given: ${bounded(given)}` : ''
}

const RIGHTS = `
with app as (select oid from pg_catalog.pg_roles where rolname = $1),
given (object, privilege) as (
  select pg_catalog.format('schema %I', n.nspname), x.privilege_type
  from pg_catalog.pg_namespace n, pg_catalog.aclexplode(n.nspacl) as x, app where x.grantee = app.oid
  union all
  select pg_catalog.format('%s %I.%I', case c.relkind when 'S' then 'sequence' else 'table' end, n.nspname, c.relname),
    x.privilege_type
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace,
    pg_catalog.aclexplode(c.relacl) as x, app where x.grantee = app.oid
)
select object, pg_catalog.string_agg(pg_catalog.lower(privilege), ', ' order by privilege) as rights
from given group by object order by object`
