// The ledger's tables: what a database knows about its own schema. Made by the migrator under the run lock.

import { quoteIdent, quoteLiteral } from '../../gate/postgres/quote.ts'
import { migratorName } from '../../gate/protocol/announcement.ts'
import { ledgerTable, manifestTable } from '../../gate/protocol/ledger.ts'
import { notifySql } from '../../gate/protocol/notifications.ts'

/**
 * The tables that are schemagate's own in the ledger's schema, each with columns by which it is told from another tool's
 * table of that name. An app reads `ledger`, `manifest` and `ledger_version`; `runs` may hold the texts of errors, and is
 * for the owner and the roles that the owner grants it to.
 */
export const ledgerTables = {
  ledger: ['name', 'checksum', 'position', 'kind', 'breaking', 'state', 'run_id', 'journal'],
  manifest: ['only_row', 'manifest', 'published_at', 'run_id'],
  ledger_version: ['version', 'tool_version', 'run_id'],
  runs: ['run_id', 'command', 'started_at', 'outcome', 'exit_code', 'tool_version'],
  adoption: ['only_row', 'tool', 'history_schema', 'history_table', 'keys', 'keep_history'],
  // made by the first run that is given an app's role
  schemagate_app_roles: ['role', 'grants', 'schemas', 'opened'],
  // made by the first `follow`
  schemagate_followed: ['head', 'tool', 'history_schema', 'history_table', 'manifest', 'published_at'],
  // made by the first `verify`
  schemagate_expected: ['only_row', 'key', 'catalog', 'made_at'],
} as const satisfies Readonly<Record<string, readonly string[]>>

/** The procedures that stand around a migration, with the types of their parameters: procedures.ts. */
export const ledgerProcedures = {
  begin_migration: 'text, text, text',
  record_applied: 'text, text, text, boolean, jsonb, uuid, text',
} as const

const routines = [
  ['tell_gates', ''],
  ['require', 'text'],
  ['require', 'jsonb'],
  ['followed_history', ''],
  ['followed_changed', ''],
  ...Object.entries(ledgerProcedures),
].map(signature => `(${signature.map(quoteLiteral).join(', ')})`)

/** The types of the parameters of `p`, of pg_proc, also where quote_all_identifiers is on. */
export const parameterTypes = `pg_catalog.replace(pg_catalog.oidvectortypes(p.proargtypes), '"', '')`

/**
 * A condition: `p`, of pg_proc, is one of the ledger's functions and procedures. By its parameters as well: in a schema that
 * the ledger shares, another one of that name is the project's.
 */
export const isLedgerRoutine = `(p.proname, ${parameterTypes}) in (${routines.join(', ')})`

export type LedgerTable = keyof typeof ledgerTables

/**
 * Version 1, as release 0.1 made it.
 *
 * - `ledger`: one row for each applied migration. `state` is `running` only while a migration
 *   that cannot run in one transaction is under way, or was interrupted; `journal` then tells how far it came.
 * - `manifest`: one row, the manifest of the last successful run, for applications to compare with their own.
 *
 * Gates are notified at once of rows that are changed by hand. A migrator notifies them itself, once for a whole run.
 */
export function baseTables(schema: string): string {
  const s = quoteIdent(schema)
  return `create schema if not exists ${s};
create table if not exists ${ledgerTable(schema)} (
  name text primary key,
  checksum text not null,
  position bigint not null unique,
  kind text not null check (kind in ('sql', 'code', 'repeatable', 'baseline')),
  breaking boolean not null default false,
  state text not null default 'applied' check (state in ('applied', 'running')),
  applied_at timestamptz not null default pg_catalog.clock_timestamp(),
  duration_ms double precision not null default 0,
  applied_by text not null default session_user,
  run_id uuid not null,
  tool_version text not null,
  journal jsonb
);
create table if not exists ${manifestTable(schema)} (
  only_row boolean primary key default true check (only_row),
  manifest jsonb not null,
  published_at timestamptz not null default pg_catalog.clock_timestamp(),
  run_id uuid not null,
  tool_version text not null
);
create or replace function ${s}.tell_gates() returns trigger language plpgsql set search_path = pg_catalog as $tell$
begin
  ${notifySql(schema, { event: 'changed' }).replace(/^select/, 'perform')}
  return null;
end
$tell$;
create or replace trigger tell_gates after insert or update or delete on ${ledgerTable(schema)}
  for each statement when (pg_catalog.current_setting('application_name') not like ${quoteLiteral(`${migratorName} %`)})
  execute function ${s}.tell_gates();`
}

/**
 * Version 2.
 *
 * - `runs`: one row for each run that did or tried something. A run that was killed leaves its row in outcome `running`,
 *   and the next one that works marks it `interrupted`; it has no end, for that was not seen.
 * - `ledger_version`: one row for each step that this ledger's schema was taken; the highest is what it is.
 */
export function runsTables(schema: string): string {
  const s = quoteIdent(schema)
  return `create table if not exists ${s}.runs (
  run_id uuid primary key,
  command text not null,
  started_at timestamptz not null,
  ended_at timestamptz,
  outcome text not null,
  exit_code integer,
  applied integer not null default 0,
  error text,
  run_by text not null default session_user,
  host text not null,
  application text not null default pg_catalog.current_setting('application_name'),
  tool_version text not null
);
create table if not exists ${s}.ledger_version (
  version integer primary key,
  upgraded_at timestamptz not null default pg_catalog.clock_timestamp(),
  upgraded_by text not null default session_user,
  run_id uuid not null,
  tool_version text not null
);`
}

/**
 * Version 3.
 *
 * - `adoption`: one row where another tool's history was taken over: which it was, the keys of all that it had, and whether
 *   its rows are written for later migrations, too. A release that does not know this would leave them out.
 */
export function adoptionTable(schema: string): string {
  return `create table if not exists ${quoteIdent(schema)}.adoption (
  only_row boolean primary key default true check (only_row),
  tool text not null,
  history_schema text not null,
  history_table text not null,
  keys jsonb not null,
  keep_history boolean not null default false,
  adopted_at timestamptz not null default pg_catalog.clock_timestamp(),
  run_id uuid not null,
  tool_version text not null
);`
}
