// The catalogue that the migrations make: remembered, or made in a scratch database by the engine itself.

import { quoteIdent, quoteLiteral } from '../../gate/postgres/quote.ts'
import type { Target } from '../../gate/postgres/target.ts'
import { RefusedError, SchemagateError, UsageError } from '../errors.ts'
import type { Migration } from '../files/migration.ts'
import { type Log, silent } from '../log.ts'
import { Session } from '../postgres/session.ts'
import { type Engine, withSession } from '../run/engine.ts'
import { up } from '../verbs/up.ts'
import { cacheKey, readCache, writeCache } from './cache.ts'
import type { Catalog } from './catalog/catalog.ts'
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
  const catalog = await onServer(engine, session, scratch, async server => {
    try {
      return await makeIn(engine, session, server, migrations, [])
    } catch (error) {
      // an extension that an administrator made before the first migration
      const given = await extensionsOf(session)
      if (!(error instanceof SchemagateError) || given.length === 0 || engine.signal.aborted) throw error
      return await makeIn(engine, session, server, migrations, given)
    }
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
  extensions: readonly string[],
): Promise<Catalog> {
  return withScratchDatabase(server, live, async target => {
    const there = { ...engine, settings: { ...engine.settings, target, appRole: undefined }, log: quieter(engine.log) }
    for (const sql of extensions) await withSession(there, session => session.query(sql))
    const result = await up(there, { only: new Set(migrations.map(({ name }) => name)) })
    if (result.error) throw result.error
    return withSession(there, readCatalog)
  })
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
