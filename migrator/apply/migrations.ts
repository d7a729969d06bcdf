// A migration's own functions, `up` and `down`, as Umzug calls them: what stands around applying and reverting it.

import type { Migration } from '../files/migration.ts'
import { latePosition } from '../ledger/history.ts'
import { attempt } from '../run/attempt.ts'
import { afterAppsDisconnect } from '../run/drain.ts'
import type { MigrationStatus } from '../run/result.ts'
import type { Run } from '../run/run.ts'
import { apply } from './apply.ts'
import type { Migrating } from './migrating.ts'
import { revert } from './revert.ts'
import type { SentAhead } from './sent-ahead.ts'

/** Applies a migration, or records it where another one stands in for it. */
export async function up(migrating: Migrating, migration: Migration, sentAhead: SentAhead): Promise<MigrationStatus> {
  const { run, files, history } = migrating
  if (run.signal.aborted) return endOfAborted(run, migration, sentAhead)
  if (history.recordOnly.has(migration.name)) return record(migrating, migration)
  // a `down` that was interrupted is finished before it is applied again
  const journal = history.rows.find(row => row.name === migration.name)?.journal
  if (journal?.reverting && (journal.done?.length || journal.started)) await revert(run, migration)
  return afterAppsDisconnect(run, files, migration, 'up', () => apply(run, migration, sentAhead))
}

/** A run that was told to stop begins nothing; what it has sent before may have been committed all the same. */
async function endOfAborted({ signal }: Run, migration: Migration, sentAhead: SentAhead): Promise<MigrationStatus> {
  const isCommitted = await sentAhead.take(migration)?.done.then(
    () => true,
    () => false,
  )
  if (!isCommitted) throw signal.reason
  return 'applied'
}

/** Reverts a migration, once the apps that were built with it have disconnected. */
export async function down({ run, files }: Migrating, migration: Migration): Promise<MigrationStatus> {
  run.signal.throwIfAborted()
  return afterAppsDisconnect(run, files, migration, 'down', () => revert(run, migration))
}

/** Records a migration for which another one stands in, or which stands in for others that were run. */
async function record({ run, files, history }: Migrating, migration: Migration): Promise<MigrationStatus> {
  const { change } = run.ledger
  const { name, kind, checksum, marks, standsIn } = migration
  // what is older than the newest that was run does not become the head
  const late = standsIn ? latePosition(files, history.rows, migration) : 0
  if (late !== undefined) change.markLate(name, late)
  await attempt(run, name, () => run.ledger.write([change.baseline({ name, checksum, breaking: marks.breaking })]))
  const why = standsIn ? 'it stands in for migrations that the database has' : 'a newer one stands in for it'
  run.log.info({ event: 'recorded', migration: name, kind }, `recorded ${name} without running it: ${why}`)
  return 'skipped'
}
