// The condition of the ledger's tables, from one look at the catalogue: whose they are, what this session may do with them,
// and whether row level security hides their rows.

import { doBlock, quoteIdent, quoteLiteral } from '../../gate/postgres/quote.ts'
import { sqlstate } from '../../gate/postgres/sqlstate.ts'
import { commentOn } from '../../gate/protocol/emptied.ts'
import { ledgerTable as quotedLedger } from '../../gate/protocol/ledger.ts'
import { isSubscribed, subscribedDetail } from '../../gate/protocol/subscribed.ts'
import { DeniedError, DivergedError, RefusedError, UsageError } from '../errors.ts'
import type { Session } from '../postgres/session.ts'
import { version as release } from '../version.ts'
import { isLedgerRoutine, type LedgerTable, ledgerProcedures, ledgerTables } from './table.ts'
import { currentVersion } from './versions.ts'

interface TableCondition {
  readonly name: LedgerTable
  /** A table with the columns that ours has. */
  readonly ours: boolean
  readonly owner: string
  /** This session has the owner's rights. */
  readonly mine: boolean
  readonly readable: boolean
  /** Row level security is switched on, or forced. */
  readonly rowSecurity: boolean
  /** It applies to this session: what it reads may lack rows. */
  readonly hidden: boolean
  /** Its rows come from another database. */
  readonly subscribed: boolean
}

/** The schema and the tables in it; undefined if there is no such schema. */
export interface LedgerCondition {
  readonly schema: string
  readonly owner: string
  readonly me: string
  readonly usable: boolean
  readonly creatable: boolean
  readonly tables: ReadonlyMap<LedgerTable, TableCondition>
  /** The comment on the table `ledger`. */
  readonly comment: string | null
}

/** Asks the catalogue by names, which needs no right on the schema. */
export async function readCondition(session: Session, schema: string): Promise<LedgerCondition | undefined> {
  const { rows } = await session.query<ConditionRow>(conditionSql(schema))
  const first = rows[0]
  if (!first) return undefined
  const { schemaOwner, me, usable, creatable } = first
  const comment = rows.find(({ table }) => table === 'ledger')?.comment ?? null
  const tables = rows.flatMap(row => (row.table === null ? [] : [tableCondition(row, row.table)]))
  return { schema, owner: schemaOwner, me, usable, creatable, comment, tables: new Map(tables.map(t => [t.name, t])) }
}

interface ConditionRow extends Omit<TableCondition, 'name' | 'ours'> {
  readonly schemaOwner: string
  readonly me: string
  readonly usable: boolean
  readonly creatable: boolean
  readonly table: LedgerTable | null
  readonly kind: string
  readonly comment: string | null
  readonly columns: readonly string[]
}

function conditionSql(schema: string): string {
  return `select pg_catalog.pg_get_userbyid(n.nspowner)::text as "schemaOwner", current_user::text as me,
    pg_catalog.has_schema_privilege(n.oid, 'usage') as usable, pg_catalog.has_schema_privilege(n.oid, 'create') as creatable,
    c.relname::text as table, c.relkind as kind, pg_catalog.pg_get_userbyid(c.relowner)::text as owner,
    pg_catalog.pg_has_role(c.relowner, 'usage') as mine, pg_catalog.has_table_privilege(c.oid, 'select') as readable,
    c.relrowsecurity or c.relforcerowsecurity as "rowSecurity", pg_catalog.row_security_active(c.oid) as hidden, ${isSubscribed('c.oid')} as subscribed, ${commentOn('c.oid')} as comment,
    array(select a.attname::text from pg_catalog.pg_attribute a
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns
  from pg_catalog.pg_namespace n left join pg_catalog.pg_class c
    on c.relnamespace = n.oid and c.relname in (${names()})
  where n.nspname = ${quoteLiteral(schema)}`
}

function names(): string {
  return Object.keys(ledgerTables).map(quoteLiteral).join(', ')
}

function tableCondition({ kind, columns, ...row }: ConditionRow, name: LedgerTable): TableCondition {
  const { owner, mine, readable, rowSecurity, hidden, subscribed } = row
  const ours = kind === 'r' && ledgerTables[name].every(column => columns.includes(column))
  return { name, ours, owner, mine, readable, rowSecurity, hidden, subscribed }
}

/** @throws DivergedError if the ledger's rows come from another database: what they say is true of that one. */
export function requireOwnRows({ schema, tables }: LedgerCondition): void {
  if (tables.get('ledger')?.subscribed)
    throw new DivergedError(`Nothing was done. ${subscribedDetail(quotedLedger(schema))}`)
}

/** The tables on which row level security is switched on. */
export function withRowSecurity(condition: LedgerCondition | undefined): readonly string[] {
  return [...(condition?.tables.values() ?? [])]
    .filter(({ rowSecurity }) => rowSecurity)
    .map(({ name }) => `${condition?.schema}.${name}`)
}

/** @throws UsageError if a table of one of the ledger's names belongs to something else. */
export function requireOurs(condition: LedgerCondition): void {
  const foreign = [...condition.tables.values()].filter(({ ours }) => !ours)
  if (foreign.length === 0) return
  const list = foreign.map(({ name }) => `${condition.schema}.${name}`).join(' and ')
  throw new UsageError(
    `${list} is not schemagate's: it lacks columns of the ledger. Nothing was done. ` +
      'Name another schema for the ledger (--schema, SCHEMAGATE_SCHEMA), or rename what is there.',
  )
}

/** @throws DeniedError if this session may not read the ledger. */
export function requireReadable(condition: LedgerCondition): void {
  const { schema, usable, me } = condition
  const ledger = condition.tables.get('ledger')
  if (!ledger || (usable && ledger.readable)) return
  throw new DeniedError(
    `The ledger ${schema}.ledger belongs to role ${ledger.owner}, and role ${me} may not read it (42501). ` +
      `Run as ${ledger.owner}, or as ${ledger.owner}: grant usage on schema ${quoteIdent(schema)} to ${quoteIdent(me)}; ` +
      `grant select on ${['ledger', 'ledger_version', 'manifest'].map(table => `${quoteIdent(schema)}.${table}`).join(', ')} to ${quoteIdent(me)}`,
    // `wait` goes on over this SQLSTATE: the run that it waits for grants the right
    { cause: Object.assign(new Error('permission denied'), { code: sqlstate.insufficientPrivilege }) },
  )
}

/** A function or procedure of the ledger's that a run may have to replace, and this session may not. */
export interface OthersRoutine {
  /** With its schema and the types of its parameters, quoted. */
  readonly name: string
  readonly owner: string
}

/**
 * Those of the ledger's functions and procedures that belong to a role whose rights this session does not have. A
 * procedure is dropped and made again, and the owner of its schema may do that too.
 */
export async function othersRoutines(session: Session, schema: string): Promise<readonly OthersRoutine[]> {
  const { rows } = await session.query<OthersRoutine & { [column: string]: unknown }>(
    `select pg_catalog.format('%I.%I(%s)', n.nspname, p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid)) as name,
      pg_catalog.pg_get_userbyid(p.proowner)::text as owner
    from pg_catalog.pg_namespace n join pg_catalog.pg_proc p on p.pronamespace = n.oid
    where n.nspname = ${quoteLiteral(schema)} and ${isLedgerRoutine} and p.proname <> 'tell_gates' and not pg_catalog.pg_has_role(p.proowner, 'usage')
      and not (pg_catalog.pg_has_role(n.nspowner, 'usage') and p.proname in (${Object.keys(ledgerProcedures).map(quoteLiteral).join(', ')}))
    order by 1`,
  )
  return rows
}

/** @throws DeniedError if this session may not change the ledger: only its owner can. */
export function requireOwn(condition: LedgerCondition, routines: readonly OthersRoutine[]): void {
  const { schema, me } = condition
  const tables = [...condition.tables.values()].filter(({ mine }) => !mine)
  const others = [
    ...tables.map(({ name, owner }) => ({ kind: 'table', name: `${quoteIdent(schema)}.${name}`, owner })),
    ...routines.map(({ name, owner }) => ({ kind: 'routine', name, owner })),
  ]
  const owner = others[0]?.owner
  if (owner !== undefined) {
    const alter = others.map(({ kind, name }) => `alter ${kind} ${name} owner to ${quoteIdent(me)}`)
    const what = tables[0] ? `The ledger ${schema}.${tables[0].name}` : `The ledger's own ${others[0]?.name}`
    throw new DeniedError(
      `${what} belongs to role ${owner}, and this run is by role ${me} (42501); nothing was done. ` +
        `Run as ${owner}; or hand it over, as a role that is a member of both: ${alter.join('; ')} ` +
        `(or reassign owned by ${quoteIdent(owner)} to ${quoteIdent(me)}, which hands over everything of ${owner}'s).`,
    )
  }
  if (!condition.tables.has('runs') && !condition.creatable)
    throw new DeniedError(
      `The schema ${schema} belongs to role ${condition.owner}, and role ${me} may not make the ledger's tables in it (42501); nothing was done. ` +
        `Run as ${condition.owner}, or as ${condition.owner}: grant usage, create on schema ${quoteIdent(schema)} to ${quoteIdent(me)}`,
    )
}

/**
 * The ledger was upgraded by a newer release: exit 8, since the files are not what differs (6), and only an operator knows
 * which release is meant to run here.
 */
export class NewerLedgerError extends RefusedError {
  constructor(schema: string, version: number, by: string | null) {
    super(
      `The ledger ${schema}.ledger has version ${version}${by ? `, made by schemagate ${by}` : ''}; this is schemagate ${release}, which knows versions up to ${currentVersion}. ` +
        `Nothing was done. Run it with schemagate ${by ?? 'of that release'} or newer; apps and gates of older releases go on reading this ledger.`,
    )
  }
}

/** Row level security keeps this session from the ledger's rows: exit 9. The owner's next run switches it off. */
export class HiddenLedgerError extends DeniedError {
  /** This session could switch it off. */
  readonly mine: boolean
  constructor(schema: string, mine: boolean, tables: readonly string[]) {
    super(
      `Row level security is switched on for ${tables.join(', ')}, and hides rows from this role: an empty ledger cannot be told from a hidden one. ` +
        `\`schemagate up\` as the owner switches it off: schema ${schema} is schemagate's own. What switched it on (an event trigger, a loop over all tables) should leave that schema out.`,
    )
    this.mine = mine
  }
}

/**
 * The statement that switches row level security off for the ledger's tables, with a warning for each; nothing where it is
 * off. It stands in the transaction of whatever may have switched it on (a migration that loops over all tables, an event
 * trigger on CREATE TABLE), before the ledger is written.
 */
export function showRows(schema: string): string {
  const { declare, body } = rowsShown(schema)
  return doBlock(body, declare)
}

/** {@link showRows} as the parts of a PL/pgSQL block. */
export function rowsShown(schema: string): { readonly declare: string; readonly body: string } {
  return {
    declare: 't record;',
    body: `for t in select relname from pg_catalog.pg_class where relnamespace = pg_catalog.to_regnamespace(${quoteLiteral(quoteIdent(schema))})::pg_catalog.oid
      and relname in (${names()}) and (relrowsecurity or relforcerowsecurity) loop
      perform pg_catalog.set_config('lock_timeout', '2s', true);
      execute pg_catalog.format('alter table ${quoteIdent(schema).replaceAll('%', '%%').replaceAll("'", "''")}.%I disable row level security, no force row level security', t.relname);
      raise warning 'schemagate: row level security was switched on for %.%, which is schemagate''s own; switched it off', ${quoteLiteral(schema)}, t.relname;
    end loop;`,
  }
}
