// Whether the tables of the migrations are those of the last run. A backup of them alone, restored beside a ledger that goes
// on, leaves other tables of the same names: what the ledger says need not be true of them. Like a schema that was emptied
// (emptied.ts), but told by what the tables are, and not by whether there are any.

import { quoteLiteral } from '../postgres/quote.ts'
import { type FilledSchema, isProjectsTable } from './emptied.ts'
import { ledgerTable, manifestTable } from './ledger.ts'

/** With more tables in a schema the note would be too long; for more schemas the server would plan to compile code (jit). */
const mostTables = 1_000
const mostSchemas = 8

/** A table alone may well be swapped by hand. */
const fewest = 2

/** Of what is noted of a schema, as `s`. */
const oldest = "(s.value->>'oldest'::text)::pg_catalog.oid[]"

/**
 * An SQL expression of type jsonb for the published manifest: which table the ledger is; of each schema its oldest tables,
 * and of each table its OID, by which one that was made again is another one, and its shape, by which it may be as good.
 * @param schemas those in which migrations made tables.
 */
export function tablesNote(ledgerSchema: string, schemas: readonly Pick<FilledSchema, 'schema'>[]): string {
  const names = schemas.map(({ schema }) => quoteLiteral(schema))
  const among = names.length > 0 ? `n.nspname in (${names.join(', ')})` : 'false'
  return `(select pg_catalog.jsonb_build_object('ledger', ${ledgerOid(ledgerSchema)}, 'schemas',
      coalesce(pg_catalog.jsonb_object_agg(f.nspname, pg_catalog.jsonb_build_object('oldest', t.oldest, 'tables', t.shapes)), '{}'))
    from (select n.oid, n.nspname from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where ${isProjectsTable} and ${among} group by n.oid, n.nspname having pg_catalog.count(*) between ${fewest} and ${mostTables}
        order by pg_catalog.count(*) desc, n.nspname limit ${mostSchemas}) f
    cross join lateral (select (pg_catalog.array_agg(c.oid order by c.oid))[1:8]::pg_catalog.text as oldest,
        pg_catalog.jsonb_object_agg(c.relname, pg_catalog.jsonb_build_array(c.oid::pg_catalog.int8, ${shape})) as shapes
      from pg_catalog.pg_class c where c.relnamespace = f.oid and ${isProjectsTable}) t)`
}

/**
 * An SQL condition that costs little: of a schema that is noted one of the oldest tables is gone. Where that is so,
 * {@link replacedExpression} tells what is in its place.
 * @param noted an SQL expression: the note.
 */
export function isAnyGone(noted: string): string {
  return `exists (select from pg_catalog.jsonb_each(${noted}->'schemas'::text) s
    where (select pg_catalog.count(*) from pg_catalog.pg_class c where c.oid = any (${oldest})) <> pg_catalog.cardinality(${oldest}))`
}

/** The same of the note that is published. */
export function isAnyNotedGone(ledgerSchema: string): string {
  return `exists (select from ${manifestTable(ledgerSchema)} m where ${isAnyGone("m.manifest->'tables'::text")})`
}

/** An SQL condition: the note, if there is one, was made beside this ledger, and not beside the one of which it is a copy. */
export function isOfThisLedger(noted: string, ledgerSchema: string): string {
  return `coalesce(${noted}->'ledger'::text = pg_catalog.to_jsonb(${ledgerOid(ledgerSchema)}), true)`
}

/**
 * An SQL expression of type text: the schemas in which most of the oldest tables were made again, and of all that are noted
 * one is missing, or another one in its place has another shape; null if there are none. The oldest tell a restore from what
 * is made again each night. A note counts only beside its own ledger, and as long as that says what it said then.
 */
export function replacedExpression(ledgerSchema: string): string {
  return `(select pg_catalog.string_agg(s.key, ', ') from (select p.manifest->'tables'::text as noted, p.manifest->'migrations'::text as migrations from ${manifestTable(ledgerSchema)} p) m
    cross join lateral (select * from pg_catalog.jsonb_each(m.noted->'schemas'::text) limit ${mostSchemas}) s
    cross join lateral (select pg_catalog.count(*) filter (where i.old) as old, pg_catalog.count(*) filter (where i.old and i.again) as again,
        pg_catalog.bool_or(i.again and i.shape <> i.was or i.gone) as differs
      from (select (t.value->>0)::pg_catalog.oid = any (${oldest}) as old,
          c.oid <> (t.value->>0)::pg_catalog.oid as again, ${shape} as shape, t.value->>1 as was,
          c.oid is null and not exists (select from pg_catalog.pg_class a where a.oid = (t.value->>0)::pg_catalog.oid) as gone
        from pg_catalog.jsonb_each(s.value->'tables'::text) t left join (pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace)
          on c.relname = t.key and n.nspname = s.key and ${isProjectsTable}) i) r
    where m.noted->'ledger'::text = pg_catalog.to_jsonb(${ledgerOid(ledgerSchema)})
      and pg_catalog.jsonb_array_length(m.migrations) = (select pg_catalog.count(*) from ${ledgerTable(ledgerSchema)})
      and r.again >= ${fewest} and r.again * 2 > r.old and r.differs)`
}

/**
 * An SQL expression of type jsonb: by schema the OIDs that the oldest tables have now, which are other ones where they were
 * made again. Null where nothing is noted.
 */
export function presentOids(ledgerSchema: string): string {
  return `(select pg_catalog.jsonb_object_agg(s.key, (select pg_catalog.jsonb_agg(c.oid::pg_catalog.int8)
      from pg_catalog.jsonb_each(s.value->'tables'::text) t join pg_catalog.pg_class c on c.relname = t.key join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where n.nspname = s.key and (t.value->>0)::pg_catalog.oid = any (${oldest})))
    from ${manifestTable(ledgerSchema)} m cross join lateral (select * from pg_catalog.jsonb_each(m.manifest->'tables'::text->'schemas'::text) limit ${mostSchemas}) s
    where ${isOfThisLedger("m.manifest->'tables'::text", ledgerSchema)})`
}

/** Of type bigint. */
function ledgerOid(ledgerSchema: string): string {
  return `pg_catalog.to_regclass(${quoteLiteral(ledgerTable(ledgerSchema))})::pg_catalog.oid::pg_catalog.int8`
}

/** A digest of a table's columns and constraints, in no order: what a dump that is restored has as well. Of pg_class as `c`. */
const shape = `pg_catalog.hashtextextended(pg_catalog.concat(
    (select pg_catalog.string_agg(pg_catalog.concat_ws(' ', a.attname, y.typname, a.atttypmod, a.attnotnull, a.attidentity, a.attgenerated), ',' order by a.attname collate "C")
      from pg_catalog.pg_attribute a join pg_catalog.pg_type y on y.oid = a.atttypid where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped), ';',
    (select pg_catalog.string_agg(k.conname::text, ',' order by k.conname collate "C")
      from pg_catalog.pg_constraint k where k.conrelid = c.oid and k.contype in ('c', 'f', 'p', 'u', 'x'))), 0)::pg_catalog.text`
