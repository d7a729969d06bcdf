// The ledger's tables: what a database knows about its own schema. Made by the migrator under the run lock.

import { quoteIdent, quoteLiteral } from '../postgres/quote.ts'

/** How every session of a migrator's begins its `application_name`. */
export const migratorName = 'schemagate migrator'

/**
 * The statements that make the ledger in `schema`. Repeatable, but only under the run lock: several sessions doing
 * `create table if not exists` at once fail with 23505 on the catalogue's own unique indexes.
 *
 * - `ledger`: one row for each applied migration (contract: "Tables"). `state` is `running` only while a migration
 *   that cannot run in one transaction is under way, or was interrupted; `journal` then tells how far it came.
 * - `manifest`: one row, the manifest of the last successful run, for applications to compare with their own.
 *
 * Rows that are changed by hand are told to the gates at once. A migrator tells them itself, and once for a whole run.
 */
export function ledgerDdl(schema: string): string {
  const s = quoteIdent(schema)
  return `create schema if not exists ${s};
create table if not exists ${s}.ledger (
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
create table if not exists ${s}.manifest (
  only_row boolean primary key default true check (only_row),
  manifest jsonb not null,
  published_at timestamptz not null default pg_catalog.clock_timestamp(),
  run_id uuid not null,
  tool_version text not null
);
create or replace function ${s}.tell_gates() returns trigger language plpgsql set search_path = pg_catalog as $tell$
begin
  perform pg_notify(${quoteLiteral(schema)}, '{"event": "changed"}');
  return null;
end
$tell$;
create or replace trigger tell_gates after insert or update or delete on ${s}.ledger
  for each statement when (pg_catalog.current_setting('application_name') not like ${quoteLiteral(`${migratorName} %`)})
  execute function ${s}.tell_gates();`
}
