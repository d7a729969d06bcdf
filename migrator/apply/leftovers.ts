// What an interrupted statement that commits by itself has left behind: looked for, and cleared away, so that it can be repeated.

import type { Node, RangeVar } from 'libpg-query'
import { quoteIdent } from '../../gate/postgres/quote.ts'
import type { Journal } from '../ledger/read.ts'
import type { Session } from '../postgres/session.ts'
import { isDetachConcurrently } from '../sql/transaction-statements.ts'

type Started = NonNullable<Journal['started']>

/** `done`: the statement's work is there already, and it must not be run again. */
export interface Leftovers {
  readonly done: boolean
  readonly message?: string
}

const toRun: Leftovers = { done: false }

/**
 * Looks before a statement is run, and clears away what an interrupted one has left. `started` is the journal's word that
 * this very statement was begun before; without it, what exists was made by others, and only an INVALID index of the
 * same name, which serves no query, is replaced.
 */
export async function clearBefore(session: Session, node: Node, started: Started | undefined): Promise<Leftovers> {
  if ('IndexStmt' in node && node.IndexStmt.concurrent) {
    const indexes = await newIndexes(session, node, started)
    const invalid = indexes.filter(index => !index.valid)
    for (const index of invalid) await session.query(`drop index concurrently if exists ${index.name}`)
    const valid = started && indexes.find(index => index.valid)
    if (valid) return { done: true, message: `index ${valid.name} was finished before; not built again` }
    const names = invalid.map(index => index.name).join(', ')
    return invalid.length > 0
      ? { done: false, message: `dropped the INVALID index ${names}; building it again` }
      : toRun
  }
  if ('ReindexStmt' in node) {
    const message = started && (await removeCopies(session, node))
    return message ? { done: false, message } : toRun
  }
  if (!started) return toRun
  if ('DropStmt' in node) {
    const name = (node.DropStmt.objects ?? []).map(listNames)[0]
    return name && !(await regclass(session, name)) ? { done: true, message: `${name} was dropped before` } : toRun
  }
  if ('AlterTableStmt' in node) return finishDetach(session, node)
  for (const [key, { table, column, exists, field }] of Object.entries(objects)) {
    const statement: unknown = Reflect.get(node, key)
    const name: unknown =
      typeof statement === 'object' && statement !== null ? Reflect.get(statement, field) : undefined
    if (typeof name !== 'string') continue
    const { rows } = await session.query(`select from pg_catalog.${table} where ${column} = $1`, [name])
    if (rows.length > 0 === exists) return { done: true, message: `${name} was ${exists ? 'made' : 'dropped'} before` }
  }
  return toRun
}

/** Cluster-wide objects: done if `exists` holds afterwards. */
const objects = {
  CreatedbStmt: { table: 'pg_database', column: 'datname', exists: true, field: 'dbname' },
  DropdbStmt: { table: 'pg_database', column: 'datname', exists: false, field: 'dbname' },
  CreateTableSpaceStmt: { table: 'pg_tablespace', column: 'spcname', exists: true, field: 'tablespacename' },
  DropTableSpaceStmt: { table: 'pg_tablespace', column: 'spcname', exists: false, field: 'tablespacename' },
  CreateSubscriptionStmt: { table: 'pg_subscription', column: 'subname', exists: true, field: 'subname' },
  DropSubscriptionStmt: { table: 'pg_subscription', column: 'subname', exists: false, field: 'subname' },
} as const

/** DETACH PARTITION CONCURRENTLY works in two transactions; FINALIZE is the second one. */
async function finishDetach(session: Session, node: Extract<Node, { AlterTableStmt: unknown }>): Promise<Leftovers> {
  const detach = await detaching(session, node)
  if (!detach) return toRun
  const { parent, child, pending } = detach
  if (pending === undefined) return { done: true, message: `${child} was detached before` }
  if (!pending) return toRun
  await session.query(`alter table ${parent} detach partition ${child} finalize`)
  return { done: true, message: `finalised the detaching of ${child}` }
}

/** How far a DETACH PARTITION CONCURRENTLY is: `pending` undefined if it is no partition any more. */
async function detaching(session: Session, { AlterTableStmt: statement }: Extract<Node, { AlterTableStmt: unknown }>) {
  const command = statement.cmds?.find(isDetachConcurrently)
  const def = command && 'AlterTableCmd' in command ? command.AlterTableCmd.def : undefined
  const partition = def && 'PartitionCmd' in def ? def.PartitionCmd.name : undefined
  if (!statement.relation || !partition) return undefined
  const [parent, child] = [rangeName(statement.relation), rangeName(partition)]
  const { rows } = await session.query<{ pending: boolean }>(
    `select inhdetachpending as pending from pg_catalog.pg_inherits
      where inhrelid = pg_catalog.to_regclass($1)::pg_catalog.oid and inhparent = pg_catalog.to_regclass($2)::pg_catalog.oid`,
    [child, parent],
  )
  return { parent, child, pending: rows[0]?.pending }
}

interface Index {
  readonly name: string
  readonly valid: boolean
}

/** The indexes that this CREATE INDEX may have made: of its name, or, where it names none, new on its table. */
async function newIndexes(
  session: Session,
  { IndexStmt: statement }: Extract<Node, { IndexStmt: unknown }>,
  started: Started | undefined,
): Promise<Index[]> {
  if (!statement.relation) return []
  if (!statement.idxname && !started) return []
  const { rows } = await session.query<Index>(
    `select pg_catalog.format('%I.%I', n.nspname, c.relname) as name, i.indisvalid and i.indisready as valid
       from pg_catalog.pg_index i
       join pg_catalog.pg_class c on c.oid = i.indexrelid
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where i.indrelid = pg_catalog.to_regclass($1)::pg_catalog.oid
        and case when $2::text is null then not (i.indexrelid::int8 = any($3::int8[])) else c.relname = $2 end`,
    [rangeName(statement.relation), statement.idxname ?? null, started?.indexes ?? []],
  )
  return rows
}

/** The indexes on the table of a CREATE INDEX without a name, by oid: what is new afterwards is its work. */
export async function indexesBefore(session: Session, node: Node): Promise<number[] | undefined> {
  if (!('IndexStmt' in node) || node.IndexStmt.idxname || !node.IndexStmt.relation) return undefined
  const { rows } = await session.query<{ oid: string }>(
    'select indexrelid::int8 as oid from pg_catalog.pg_index where indrelid = pg_catalog.to_regclass($1)::pg_catalog.oid',
    [rangeName(node.IndexStmt.relation)],
  )
  return rows.map(row => Number(row.oid))
}

/** What a failed statement left behind. `stays`: not all of it could be cleared away; the next attempt goes on from it. */
export interface Remains {
  readonly stays: boolean
  readonly message?: string
}

/**
 * Drops what a failed statement left: the INVALID index of a CREATE INDEX CONCURRENTLY, which would go on to cost every
 * write, and REINDEX CONCURRENTLY's INVALID copies. An index half-way dropped or a partition half-way detached stays so.
 */
export async function clearAfter(session: Session, node: Node, started: Started | undefined): Promise<Remains> {
  if ('IndexStmt' in node && node.IndexStmt.concurrent) {
    const invalid = (await newIndexes(session, node, started)).filter(index => !index.valid).map(index => index.name)
    for (const name of invalid) await session.query(`drop index concurrently if exists ${name}`)
    return { stays: false, ...(invalid.length > 0 && { message: `dropped the INVALID index ${invalid.join(', ')}` }) }
  }
  if ('ReindexStmt' in node) {
    const message = await removeCopies(session, node)
    return { stays: false, ...(message && { message }) }
  }
  if ('DropStmt' in node && node.DropStmt.concurrent) {
    const name = (node.DropStmt.objects ?? []).map(listNames)[0]
    const { rows } = await session.query(
      'select from pg_catalog.pg_index where indexrelid = pg_catalog.to_regclass($1)::pg_catalog.oid and not indisvalid',
      [name],
    )
    return rows.length > 0
      ? { stays: true, message: `the index ${name} is INVALID now, and is to be dropped` }
      : { stays: false }
  }
  if ('AlterTableStmt' in node && (await detaching(session, node))?.pending)
    return { stays: true, message: 'a partition is half-way detached' }
  return { stays: false }
}

/**
 * REINDEX CONCURRENTLY's INVALID copies (`_ccnew`, `_ccold`).
 * https://www.postgresql.org/docs/current/sql-reindex.html#SQL-REINDEX-CONCURRENTLY
 */
async function removeCopies(
  session: Session,
  { ReindexStmt: statement }: Extract<Node, { ReindexStmt: unknown }>,
): Promise<string | undefined> {
  const { relation } = statement
  const { rows } = await session.query<{ name: string }>(
    `select pg_catalog.format('%I.%I', n.nspname, c.relname) as name
       from pg_catalog.pg_index i
       join pg_catalog.pg_class c on c.oid = i.indexrelid
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where not i.indisvalid and c.relname::text ~ '_cc(new|old)[0-9]*$' and n.nspname <> 'pg_toast'
        and ($1::text is null or i.indrelid = pg_catalog.to_regclass($1)::pg_catalog.oid or i.indrelid =
             (select indrelid from pg_catalog.pg_index where indexrelid = pg_catalog.to_regclass($1)::pg_catalog.oid))`,
    [relation ? rangeName(relation) : null],
  )
  const names = rows.map(row => row.name)
  for (const name of names) await session.query(`drop index concurrently if exists ${name}`)
  return names.length > 0 ? `dropped the INVALID index ${names.join(', ')}` : undefined
}

function rangeName(relation: RangeVar): string {
  const name = quoteIdent(relation.relname ?? '')
  return relation.schemaname ? `${quoteIdent(relation.schemaname)}.${name}` : name
}

/** A DROP's object: a list of name parts. */
function listNames(object: Node): string | undefined {
  if (!('List' in object)) return undefined
  const parts = (object.List.items ?? []).flatMap(item => ('String' in item ? [item.String.sval ?? ''] : []))
  return parts.length > 0 ? parts.map(quoteIdent).join('.') : undefined
}

async function regclass(session: Session, name: string): Promise<boolean> {
  const { rows } = await session.query<{ found: boolean }>('select pg_catalog.to_regclass($1) is not null as found', [
    name,
  ])
  return rows[0]!.found
}
