// Whether anything of what the migrations made is left. A ledger in a schema of its own stays when the schema beside it is
// dropped, or its tables are: what it says is then true of nothing. So is another tool's history, of which the table of the
// published manifests has the note.

import { quoteLiteral } from '../postgres/quote.ts'
import type { Verdict } from './compatibility.ts'
import { ledgerTable } from './ledger.ts'

/**
 * Tables that a project may have: no partitions, and none that an extension brings. Of pg_class as `c`, pg_namespace as
 * `n`.
 */
export const isProjectsTable = `c.relkind in ('r', 'p', 'f') and not c.relispartition and not exists (select from pg_catalog.pg_depend d
  where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid and d.objid = c.oid and d.deptype = 'e')`

/** A schema in which migrations made tables, and one of them. */
export interface FilledSchema {
  readonly schema: string
  readonly table: string
  /** Of some of its tables, which are to be there: see replaced.ts. */
  readonly oids?: readonly number[] | undefined
}

/**
 * The note that says where tables are. It is a comment on a table of schemagate's: a comment is read by every role, is
 * written while gates hold the table, and goes with it into a dump.
 * https://www.postgresql.org/docs/current/sql-comment.html
 */
export function noteOf(filled: readonly FilledSchema[]): string {
  const json = JSON.stringify(Object.fromEntries(filled.map(({ schema, table }) => [schema, table])))
  return `schemagate: the migrations that are applied. A table in each of their schemas: ${json}`
}

/** The statement that writes it. */
export function writeNote(table: string, filled: readonly FilledSchema[]): string {
  return `comment on table ${table} is ${quoteLiteral(noteOf(filled))};`
}

/** An SQL expression: the comment on a table. `oid` is an expression, too. */
export function commentOn(oid: string): string {
  return `(select d.description from pg_catalog.pg_description d
    where d.objoid = ${oid} and d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid and d.objsubid = 0)`
}

/** What of the comment is JSON; of another one, or one that was changed by hand, nothing. Node and Postgres read it alike. */
const text = String.raw`"(?:[^"\\]|\\.)*"`
const filledJson = String.raw`^schemagate: [^{]*(\{(?:${text}:${text}(?:,${text}:${text})*)?\})$`

/** The tables in a note; none if it is another comment. */
export function tablesIn(comment: string | null): readonly FilledSchema[] {
  const [, json = '{}'] = new RegExp(filledJson).exec(comment ?? '') ?? []
  return Object.entries(JSON.parse(json)).map(([schema, table]) => ({ schema, table: String(table) }))
}

/** The same in SQL, of the comment on a table: null, or an object of type jsonb. */
export function notedOn(oid: string): string {
  return `substring(${commentOn(oid)} from ${quoteLiteral(filledJson)})::pg_catalog.jsonb`
}

/** What is noted on the ledger. */
export function notedOnLedger(ledgerSchema: string): string {
  return notedOn(`pg_catalog.to_regclass(${quoteLiteral(ledgerTable(ledgerSchema))})::pg_catalog.oid`)
}

/**
 * An SQL condition that costs next to nothing: these tables are all there. Where one is gone, {@link emptiedExpression}
 * tells.
 */
export function tablesStand(tables: readonly FilledSchema[]): string {
  const stand = tables.flatMap(({ schema, table, oids = [] }) => [
    `exists (select from pg_catalog.pg_class where relname = ${quoteLiteral(table)}
    and relnamespace = (select oid from pg_catalog.pg_namespace where nspname = ${quoteLiteral(schema)}))`,
    ...(oids.length > 0
      ? [`(select pg_catalog.count(*) from pg_catalog.pg_class where oid in (${oids.join(', ')})) = ${oids.length}`]
      : []),
  ])
  return stand.length > 0 ? stand.join(' and ') : 'true'
}

/**
 * An SQL expression of type text: the names of the schemas that have no table any more, or null. The table in the note
 * answers for its schema, and where that is gone any other one.
 * @param noted an SQL expression: the note's object.
 * @param counts the tables that count, as {@link isProjectsTable}.
 */
export function emptiedExpression(noted: string, counts = isProjectsTable): string {
  return `(select pg_catalog.string_agg(s.key, ', ') from pg_catalog.jsonb_each_text(${noted}) s
    where not exists (select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where n.nspname = s.key and ${counts}))`
}

/**
 * Statements of a PL/pgSQL function that has a variable `emptied`: runs `statements` where it is not null. The expression is
 * for tables that are gone: a session that asks but once takes longer to plan it than for all else.
 */
export function whereEmptied(noted: string, statements: string, counts = isProjectsTable): string {
  return `if exists (select from jsonb_each_text(${noted}) t where not exists (
    select from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relname = t.value and n.nspname = t.key)) then
    emptied := ${emptiedExpression(noted, counts)};
    if emptied is not null then
      ${statements}
    end if;
  end if;`
}

/** What is wrong, and the ways out. */
export function emptiedDetail(emptied: string, ledgerSchema: string): string {
  return `Migrations are applied that made tables in ${emptied}, and there is none of them any more: the schema was dropped, emptied or restored beside its ledger. Restore a backup that has both; or, to apply all migrations again, empty it, drop the schema ${ledgerSchema}, too, and run schemagate up.`
}

/** The verdict on a database where schemas were emptied: it has nothing of what its ledger says. */
export function unlessEmptied(verdict: Verdict, emptied: string | null, ledgerSchema: string): Verdict {
  if (emptied === null || (verdict.state !== 'open' && verdict.state !== 'behind')) return verdict
  return { state: 'unmigrated', detail: emptiedDetail(emptied, ledgerSchema) }
}
