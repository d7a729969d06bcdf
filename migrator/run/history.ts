// The history of a database: its ledger held against the files, before a run and in one.

import { isConnectionLoss } from '../../gate/postgres/sqlstate.ts'
import { DivergedError } from '../errors.ts'
import type { Migration } from '../files/migration.ts'
import { HiddenLedgerError } from '../ledger/condition.ts'
import { compareHistory, type History, isDisagreement } from '../ledger/history.ts'
import { readLedger } from '../ledger/read.ts'
import type { Session } from '../postgres/session.ts'
import { attempt } from './attempt.ts'
import type { Engine } from './engine.ts'
import type { RunRecord } from './record.ts'
import type { Run } from './run.ts'
import { withRun } from './with-run.ts'

/** In a row, before anything is begun. */
const mostLosses = 5

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
    const ledger = await readLedger(session, engine.settings.schema)
    return compareHistory(files, ledger.rows, ledger)
  })
}

/**
 * The history, and what a look beside it found. Where that is in the way, another run may have recorded it between the two
 * questions: it counts once the ledger names the same migrations before and after the look.
 */
export async function lookBeside<T>(
  first: History,
  read: () => Promise<History>,
  look: (history: History) => Promise<T>,
  isInTheWay: (found: T) => boolean,
): Promise<{ readonly history: History; readonly found: T }> {
  let history = first
  for (;;) {
    const found = await look(history)
    if (!isInTheWay(found)) return { history, found }
    const now = await read()
    if (namesIn(now) === namesIn(history)) return { history: now, found }
    history = now
  }
}

function namesIn({ rows }: History): string {
  return rows.map(({ name }) => name).join('\n')
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
  const contents = await attempt(run, 'the ledger', () => run.ledger.read())
  return compareHistory(files, contents.rows, contents)
}

/** What was found on a database that something else has migrated, and the ways out. */
export function foreignMessage({ problems }: Pick<History, 'problems'>): string {
  return problems.flatMap(({ code, message }) => (code === 'foreign' ? [message] : [])).join('\n')
}

/** @throws DivergedError if the ledger speaks of tables that are gone: to change what it says would not bring them back. */
export function requireNotEmptied({ problems }: History): void {
  const emptied = problems.find(({ code }) => code === 'emptied')
  if (emptied) throw new DivergedError(`Nothing was changed. ${emptied.message}`)
}

/**
 * @throws DivergedError if files and ledger disagree; all problems in one message.
 * @param allowAhead let a database pass that has newer migrations, none of them breaking.
 */
export function requireAgreement(history: History, allowAhead = false): void {
  if (allowAhead && history.state === 'ahead') {
    const known = new Set(history.problems.map(problem => problem.migration))
    if (!history.rows.some(row => known.has(row.name) && row.breaking)) return
  }
  if (history.state === 'foreign') throw new DivergedError(foreignMessage(history))
  if (history.state !== 'diverged' && history.state !== 'ahead') return
  const lines = history.problems.filter(isDisagreement).map(p => `- ${p.code}: ${p.message}`)
  throw new DivergedError(`The ledger and the migration files disagree; nothing was changed.\n${lines.join('\n')}`)
}
