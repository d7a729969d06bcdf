// Hints for a migration that failed, which only the database can give: was it migrated before, has a setting not been seen?

import { codeOf, sqlstate } from '../../gate/postgres/sqlstate.ts'
import { MigrationFailedError } from '../errors.ts'
import { countTables } from '../ledger/other-tables.ts'
import type { Run } from '../run/run.ts'

/** Something that the migration makes is there already: relation, column, object, function, schema, primary key. */
const alreadyThere: ReadonlySet<string> = new Set(['42P07', '42701', '42710', '42723', '42P06', '42P16'])

/** Something that the migration names is not found, perhaps in the wrong schemas. */
const notFound: ReadonlySet<string> = new Set([sqlstate.undefinedTable, sqlstate.undefinedSchema, '42704', '42883'])

/**
 * Adds to a migration's failure what helps in this database.
 * @param first the migration is the first of all, on an empty ledger.
 */
export async function addHint(run: Run, error: unknown, first: boolean): Promise<void> {
  if (!(error instanceof MigrationFailedError) || run.signal.aborted) return
  const code = codeOf(error.cause)
  if (code === undefined) return
  try {
    const hint =
      first && alreadyThere.has(code)
        ? await migratedBefore(run)
        : notFound.has(code)
          ? await searchPathOfOthers(run)
          : undefined
    if (hint) error.message += `\n${hint}`
  } catch {
    // the failure itself is what counts, and the connection may have gone with it
  }
}

async function migratedBefore({ session, settings }: Run): Promise<string | undefined> {
  const tables = await countTables(session, settings.schema)
  if (tables === 0) return undefined
  return (
    `The ledger is empty, but the database has ${tables} ${tables === 1 ? 'table' : 'tables'}: it seems to have been migrated before, by hand or by another tool. ` +
    'If so: schemagate adopt takes the history of another tool over; schemagate baseline NAME, with the newest migration that the database already has, records it unseen. Then run `schemagate up` again.'
  )
}

/** ALTER ROLE and ALTER DATABASE ... SET hold for new sessions only, of which this one is not. */
async function searchPathOfOthers({ session }: Run): Promise<string | undefined> {
  const { rows } = await session.query<{ path: string; owner: string }>(
    `select pg_catalog.substr(setting, pg_catalog.length('search_path=') + 1) as path,
            case when setrole = '0' then pg_catalog.concat('database ', pg_catalog.current_database()) else pg_catalog.concat('role ', session_user) end as owner
       from pg_catalog.pg_db_role_setting, pg_catalog.unnest(setconfig) as setting,
            (select reset_val, source from pg_catalog.pg_settings where name = 'search_path') as here
      where setdatabase in ('0', (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database()))
        and setrole in ('0', (select oid from pg_catalog.pg_roles where rolname = session_user))
        and setting like 'search\\_path=%' and here.source <> 'client'
        and pg_catalog.substr(setting, pg_catalog.length('search_path=') + 1) <> here.reset_val
      order by setdatabase <> '0' and setrole <> '0' desc, setrole <> '0' desc, setdatabase <> '0' desc
      limit 1`,
  )
  if (!rows[0]) return undefined
  const { path, owner } = rows[0]
  return (
    `The search_path of the ${owner} was set to ${path} after this run had connected, and holds for new sessions only. ` +
    'Run `schemagate up` again, and it holds; so that it works in one run, write `set search_path` in each file that needs it, or the schema before the name.'
  )
}
