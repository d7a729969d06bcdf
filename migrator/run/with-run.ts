// Begins a run and ends it: the lock, the ledger, the record, and all that is left of them afterwards.

import { codeOf, ownState } from '../../gate/postgres/sqlstate.ts'
import { DeniedError } from '../errors.ts'
import { noteRaised } from '../ledger/guards.ts'
import { Ledger } from '../ledger/ledger.ts'
import { makeLedger } from '../ledger/make.ts'
import { whyReadOnly } from '../postgres/read-only.ts'
import type { Session } from '../postgres/session.ts'
import { Announced } from '../progress/announced.ts'
import { version } from '../version.ts'
import { attempt } from './attempt.ts'
import { BlockerWatch } from './blockers.ts'
import type { Engine } from './engine.ts'
import { restartAfterLostCommits } from './lost-commits.ts'
import type { RunRecord } from './record.ts'
import { limitsOf, type Run } from './run.ts'
import { RunLock } from './run-lock.ts'
import { WatchConnection } from './watch-connection.ts'
import { watchProgress } from './watch-progress.ts'

/**
 * Begins a run: takes the lock, makes the ledger or upgrades it, and hands over a context for what changes the database.
 * `use` is called again when the database turned out to lack commits of this run.
 */
export async function withRun<T>(
  engine: Engine,
  session: Session,
  record: RunRecord,
  use: (run: Run) => Promise<T>,
): Promise<T> {
  const { settings, log, signal } = engine
  const { id } = record
  const { schema } = settings
  const lock = new RunLock({ session, schema, wait: settings.lockWait, signal, log })
  const ledger = new Ledger({ session, schema, runId: id, toolVersion: version, lock })
  const watch = new WatchConnection(session)
  const blockers = new BlockerWatch(watch, log)
  const progress = new Announced()
  const watched = { session, connection: watch, announced: progress, log, display: engine.progressDisplay }
  const run: Run = {
    ...{ id, record, session, lock, settings, ledger, log, signal, blockers, progress },
    watchProgress: migration => watchProgress(migration, watched),
  }
  const work = () =>
    restartAfterLostCommits(async () => {
      await attempt(run, 'the ledger', () => lockAndMakeLedger(run))
      const result = await use(run)
      await record.endAfter(ledger)
      return result
    })
  try {
    await requireWritable(engine, session)
    return await record.during(session, work)
  } finally {
    lock.close()
    await watch.close()
  }
}

async function lockAndMakeLedger(run: Run): Promise<void> {
  const { session, ledger, record, lock, log } = run
  // the lock went with a lost connection; taking it twice in one session is harmless
  await lock.take(false)
  const by = { runId: run.id, toolVersion: version }
  const progress = run.watchProgress('the ledger')
  try {
    await makeLedger(session, ledger, record.begin(), limitsOf(run, {}, false), by, log)
  } catch (error) {
    throw lock.isProvisional && isMadeAtOnce(error) ? new MadeAtOnceError() : error
  } finally {
    progress.stop()
  }
  record.hasBegun()
  if (lock.isProvisional) await lock.take()
  ledger.made()
}

/** Where the run lock's key was passed over and there is no ledger yet, nothing keeps two runs from making it at once. */
class MadeAtOnceError extends Error {
  readonly code = ownState.lockBusy

  constructor() {
    super('another run makes the ledger')
    noteRaised(this)
  }
}

/** Unique violation, duplicate schema, table, object and function, and a catalogue's row that two sessions have updated. */
function isMadeAtOnce(error: unknown): boolean {
  return ['23505', '42P06', '42P07', '42710', '42723', 'XX000'].includes(codeOf(error) ?? '')
}

/** Any server could answer what was asked so far. @throws DeniedError if there is only one, and it takes no writes. */
async function requireWritable({ settings: { target } }: Engine, session: Session): Promise<void> {
  if (!session.greeting.readOnly) return
  if (target.endpoints.length > 1) return session.reconnect({ writable: true })
  throw new DeniedError(`The database is read-only. ${await whyReadOnly(session)}`)
}
