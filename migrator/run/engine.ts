// What every command of the engine starts with: the files, a session, the history.

import { hostname } from 'node:os'
import { codeOf, isConnectionLoss, ownState } from '../../gate/postgres/sqlstate.ts'
import { LedgerMessages } from '../apply/messages.ts'
import { DeniedError, DivergedError } from '../errors.ts'
import { type FolderOptions, readFolderInTurns } from '../files/folder.ts'
import type { Migration } from '../files/migration.ts'
import { HiddenLedgerError } from '../ledger/condition.ts'
import { compareHistory, type History, isDisagreement } from '../ledger/history.ts'
import { makeLedger } from '../ledger/make.ts'
import { readWholeLedger } from '../ledger/read.ts'
import { migratorName } from '../ledger/table.ts'
import type { Log } from '../log.ts'
import { whyReadOnly } from '../postgres/read-only.ts'
import { Session } from '../postgres/session.ts'
import type { Settings } from '../settings/settings.ts'
import { version } from '../version.ts'
import { persist } from './attempt.ts'
import { Watch } from './blockers.ts'
import { Known, untilNotRewound } from './lost-commits.ts'
import type { RunRecord } from './record.ts'
import type { Run } from './run.ts'
import { RunLock } from './run-lock.ts'

/** In a row, before anything is begun. */
const mostLosses = 5

export interface Engine {
  readonly settings: Settings
  readonly log: Log
  readonly signal: AbortSignal
  /** Takes the settings' secrets out of a text. */
  redact(text: string): string
}

/** A session for one command, closed whatever happens. Errors as {@link Session.open}. */
export async function withSession<T>(engine: Engine, use: (session: Session) => Promise<T>): Promise<T> {
  const session = await openSession(engine)
  try {
    return await use(session)
  } finally {
    await session.close()
  }
}

function openSession({ settings, log, signal }: Engine): Promise<Session> {
  return Session.open({
    target: settings.target,
    timeout: settings.connectTimeout,
    signal,
    log,
    applicationName: `${migratorName} ${hostname()} ${process.pid}`,
  })
}

/** A log hears of a file once, however often the folder is read: `wait` reads it again and again. */
const heard = new WeakMap<Log, Set<string>>()

/** How the folder of migrations is read; what is left out is logged. */
export function folderOptions({ layout, ignore }: Pick<Settings, 'layout' | 'ignore'>, log: Log): FolderOptions {
  const files = heard.get(log) ?? new Set()
  heard.set(log, files)
  return {
    layout,
    ignore,
    onLeftOut({ file, message }) {
      if (files.has(file)) return
      files.add(file)
      log.warn({ event: 'left-out', file }, message)
    },
  }
}

/** The files and the session at once: the network is slower than the folder. */
export async function withFilesAndSession<T>(
  engine: Engine,
  use: (files: Migration[], session: Session) => Promise<T>,
): Promise<T> {
  const opening = openSession(engine)
  opening.catch(() => {})
  let files: Migration[]
  try {
    files = await readFolderInTurns(engine.settings.dir, folderOptions(engine.settings, engine.log))
  } catch (error) {
    void opening.then(session => session.close()).catch(() => {})
    throw error
  }
  const session = await opening
  try {
    return await use(files, session)
  } finally {
    await session.close()
  }
}

/** Reads before anything is begun; a connection that is lost over it is made again. */
export async function reading<T>(engine: Engine, session: Session, read: () => Promise<T>): Promise<T> {
  for (let losses = 0; ; losses++) {
    try {
      if (losses > 0) await session.reconnect()
      return await read()
    } catch (error) {
      engine.signal.throwIfAborted()
      if (!isConnectionLoss(error) || losses === mostLosses) throw error
    }
  }
}

/** The history as the ledger has it now. */
export async function readHistory(engine: Engine, files: readonly Migration[], session: Session): Promise<History> {
  return reading(engine, session, async () => {
    const ledger = await readWholeLedger(session, engine.settings.schema)
    return compareHistory(files, ledger.rows, ledger)
  })
}

/** The same before a run. Rows that are hidden from the ledger's own owner are shown first, by a run that does only that. */
export async function readHistoryBefore(
  engine: Engine,
  files: readonly Migration[],
  session: Session,
  record: RunRecord,
): Promise<History> {
  const read = () => readHistory(engine, files, session)
  const history = await read().catch(async error => {
    if (!(error instanceof HiddenLedgerError && error.mine)) throw error
    await withRun(engine, session, record, async () => {})
    return read()
  })
  record.found(history.ledger)
  return history
}

/** The same inside a run, whose lock goes with the connection and is taken again with it. */
export async function readHistoryOf(run: Run, files: readonly Migration[]): Promise<History> {
  return persist(run, 'the ledger', async () => {
    const ledger = await readWholeLedger(run.session, run.settings.schema)
    run.known.read(ledger.rows ?? [])
    return compareHistory(files, ledger.rows, ledger)
  })
}

/**
 * @throws DivergedError if files and ledger disagree; all problems in one message.
 * @param allowAhead let a database pass that has newer migrations, none of them breaking.
 */
export function requireAgreement(history: History, allowAhead = false): void {
  if (allowAhead && history.state === 'ahead') {
    const known = new Set(history.problems.map(problem => problem.migration))
    if (!history.applied.some(row => known.has(row.name) && row.breaking)) return
  }
  if (history.state !== 'diverged' && history.state !== 'ahead') return
  const lines = history.problems.filter(isDisagreement).map(p => `- ${p.code}: ${p.message}`)
  throw new DivergedError(`The ledger and the migration files disagree; nothing was changed.\n${lines.join('\n')}`)
}

/**
 * Begins a run: takes the lock, makes the ledger or takes it along, and hands over a context for what changes the database. `use` is called
 * again when the database was rewound under it.
 */
export async function withRun<T>(
  engine: Engine,
  session: Session,
  record: RunRecord,
  use: (run: Run) => Promise<T>,
): Promise<T> {
  const { settings, log, signal } = engine
  const { id } = record
  const lock = new RunLock({ session, schema: settings.schema, wait: settings.lockWait, signal, log })
  const run: Run = {
    id,
    record,
    session,
    lock,
    settings,
    messages: new LedgerMessages(settings.schema, id, version, () => lock.guard),
    log,
    signal,
    known: new Known(),
    watch: new Watch({ target: settings.target, timeout: settings.connectTimeout, log }),
  }
  const work = () =>
    untilNotRewound(async () => {
      await persist(run, 'the ledger', async () => {
        // a lost connection takes the lock along; taking it twice in one session is harmless
        await run.lock.take(false)
        await makeLedger(run).catch(error => {
          throw run.lock.isProvisional && isMadeAtOnce(error) ? new MadeAtOnceError() : error
        })
        if (run.lock.isProvisional) await run.lock.take()
        run.known.ledger()
      })
      const result = await use(run)
      await record.endAfter(session)
      return result
    })
  try {
    await requireWritable(engine, session)
    return await record.during(session, work)
  } finally {
    lock.close()
    await run.watch.close()
  }
}

/** Where the run lock's key was passed over and there is no ledger yet, nothing keeps two runs from making it at once. */
class MadeAtOnceError extends Error {
  readonly code = ownState.lockBusy
}

/** Unique violation, duplicate schema, table, object and function, and a catalogue's row that two sessions have updated. */
function isMadeAtOnce(error: unknown): boolean {
  return ['23505', '42P06', '42P07', '42710', '42723', 'XX000'].includes(codeOf(error) ?? '')
}

/** What was asked so far any server could answer. @throws DeniedError if there is only one, and it takes no writes. */
async function requireWritable({ settings: { target } }: Engine, session: Session): Promise<void> {
  if (!session.greeting.readOnly) return
  if (target.endpoints.length > 1) return session.reconnect({ writable: true })
  throw new DeniedError(`The database is read-only. ${await whyReadOnly(session)}`)
}
