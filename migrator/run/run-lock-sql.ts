// The run lock in SQL: the key that anyone may take, who holds it with a right to, and the table that only the ledger's
// owner can lock.

import { quoteIdent, quoteLiteral } from '../../gate/postgres/quote.ts'
import { ownState } from '../../gate/postgres/sqlstate.ts'
import { ledgerTable, manifestTable } from '../../gate/protocol/ledger.ts'
import { runLockKey } from '../../gate/protocol/run-lock-key.ts'

/**
 * Any role that may connect can take an advisory lock. A key whose holders all lack the right to write the ledger is
 * passed over, and this lock, which needs a right on a table of the ledger, is taken in its place.
 *
 * SHARE UPDATE EXCLUSIVE holds off its like and SHARE, and no reading or writing. Each transaction of a run takes SHARE
 * besides the key, so that one which has passed over the key and one which has got it keep each other out.
 */
export const passedOverMode = 'share update exclusive'

/** The table that stands for the lock: every ledger has it, and no gate holds it. */
export function lockTable(schema: string): string {
  return manifestTable(schema)
}

function thisDatabase(table: string): string {
  return `${table}.database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())`
}

/** Of a role's oid: may it, or a role that it is a member of, write the ledger, or make one where there is none? */
function mayWriteLedger(schema: string, role: string): string {
  return mayUse(
    role,
    `case
    when pg_catalog.to_regclass(${quoteLiteral(ledgerTable(schema))}) is not null
      then pg_catalog.has_table_privilege(r.oid, pg_catalog.to_regclass(${quoteLiteral(ledgerTable(schema))}), 'INSERT')
    when pg_catalog.to_regnamespace(${quoteLiteral(quoteIdent(schema))}) is not null
      then pg_catalog.has_schema_privilege(r.oid, pg_catalog.to_regnamespace(${quoteLiteral(quoteIdent(schema))}), 'CREATE')
    else pg_catalog.has_database_privilege(r.oid, pg_catalog.current_database(), 'CREATE') end`,
  )
}

/** Of a role's oid: may it, or a role that it is a member of, read the ledger, as every app does? */
export function mayReadLedger(schema: string, role: string): string {
  return mayUse(
    role,
    `pg_catalog.has_table_privilege(r.oid, pg_catalog.to_regclass(${quoteLiteral(ledgerTable(schema))}), 'SELECT')`,
  )
}

// A member that does not inherit its role's rights takes them with SET ROLE.
function mayUse(role: string, right: string): string {
  return `exists (select from pg_catalog.pg_roles r where pg_catalog.pg_has_role(${role}, r.oid, 'MEMBER') and ${right})`
}

/**
 * Those who hold the key, and those who hold the table in its place, as `from` clause and condition. `legitimate` is
 * false also for a prepared transaction, which no migrator makes, and true for a session that has just ended.
 */
function keyHolders(schema: string): string {
  const [a, b] = runLockKey(schema)
  return `(select l.pid, a.usename, a.application_name, a.client_addr, a.backend_start,
      case when l.pid is null then false when a.pid is null then true else ${mayWriteLedger(schema, 'a.usesysid')} end as legitimate
    from pg_catalog.pg_locks l left join pg_catalog.pg_stat_activity a on a.pid = l.pid
    where l.locktype = 'advisory' and l.granted and l.objsubid = 2
      and l.classid = (${a})::int4::oid and l.objid = (${b})::int4::oid and ${thisDatabase('l')}) as holders`
}

function tableHolders(schema: string): string {
  return `(select l.pid, a.usename, a.application_name, a.client_addr, a.backend_start, true as legitimate
    from pg_catalog.pg_locks l join pg_catalog.pg_stat_activity a on a.pid = l.pid
    where ${holdsTable(schema)}) as keepers`
}

/**
 * Does any session hold the table in the key's place? {@link holdersSql} would say so as well, and takes a new session some ten
 * milliseconds, since it looks into more of the catalogue.
 */
export function keptSql(schema: string): string {
  return `select exists (select from pg_catalog.pg_locks l where ${holdsTable(schema)} and l.pid is not null) as kept`
}

/** A condition on the row `l` of pg_locks. */
function holdsTable(schema: string): string {
  return `l.locktype = 'relation' and l.granted and l.mode = 'ShareUpdateExclusiveLock' and ${thisDatabase('l')}
      and l.relation = pg_catalog.to_regclass(${quoteLiteral(lockTable(schema))})::pg_catalog.oid`
}

/** The row that {@link holdersSql} gives for each holder. */
export interface Holder {
  readonly pid: number | null
  readonly who: string
  readonly key: boolean
  readonly legitimate: boolean
}

/** Who holds the lock, by its key or in its place. */
export function holdersSql(schema: string): string {
  const who = `case when pid is null then 'a prepared transaction' else pg_catalog.format('pid %s, user %s, %s%s, connected since %s', pid, usename, application_name,
    coalesce(' from ' || pg_catalog.host(client_addr), ''), pg_catalog.to_char(backend_start, 'YYYY-MM-DD HH24:MI:SS TZ')) end as who`
  return `select pid, ${who}, true as key, legitimate from ${keyHolders(schema)}
    union all select pid, ${who}, false, legitimate from ${tableHolders(schema)}`
}

function raiseBusy(condition: string): string {
  return `if ${condition} then raise sqlstate '${ownState.lockBusy}'; end if;`
}

/** Locks the ledger's table to the transaction's end, or raises `lockBusy`. A database without a ledger has no such table. */
function lockTableIfThere(schema: string, mode: string): string {
  return `begin lock table ${lockTable(schema)} in ${mode} mode nowait;
    exception when undefined_table or invalid_schema_name then null; when lock_not_available then raise sqlstate '${ownState.lockBusy}'; end;`
}

/**
 * The statements, for a PL/pgSQL block, that take the lock for one transaction or raise, on a session that has the key.
 * They stand before a migration's own text, of which pg_stat_activity shows the first 1,024 bytes: they are short.
 */
export function takeWithKey(schema: string): string {
  const [a, b] = runLockKey(schema)
  return `${raiseBusy(`not pg_catalog.pg_try_advisory_xact_lock(${a}, ${b})`)} ${lockTableIfThere(schema, 'share')}`
}

/**
 * The same on a session that may not have the key: behind a pooler, or where it was passed over. `keeper` is the process
 * that holds the table in the key's place for the whole run.
 */
export function takeForTransaction(schema: string, keeper?: number): string {
  const [a, b] = runLockKey(schema)
  if (keeper !== undefined)
    return raiseBusy(
      `not exists (select from ${tableHolders(schema)} where pid = ${keeper}) or exists (select from ${keyHolders(schema)} where legitimate and pid <> ${keeper} and pid <> pg_catalog.pg_backend_pid())`,
    )
  // Asked once: between two looks the holder may end, which would pass for a key that only strangers hold.
  return `if pg_catalog.pg_try_advisory_xact_lock(${a}, ${b}) then
    ${lockTableIfThere(schema, 'share')}
  else
    ${raiseBusy(`(select coalesce(pg_catalog.bool_or(legitimate), true) from ${keyHolders(schema)})`)}
    ${lockTableIfThere(schema, passedOverMode)}
  end if;`
}
