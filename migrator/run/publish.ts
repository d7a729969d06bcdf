// After a successful run: tells the applications what the database has now.

import { quoteLiteral } from '../../gate/postgres/quote.ts'
import { type FilledSchema, tablesIn, tablesStand, writeNote } from '../../gate/protocol/emptied.ts'
import { ledgerTable, manifestTable } from '../../gate/protocol/ledger.ts'
import { isAnyGone, isOfThisLedger, tablesNote } from '../../gate/protocol/replaced.ts'
import { requireFunctionDdl } from '../../gate/protocol/require.ts'
import type { MigrationsFolder } from '../files/folder.ts'
import { manifestOf } from '../files/manifest.ts'
import { namedSchemas } from '../files/named-schemas.ts'
import { statementsOnly } from '../ledger/changes.ts'
import type { History } from '../ledger/history.ts'
import { filledSchemas } from '../ledger/other-tables.ts'
import { givenToOwner } from '../ledger/owner.ts'
import type { Session } from '../postgres/session.ts'
import { version } from '../version.ts'
import { attempt } from './attempt.ts'
import type { Run } from './run.ts'
import { knownFolder } from './up-to-date.ts'

/**
 * False if a run was stopped after its last change and before it published: the next one does; if a table is gone that it
 * named; and if ledger or tables were restored. Both times are the server's. A database that has nothing of the files, or more than they have, has nothing to
 * be published for them.
 */
export async function isPublished(session: Session, schema: string, history: History): Promise<boolean> {
  if (history.applied.length === 0 || history.state === 'ahead') return true
  const { condition } = history.ledger
  if (!condition?.tables.has('manifest')) return false
  const noted = "manifest->'tables'::text"
  const { rows } = await session.query<{ published: boolean }>(
    `select exists (select from ${manifestTable(schema)}
       where pg_catalog.jsonb_array_length(manifest->'migrations'::text) = ${history.applied.length}
         and published_at >= (select pg_catalog.max(applied_at) from ${ledgerTable(schema)} where state = 'applied')
         and ${isOfThisLedger(noted, schema)} and not ${isAnyGone(noted)})
       and ${tablesStand(tablesIn(condition.comment))} as published`,
  )
  return rows[0]!.published
}

/**
 * Gives the app's role its login, if there is one (`ensureRole`), stores the manifest of what is applied and where its
 * tables are, and notifies the gates. A standby
 * that is promoted in between may lack the role: it is looked at again with each attempt.
 */
export async function publish(
  run: Run,
  folder: MigrationsFolder,
  history: History,
  ensureRole?: () => Promise<void>,
): Promise<void> {
  const { schema } = run.settings
  const files = folder.migrations()
  const applied = new Set(history.applied.map(row => row.name))
  const manifest = manifestOf(files.filter(file => applied.has(file.name)))
  const json = quoteLiteral(JSON.stringify({ ...manifest, folder: knownFolder(folder) }))
  // the server's clock may have been set back since, or a standby's may be behind
  const publishedAt = `greatest(pg_catalog.clock_timestamp(), (select pg_catalog.max(applied_at) from ${ledgerTable(schema)} where state = 'applied'))`
  const named = namedSchemas(files)
  const text = (filled: readonly FilledSchema[]) =>
    `insert into ${manifestTable(schema)} (manifest, run_id, tool_version, published_at) values (${json}::pg_catalog.jsonb || pg_catalog.jsonb_build_object('tables', ${tablesNote(schema, filled)}),
    ${quoteLiteral(run.id)}, ${quoteLiteral(version)}, ${publishedAt}) ` +
    'on conflict (only_row) do update set manifest = excluded.manifest, published_at = excluded.published_at, ' +
    'run_id = excluded.run_id, tool_version = excluded.tool_version;' +
    requireFunctionDdl(schema) +
    givenToOwner(schema) +
    writeNote(ledgerTable(schema), filled)
  const notified = run.ledger.change.notified({ event: 'published', head: history.head })
  const progress = run.watchProgress('the manifest')
  try {
    await attempt(run, 'the manifest', async () => {
      await ensureRole?.()
      const filled = await filledSchemas(run.session, schema, name => named.has(name))
      await run.ledger.write([statementsOnly(text(filled)), notified, run.record.end()])
    })
  } finally {
    progress.stop()
  }
}
