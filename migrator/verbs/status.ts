// `status`: what the database has, held against the files. Changes nothing.

import { quoteLiteral } from '../../gate/postgres/quote.ts'
import { planPart } from '../apply/planning.ts'
import type { Migration, MigrationKind } from '../files/migration.ts'
import type { DatabaseState, Problem } from '../ledger/history.ts'
import type { Session } from '../postgres/session.ts'
import { type Engine, folderOptions, withFilesAndSession, withSession } from '../run/engine.ts'
import { readHistory } from '../run/history.ts'
import { withOtherTools } from '../run/other-tools.ts'
import { isoTime } from '../text/iso-time.ts'

/** What `status --format json` prints. */
export interface Status {
  /** Where it is; `version` is the server's, as it writes it. */
  readonly database: { readonly host: string; readonly port: number; readonly name: string; readonly version: string }
  readonly state: DatabaseState
  /** The newest migration that the database has; null if there is none. */
  readonly head: string | null
  /** In the order applied. Null is what the history of a tool that is followed does not tell. */
  readonly applied: readonly {
    readonly name: string
    /** sha256 in hex; null of a tool that is followed. */
    readonly checksum: string | null
    readonly kind: string
    /** ISO 8601, in UTC; null also where the ledger has `infinity`. */
    readonly appliedAt: string | null
    readonly durationMs: number | null
  }[]
  readonly pending: readonly PendingMigration[]
  /** `schema.table` of what exists now, outside the ledger's schema. */
  readonly tables: readonly string[]
  /** Where files and ledger disagree; empty if they do not. */
  readonly problems: readonly Problem[]
  /** The tool that is followed, and the table of its history; null where there is none. */
  readonly follow?: { readonly tool: string; readonly history: string | null }
}

/** A migration that the next `up` applies, or the tool that is followed. */
export interface PendingMigration {
  readonly name: string
  readonly kind: MigrationKind | 'followed'
  /** Whether it runs in one transaction; null where only its tool knows. */
  readonly transaction: boolean | null
  /** Applications that do not know it must not run on it. */
  readonly breaking: boolean
}

/** The whole picture. Errors as `connect` and `readFolder` have them. */
export async function status(engine: Engine): Promise<Status> {
  if (engine.settings.follow !== undefined) return statusOfFollowed(engine)
  return withFilesAndSession(engine, async (files, session) => {
    const history = await withOtherTools(engine, files, session, await readHistory(engine, files, session))
    return {
      database: databaseOf(engine, session),
      state: history.state,
      head: history.head,
      applied: history.applied.map(row => ({
        name: row.name,
        checksum: row.checksum,
        kind: row.kind,
        appliedAt: isoTime(row.appliedAt),
        durationMs: Number.isFinite(row.durationMs) ? row.durationMs : null,
      })),
      pending: await Promise.all(history.pending.map(pendingMigration)),
      tables: await readTables(session, engine.settings.schema),
      problems: history.problems,
    }
  })
}

async function statusOfFollowed(engine: Engine): Promise<Status> {
  const { followedManifest } = await import('../follow/manifest.ts')
  const { followedStatus } = await import('../follow/status.ts')
  const { settings, log } = engine
  const manifest = await followedManifest(settings, folderOptions(settings, log))
  return withSession(engine, async session => {
    const { problems, follow, ...found } = await followedStatus(engine, session, manifest)
    return {
      database: databaseOf(engine, session),
      ...found,
      tables: await readTables(session, settings.schema),
      problems,
      follow,
    }
  })
}

function databaseOf({ settings }: Engine, { endpoint: { host, port }, greeting }: Session): Status['database'] {
  return { host, port, name: settings.target.database, version: greeting.versionText }
}

/** Only the grammar tells whether it runs in a transaction; a file that cannot be parsed is for `up` to report. */
export async function pendingMigration(migration: Migration): Promise<PendingMigration> {
  const plan = migration.up && (await planPart(migration.up).catch(() => undefined))
  return {
    name: migration.name,
    kind: migration.kind,
    transaction: plan ? plan.transaction : migration.marks.transaction,
    breaking: migration.marks.breaking,
  }
}

async function readTables(session: Session, ledgerSchema: string): Promise<string[]> {
  const { rows } = await session.query<{ name: string }>(
    `select pg_catalog.concat(n.nspname, '.', c.relname) as name
       from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p', 'f') and not c.relispartition
        and n.nspname::text !~ '^pg_' and n.nspname not in ('information_schema', ${quoteLiteral(ledgerSchema)})
      order by n.nspname, c.relname`,
  )
  return rows.map(row => row.name)
}
