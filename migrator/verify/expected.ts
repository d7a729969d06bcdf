// The catalogue that the migrations make: remembered, or made in a scratch database by the engine itself.

import { quoteIdent, quoteLiteral } from '../../gate/postgres/quote.ts'
import type { Target } from '../../gate/postgres/target.ts'
import { MigrationFailedError, RefusedError, SchemagateError, UsageError } from '../errors.ts'
import type { Migration } from '../files/migration.ts'
import { madeSchemas, namedSchemas } from '../files/named-schemas.ts'
import { type Log, silent } from '../log.ts'
import { Session } from '../postgres/session.ts'
import { type Engine, withSession } from '../run/engine.ts'
import { up } from '../verbs/up.ts'
import { cacheKey, readCache, writeCache } from './cache.ts'
import { type Catalog, isSchema } from './catalog/catalog.ts'
import { readCatalog } from './catalog/read.ts'
import { withScratchDatabase } from './scratch/database.ts'
import { findReach, type Reach } from './scratch/reach.ts'

/**
 * What the database would have if `migrations`, and nothing else, had made it.
 * @param session the live database's.
 * @param scratch a server for the scratch database; without one it is the live database's own.
 * @throws RefusedError if the files reach beyond the database and no such server is named, UsageError if it has another
 *   major version, and what a migration fails with.
 */
export async function expectedCatalog(
  engine: Engine,
  session: Session,
  migrations: readonly Migration[],
  scratch: Target | undefined,
): Promise<Catalog> {
  const { schema } = engine.settings
  const key = await cacheKey(session, migrations)
  const known = await readCache(session, schema, key)
  if (known) return known
  if (!scratch) await requireInside(session, migrations)
  const schemas = await schemasBefore(session, migrations)
  const extensions = await extensionsOf(session)
  const catalog = await onServer(engine, session, scratch, async server => {
    const make = (before: Before) => makeIn(engine, session, server, migrations, before)
    try {
      const made = await make({ extensions: [], schemas: [] })
      // without the first schema of the search path, the tables went into the next one
      const has = (schema: string) => made.objects.some(object => isSchema(object, schema))
      if (schemas.every(({ name, inPath }) => !inPath || has(name))) return made
    } catch (error) {
      const isOther = !(error instanceof SchemagateError) || engine.signal.aborted
      if (isOther || extensions.length + schemas.length === 0) throw error
    }
    return await make({ extensions, schemas: schemas.map(({ name }) => name) })
  })
  await writeCache(session, schema, key, catalog, engine.log)
  return catalog
}

/** @throws RefusedError naming what reaches beyond, and the ways out. */
async function requireInside(session: Session, migrations: readonly Migration[]): Promise<void> {
  const ways =
    'Name another server for the scratch database (--scratch-url postgres://...), such as a container of the same major version; or compare with a snapshot (--expect FILE).'
  if (session.pooled)
    throw new RefusedError(
      `verify makes a scratch database, and this connection goes through a pooler. Connect to Postgres itself. ${ways}`,
    )
  const reaches = await findReach(migrations)
  if (reaches.length === 0) return
  throw new RefusedError(
    `verify runs the migrations in a scratch database, and not on the live server where they reach beyond their database. Nothing was run.\n${told(reaches)}\n${ways}`,
  )
}

const mostTold = 10

function told(reaches: readonly Reach[]): string {
  const lines = reaches.slice(0, mostTold).map(({ file, line, what }) => `- ${file}, line ${line}: ${what}`)
  return [...lines, ...(reaches.length > mostTold ? [`- and ${reaches.length - mostTold} more`] : [])].join('\n')
}

/** A session with the server of the scratch database. */
async function onServer<T>(
  engine: Engine,
  live: Session,
  scratch: Target | undefined,
  use: (server: Session) => Promise<T>,
): Promise<T> {
  if (!scratch) return use(live)
  const { settings, log, signal } = engine
  const server = await Session.open({ ...live.options, target: scratch, timeout: settings.connectTimeout, log, signal })
  try {
    const [here, there] = [live, server].map(({ greeting }) => Math.floor(greeting.version / 10_000))
    if (here !== there)
      throw new UsageError(
        `The database is on PostgreSQL ${here}, and --scratch-url on ${there}: other major versions make and print schemas otherwise. Name a server of version ${here}.`,
      )
    return await use(server)
  } finally {
    server.close()
  }
}

/** Runs the migrations as `up` does, with a ledger of the scratch database's own, and reads what they made. */
async function makeIn(
  engine: Engine,
  live: Session,
  server: Session,
  migrations: readonly Migration[],
  { extensions, schemas }: Before,
): Promise<Catalog> {
  return withScratchDatabase(server, live, async target => {
    const there = { ...engine, settings: { ...engine.settings, target, appRole: undefined }, log: quieter(engine.log) }
    const statements = [...schemas.map(name => `create schema if not exists ${quoteIdent(name)}`), ...extensions]
    for (const sql of statements) await withSession(there, session => session.query(sql))
    const result = await up(there, { only: new Set(migrations.map(({ name }) => name)) })
    if (result.error) throw ofScratch(result.error)
    const catalog = await withSession(there, readCatalog)
    return { ...catalog, objects: catalog.objects.filter(object => !schemas.some(name => isSchema(object, name))) }
  })
}

/** The way out of a migration that failed is another one here: the live database has passed it. */
function ofScratch(error: SchemagateError): SchemagateError {
  if (!(error instanceof MigrationFailedError)) return error
  const { migration, place, statement, cause, message } = error
  const [what] = message.split('\n')
  return new MigrationFailedError(
    migration,
    `In the scratch database of verify, ${what}\nThe live database was not touched. What something other than these migrations has made there (migrations of another folder, an init script, data) is not in the scratch database: compare with a snapshot instead (schemagate verify --expect FILE).`,
    { cause, place, statement },
  )
}

/** What an administrator, an init script or another tool made before the first migration. */
interface Before {
  /** Statements. */
  readonly extensions: readonly string[]
  readonly schemas: readonly string[]
}

/** The live database's schemas that the migrations name, or that are in the search path, and that no migration makes. */
async function schemasBefore(
  session: Session,
  migrations: readonly Migration[],
): Promise<{ readonly name: string; readonly inPath: boolean }[]> {
  const { rows } = await session.query<{ name: string; inPath: boolean }>(
    `select n.nspname as name, n.nspname operator(pg_catalog.=) any (pg_catalog.current_schemas(false)) as "inPath"
       from pg_catalog.pg_namespace n
      where n.nspname::text !~ '^pg_' and n.nspname not in ('public', 'information_schema')
        and not exists (select from pg_catalog.pg_depend d
                         where d.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass and d.objid = n.oid and d.deptype = 'e')
      order by n.oid`,
  )
  const [named, made] = [namedSchemas(migrations), madeSchemas(migrations)]
  return rows.filter(({ name, inPath }) => (inPath || named.has(name)) && !made.has(name))
}

/** What a run says is not news here; what it warns of was said when the live database was migrated. */
function quieter(log: Log): Log {
  return {
    ...silent,
    debug: log.debug.bind(log),
    info: log.debug.bind(log),
    warn: log.debug.bind(log),
    error: log.debug.bind(log),
  }
}

/** Statements that make the live database's extensions, each in its own version. */
async function extensionsOf(session: Session): Promise<string[]> {
  const { rows } = await session.query<{ name: string; version: string; schema: string }>(
    `select e.extname as name, e.extversion as version, n.nspname as schema
       from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace
      where e.extname <> 'plpgsql' order by e.oid`,
  )
  return rows.map(
    ({ name, version, schema }) =>
      `${schema.startsWith('pg_') ? '' : `create schema if not exists ${quoteIdent(schema)}; `}create extension if not exists ${quoteIdent(name)} schema ${quoteIdent(schema)} version ${quoteLiteral(version)} cascade`,
  )
}
