// Rows in the order of a key: which columns it has, which rows come next, and the SQL that names them.

import { quoteIdent, quoteLiteral } from '../../../gate/postgres/quote.ts'
import type { MigrationContext } from '../code-context.ts'
import type { Definition } from './definition.ts'

type Query = MigrationContext['query']

/** The values of a key, in the server's own text: neither a number's digits nor a time's microseconds are lost. */
export type Key = readonly string[]

/** So many rows, from one key to another. */
export interface Range {
  readonly from: Key
  readonly to: Key
  readonly rows: number
}

interface Column {
  readonly name: string
  readonly type: string
  readonly isTime: boolean
}

/** The key of one table, checked. */
export class Keyset {
  /** With its schema, quoted. */
  readonly table: string
  readonly #columns: readonly Column[]
  readonly #where: string

  private constructor(table: string, columns: readonly Column[], where: string | undefined) {
    this.table = table
    this.#columns = columns
    this.#where = where === undefined ? '' : ` and (${where}\n)`
  }

  /** Looks the key up. @throws Error if rows could be left out or done twice by it. */
  static async read(query: Query, { table, key, where }: Definition): Promise<Keyset> {
    const { rows } = await query<Found>(lookUp, [table, key])
    const found = rows[0]
    if (!found) throw new Error(`context.batch: there is no table ${table}.`)
    for (const [i, name] of key.entries()) {
      const column = found.columns[i]
      if (!column) throw new Error(`context.batch: ${table} has no column ${name}.`)
      if (column.nullable)
        throw new Error(
          `context.batch: ${table}.${name} may be null, and rows without a key would be left out. Take a key that is not null${primaryKey(found)}.`,
        )
      if (column.hiddenIn !== null)
        throw new Error(
          `context.batch: the operators that compare ${table}.${name} are in schema ${column.hiddenIn}, and without it in the search path another type's would be taken. Take it in, with \`SET search_path\` for the role or search_path in the connection string, or take another key.`,
        )
    }
    if (found.hasChildren)
      throw new Error(
        `context.batch: other tables inherit from ${table}, and no index of its own covers their rows. Go over each of them: the key of one row could be another's.`,
      )
    if (!found.unique)
      throw new Error(
        `context.batch: ${table} has no unique index on (${key.join(', ')}) alone, so that rows with the same key could be left out, and every batch would sort the table. Take a key that has one${primaryKey(found)}, or make it first (CREATE UNIQUE INDEX CONCURRENTLY).`,
      )
    const columns = key.map((name, i) => ({ name: quoteIdent(name), ...found.columns[i]! }))
    return new Keyset(found.name, columns, where)
  }

  /** The next `size` rows behind a key, or from the first one on; undefined if there are none. */
  async next(query: Query, after: Key | undefined, size: number): Promise<Range | undefined> {
    const columns = this.#columns.map(({ name }, i) => `${name} as k${i}`)
    const texts = this.#columns.map(({ isTime }, i) => (isTime ? `pg_catalog.to_jsonb(k${i}) #>> '{}'` : `k${i}::text`))
    const order = (direction: string) => `order by ${this.#columns.map((_, i) => `k${i} ${direction}`).join(', ')}`
    const inOrder = `select ${columns.join(', ')} ${this.#rowsBehind(after)} ${order('asc')}`
    const one = (rows: string) => `(select array[${texts.join(', ')}] from (${rows} limit 1) as row)`
    // the index leads to both, and no row between them is kept
    const whole = await query<{ from: string[] | null; to: string[] | null }>(
      `select ${one(inOrder)} as "from", ${one(`${inOrder} offset ${size - 1}`)} as "to"`,
    )
    const { from, to } = whole.rows[0]!
    if (!from) return undefined
    if (to) return { from, to, rows: size }
    const rest = await query<{ rows: number; from: string[] | null; to: string[] | null }>(
      `with batch as materialized (${inOrder} limit ${size})
       select (select pg_catalog.count(*)::int from batch) as rows,
              ${one(`select * from batch ${order('asc')}`)} as "from", ${one(`select * from batch ${order('desc')}`)} as "to"`,
    )
    const last = rest.rows[0]!
    return last.from && last.to ? { from: last.from, to: last.to, rows: last.rows } : undefined
  }

  /** The planner's idea of how many rows are behind a key. */
  async estimate(query: Query, after: Key | undefined): Promise<number | undefined> {
    const { rows } = await query<{ 'QUERY PLAN': [{ Plan?: { 'Plan Rows'?: number } }] }>(
      `explain (format json) select ${this.#rowsBehind(after)}`,
    )
    return rows[0]?.['QUERY PLAN'][0].Plan?.['Plan Rows']
  }

  /** The UPDATE of a range. The condition is asked again, since a row may have changed after it was chosen. */
  update(set: string, { from, to }: Range): string {
    return `update ${this.table} set ${set}\nwhere ${this.#compare('>=', from)} and ${this.#compare('<=', to)}${this.#where}`
  }

  #rowsBehind(after: Key | undefined): string {
    return `from ${this.table} where ${after ? this.#compare('>', after) : 'true'}${this.#where}`
  }

  /** Rows are compared column by column, as an index orders them. */
  #compare(operator: '>' | '>=' | '<=', key: Key): string {
    const names = this.#columns.map(({ name }) => name)
    const values = this.#columns.map(({ type }, i) => `${quoteLiteral(key[i]!)}::${type}`)
    return names.length === 1
      ? `${names[0]} ${operator} ${values[0]}`
      : `(${names.join(', ')}) ${operator} (${values.join(', ')})`
  }
}

interface Type {
  readonly type: string
  readonly isTime: boolean
  readonly nullable: boolean
  /** The schema of the operators by which its default index orders it, where the search path does not lead to them. */
  readonly hiddenIn: string | null
}

interface Found {
  readonly name: string
  readonly hasChildren: boolean
  readonly unique: boolean
  readonly primary: readonly string[] | null
  /** In the order of the key; null where there is no such column. */
  readonly columns: readonly (Type | null)[]
}

function primaryKey({ primary }: Found): string {
  return primary ? `, such as its primary key (${primary.join(', ')})` : ''
}

/**
 * A constraint NOT NULL that was never validated (PostgreSQL 18) keeps no old row out. An index under another collation or
 * operator class may tell keys apart that compare as equal here; one of mixed directions has another order.
 */
const lookUp = `
select pg_catalog.format('%I.%I', n.nspname, c.relname) as name,
       c.relkind <> 'p' and exists (select from pg_catalog.pg_inherits where inhparent = c.oid) as "hasChildren",
       exists (select from pg_catalog.pg_index i
                where i.indrelid = c.oid and i.indisunique and i.indisvalid and i.indpred is null
                  and i.indnkeyatts = pg_catalog.cardinality($2::text[])
                  and not exists (select from pg_catalog.unnest($2::text[]) with ordinality k(name, nth)
                        left join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attname = k.name and a.attnum = i.indkey[nth - 1]
                        left join pg_catalog.pg_opclass o on o.oid = i.indclass[nth - 1]
                       where a.attnum is null or a.attcollation <> i.indcollation[nth - 1] or not o.opcdefault
                          or (i.indoption[nth - 1]::pg_catalog.int4 & 1) <> (i.indoption[0]::pg_catalog.int4 & 1))) as unique,
       (select pg_catalog.array_agg(a.attname::text order by nth)
          from pg_catalog.pg_constraint p, pg_catalog.unnest(p.conkey) with ordinality k(number, nth), pg_catalog.pg_attribute a
         where p.conrelid = c.oid and p.contype = 'p' and a.attrelid = c.oid and a.attnum = k.number) as primary,
       (select pg_catalog.jsonb_agg(case when a.attnum is not null then pg_catalog.jsonb_build_object(
                 'type', pg_catalog.format('%I.%I', tn.nspname, t.typname),
                 'isTime', t.typcategory = 'D',
                 'hiddenIn', (select pg_catalog.min(os.nspname::text)
                    from pg_catalog.pg_opclass c join pg_catalog.pg_am m on m.oid = c.opcmethod and m.amname = 'btree'
                    join pg_catalog.pg_amop p on p.amopfamily = c.opcfamily and p.amoplefttype = c.opcintype and p.amoprighttype = c.opcintype
                    join pg_catalog.pg_operator o on o.oid = p.amopopr join pg_catalog.pg_namespace os on os.oid = o.oprnamespace
                   where c.opcdefault and c.opcintype = case t.typtype when 'd' then t.typbasetype else t.oid end and not pg_catalog.pg_operator_is_visible(o.oid)),
                 'nullable', not a.attnotnull or exists (select from pg_catalog.pg_constraint v
                   where v.conrelid = c.oid and v.contype = 'n' and not v.convalidated and pg_catalog.cardinality(v.conkey) = 1 and v.conkey[1] = a.attnum)) end order by nth)
          from pg_catalog.unnest($2::text[]) with ordinality k(name, nth)
          left join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attname = k.name and a.attnum > 0 and not a.attisdropped
          left join pg_catalog.pg_type t on t.oid = a.atttypid
          left join pg_catalog.pg_namespace tn on tn.oid = t.typnamespace) as columns
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.oid = pg_catalog.to_regclass($1)::pg_catalog.oid and c.relkind in ('r', 'p', 'm', 'v', 'f')`
