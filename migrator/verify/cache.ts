// Remembers, in the ledger's schema, the catalogue that the migrations make, so that the next verify need not run them, and
// what the last comparison came to, for the gate's page.

import { createHash } from 'node:crypto'
import { quoteIdent, quoteLiteral } from '../../gate/postgres/quote.ts'
import type { Migration } from '../files/migration.ts'
import { ledgerIsReadOnly } from '../ledger/rights.ts'
import type { Log } from '../log.ts'
import type { Session } from '../postgres/session.ts'
import { build } from '../version.ts'
import type { Catalog } from './catalog/catalog.ts'
import { parseSnapshot, printSnapshot, snapshotFormat } from './snapshot.ts'

const tableIn = (schema: string) => `${quoteIdent(schema)}.schemagate_expected`

/** One row. No version of the ledger: older releases do without it, and it can be emptied at any time. */
function ddl(schema: string): string {
  return `create table if not exists ${tableIn(schema)} (
  only_row boolean primary key default true check (only_row),
  key text not null,
  catalog text not null,
  made_at timestamptz not null default pg_catalog.clock_timestamp(),
  verified_at timestamptz,
  differences integer
);`
}

/**
 * What the expected catalogue follows from: the files, this build of a release, the server, its extensions, the database's locale
 * and settings.
 */
export async function cacheKey(session: Session, migrations: readonly Migration[]): Promise<string> {
  const { rows } = await session.query<{ around: string }>(
    `select pg_catalog.jsonb_build_array(pg_catalog.version(), current_user,
       (select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(e.extname, e.extversion, a.default_version) order by e.extname)
          from pg_catalog.pg_extension e left join pg_catalog.pg_available_extensions a on a.name = e.extname),
       (select pg_catalog.jsonb_build_array(d.encoding, d.datcollate, d.datctype) from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()),
       (select pg_catalog.jsonb_agg(s.setconfig order by s.setrole) from pg_catalog.pg_db_role_setting s
          join pg_catalog.pg_database d on d.oid = s.setdatabase and d.datname = pg_catalog.current_database()))::text as around`,
  )
  const files = migrations.map(({ name, checksum }) => [name, checksum])
  return createHash('sha256')
    .update(JSON.stringify([snapshotFormat, build, rows[0]!.around, files]))
    .digest('hex')
}

/** Undefined: not there, or not to be read. */
export async function readCache(session: Session, schema: string, key: string): Promise<Catalog | undefined> {
  try {
    const { rows } = await session.query<{ catalog: string }>(
      `select catalog from ${tableIn(schema)} where key = ${quoteLiteral(key)}`,
    )
    return rows[0] && parseSnapshot(rows[0].catalog)
  } catch {
    return undefined
  }
}

/** What cannot be kept is made again next time: no reason to fail. Without a ledger's schema nothing is kept. */
export async function writeCache(
  session: Session,
  schema: string,
  key: string,
  catalog: Catalog,
  log: Log,
): Promise<void> {
  if (session.greeting.readOnly) return
  const text = quoteLiteral(printSnapshot(catalog))
  try {
    await session.query(
      `begin; ${ddl(schema)} ${ledgerIsReadOnly(schema)}
insert into ${tableIn(schema)} (key, catalog) values (${quoteLiteral(key)}, ${text})
on conflict (only_row) do update set key = excluded.key, catalog = excluded.catalog, made_at = excluded.made_at; commit`,
    )
  } catch (error) {
    await session.rollback()
    log.debug({ err: error }, 'the expected schema could not be kept for the next verify')
  }
}

/** Notes how many differences there are now from what the migrations make. What cannot be noted is no reason to fail. */
export async function noteResult(session: Session, schema: string, differences: number, log: Log): Promise<void> {
  if (session.greeting.readOnly) return
  try {
    await session.query(
      `update ${tableIn(schema)} set verified_at = pg_catalog.clock_timestamp(), differences = ${differences}`,
    )
  } catch (error) {
    log.debug({ err: error }, "the comparison's result could not be noted for the gate's page")
  }
}
