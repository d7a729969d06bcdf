// What other migration tools have to do with this database: asked where the ledger has no row, or remembers an adoption.

import { quoteIdent } from '../../gate/postgres/quote.ts'
import type { Migration } from '../files/migration.ts'
import type { History, Problem } from '../ledger/history.ts'
import type { Session } from '../postgres/session.ts'
import { attempt } from './attempt.ts'
import type { Engine } from './engine.ts'
import { lookBeside, readHistory, reading } from './history.ts'
import type { Run } from './run.ts'

/**
 * The history, with what other tools have done added to it: in state `foreign` where the ledger has no row and the database
 * is not empty, and with the problem `moved-on` where an adopted history has changed since. A ledger that has rows and no
 * adoption costs nothing.
 * @param isRelevant which changes of an adopted history count.
 */
export async function withOtherTools(
  engine: Engine,
  files: readonly Migration[],
  session: Session,
  history: History,
  isRelevant: (problem: Problem) => boolean = () => true,
): Promise<History> {
  if (history.rows.length === 0) return lookForForeign(engine, files, session, history)
  if (!history.ledger.condition?.tables.get('adoption')?.readable) return history
  const { movedOn } = await import('../adopt/moved-on.ts')
  const read = () => readHistory(engine, files, session)
  const look = async (one: History) => {
    const found = await reading(engine, session, () => movedOn(session, engine.settings.schema, files, one))
    return found.filter(isRelevant)
  }
  const beside = await lookBeside(history, read, look, found => found.length > 0)
  return beside.found.length === 0 ? beside.history : withProblems(beside.history, 'diverged', beside.found)
}

function withProblems(history: History, state: 'foreign' | 'diverged', problems: readonly Problem[]): History {
  return { ...history, state, problems: [...history.problems, ...problems] }
}

/** Files that are pending on such a database may be what has made it. */
async function lookForForeign(
  engine: Engine,
  files: readonly Migration[],
  session: Session,
  history: History,
): Promise<History> {
  const { schema, onForeignTables } = engine.settings
  if (history.pending.length === 0 || onForeignTables === 'run') return history
  const { readForeign } = await import('../histories/foreign.ts')
  const foreign = await reading(engine, session, () => readForeign(session, schema, files))
  if (!foreign) return history
  // another migrator may have come between the two questions, and its tables with its rows
  const now = await readHistory(engine, files, session)
  if (now.rows.length > 0 || (await reading(engine, session, () => wasEmptied(session, schema, now)))) return now
  return withProblems(now, 'foreign', [{ code: 'foreign', migration: null, message: foreign.message }])
}

/**
 * A ledger that a `down` has emptied, which may have been stopped before it published that: what is left in the database is
 * this project's own. With migrations that were published and no `down` since, the ledger has lost its rows.
 */
async function wasEmptied(session: Session, schema: string, { ledger }: History): Promise<boolean> {
  const { tables } = ledger.condition ?? { tables: new Map() }
  if (!tables.get('manifest')?.readable) return false
  const s = quoteIdent(schema)
  const downs = tables.get('runs')?.readable
    ? `exists (select from ${s}.runs where command = 'down' and started_at >= published_at)`
    : 'true'
  const { rows } = await session.query<{ emptied: boolean }>(
    `select exists (select from ${s}.manifest where pg_catalog.jsonb_array_length(manifest->'migrations'::text) = 0 or ${downs}) as emptied`,
  )
  return rows[0]!.emptied
}

/** Where an adopted history is to be kept: this run writes its rows, too. */
export async function keepAdoptedHistory(run: Run, files: readonly Migration[], history: History): Promise<void> {
  if (!history.ledger.condition?.tables.has('adoption')) return
  const { keepHistory } = await import('../adopt/kept-history.ts')
  await attempt(run, 'the kept history', () => keepHistory(run, files, history))
}
