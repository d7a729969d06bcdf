// What a kind of object is to `verify`: where it stands in the system catalogue, and which of its properties count.

import { migratorRole } from './catalog.ts'

/**
 * All members are SQL, run with an empty search path: Postgres then qualifies every name that is not its own, and the
 * catalogue's own names need no schema. Values are words that an operator reads; a property that is null does not apply.
 */
export interface Kind {
  /** What an operator calls it: an expression, since a relation's kind is known by its row. */
  readonly kind: string
  /** The catalogue that its oid is of: comments, security labels and extensions know it by both. */
  readonly catalog: string
  readonly oid: string
  /** The number of a column. */
  readonly sub?: string
  readonly from: string
  readonly where?: string
  readonly name: string
  /** Kind and name of the object that it is a part of: what happens to that is not reported of its parts again. */
  readonly parent?: string
  /** The catalogue object that it goes with: parts of what belongs to an extension do not count either. */
  readonly within?: { readonly catalog: string; readonly oid: string }
  readonly owner?: string
  /** `type` is acldefault's letter: a list that is null means the same as that default written out. */
  readonly grants?: { readonly list: string; readonly type: string; readonly owner: string }
  /** It is compared although it belongs to Postgres or to an extension; its owner and comment are theirs. */
  readonly isNotTheProjects?: boolean
  readonly properties?: Readonly<Record<string, string>>
  /** Expressions of jsonb objects: properties whose names are data, such as options. */
  readonly more?: readonly string[]
}

/** Kinds as a server of this version (`170004`) knows them. */
export type Kinds = (version: number) => readonly Kind[]

export const literal = (text: string) => `'${text.replaceAll("'", "''")}'`

/** A condition: the namespace `n` is not Postgres' own. */
export const ownSchema = "n.nspname::text !~ '^pg_' and n.nspname <> 'information_schema'"

/** Oids below are those of what initdb makes, and of nothing else. */
export const firstUserOid = 16384

/** A role's name from its oid. */
export const roleName = (oid: string) =>
  `case ${oid} when 0 then 'PUBLIC' else case pg_get_userbyid(${oid}) when current_user then ${literal(migratorRole)} else pg_get_userbyid(${oid})::text end end`

/** A word for each value of an expression; without one the property does not apply. */
export function words(expression: string, map: Readonly<Record<string, string>>): string {
  const cases = Object.entries(map).map(([value, word]) => `when ${literal(value)} then ${literal(word)}`)
  return `case (${expression})::text ${cases.join(' ')} end`
}

/** A word where a condition holds. */
export const flag = (condition: string, word: string) => `case when ${condition} then ${literal(word)} end`

/** `schema.name`, quoted where it must be. */
export const qualified = (schema: string, name: string) => `format('%I.%I', ${schema}, ${name})`

const relationWords = {
  r: 'table',
  p: 'table',
  f: 'foreign table',
  v: 'view',
  m: 'materialized view',
  S: 'sequence',
  c: 'type',
}

export const relationKind = (alias = 'c') => words(`${alias}.relkind`, relationWords)

/** Kind and name of the relation `c` in its schema `n`. */
export const relation = `${relationKind()} || ' ' || ${qualified('n.nspname', 'c.relname')}`

/** Relations `c` of these kinds with their schema `n`. */
export const relations = (kinds: string) =>
  `pg_class c join pg_namespace n on n.oid = c.relnamespace and ${ownSchema} and c.relkind in (${[...kinds].map(literal).join(', ')})`

/** Keys of what the relation `c` inherited a part from, where it did: the parts of its parents that have the same name. */
export const inheritedFrom = (condition: string, kind: string, part: string) =>
  `case when ${condition} then (select jsonb_agg(${literal(`${kind} `)} || format('%I.%I.%I', pn.nspname, pc.relname, ${part}) order by h.inhseqno)
  from pg_inherits h join pg_class pc on pc.oid = h.inhparent join pg_namespace pn on pn.oid = pc.relnamespace where h.inhrelid = c.oid) end`

/** A function's name and arguments, null for none. */
export const functionName = (oid: string) => `nullif(${oid}::oid, 0)::regprocedure::text`

/** A name in a schema by its oid, null for none: what has no reg* type that prints it. */
export const nameOf = (catalog: string, prefix: string, oid: string) =>
  `(select ${qualified('x.nspname', `y.${prefix}name`)} from ${catalog} y join pg_namespace x on x.oid = y.${prefix}namespace where y.oid = ${oid})`

/**
 * The entries of an array of `name=value`, as properties; pg_attver is the server's own count, of some minor releases
 * of 17.
 */
export const options = (array: string, prefix = 'option ') =>
  `(select jsonb_object_agg(${literal(prefix)} || o.option_name, coalesce(o.option_value, '')) from pg_options_to_table(${array}) o where o.option_name <> 'pg_attver')`

/** Extensions with which an object is dropped although they did not bring it. */
export const withExtension = (catalog: string, oid: string) =>
  `(select jsonb_object_agg('dropped with extension ' || quote_ident(e.extname), 'yes') from pg_depend d join pg_extension e on e.oid = d.refobjid
    where d.classid = '${catalog}'::regclass and d.objid = ${oid} and d.deptype = 'x' and d.refclassid = 'pg_extension'::regclass)`

/** A condition: it was made with another object, and is dropped with that one alone. */
export const isInternal = (catalog: string, oid: string) =>
  `exists (select from pg_depend d where d.classid = 'pg_catalog.${catalog}'::pg_catalog.regclass::pg_catalog.oid and d.objid = ${oid} and d.deptype = 'i')`

/** Options whose values may be secret: only whether they are set is compared. */
export const guardedOptions = (array: string, shown: string) =>
  `(select jsonb_object_agg('option ' || o.option_name, case when ${shown} then o.option_value else '(set)' end) from pg_options_to_table(${array}) o)`

/** SQL for servers from a version on, and for those before it. */
export const since = (version: number, from: number, sql: string, before = 'null::text') =>
  version >= from ? sql : before
