// A migration written in TypeScript or JavaScript.

import { basename } from 'node:path'
import { inspect } from 'node:util'
import type pg from 'pg'
import { codeOf, isConnectionLoss } from '../../gate/postgres/sqlstate.ts'
import { MigrationFailedError, ProcessEndedError } from '../errors.ts'
import type { Migration } from '../files/migration.ts'
import { refuseBehindPooler } from '../run/pooler.ts'
import type { Run } from '../run/run.ts'
import { loadParser, parseStatements } from '../sql/parse.ts'
import type { MigrationContext } from './code-context.ts'
import { foreignModule, loadModule, placeIn } from './code-module.ts'
import { type Aftermath, fieldLines, wayOut } from './failure.ts'
import { mend } from './leftovers.ts'
import { type Limits, leaveNothing, resetSession, setLimits } from './messages.ts'
import { untilAborted } from './until-aborted.ts'

/** Runs a code migration's `up` and records it: in one transaction, unless it is marked transaction:false. */
export async function applyCode(run: Run, migration: Migration, limits: Limits): Promise<void> {
  const { name, checksum, kind } = migration
  const row = { name, checksum, kind, breaking: migration.marks.breaking }
  const { session, messages } = run
  const module = await loadModule(migration, run.signal)
  const up = (context: MigrationContext) => module.up(context)

  if (migration.marks.transaction) {
    await session.script(`begin;${setLimits(limits, true)}${messages.applyGuard(name)}`).done
    await call(run, migration, up, {
      text: `${name} was rolled back; the database is as it was before it.`,
      again: 'schemagate up',
    })
    if (!session.inTransaction)
      throw new MigrationFailedError(
        name,
        `${migration.file} ended its own transaction. Mark it \`// migrate:up transaction:false\`, or leave COMMIT and ROLLBACK to the run.`,
      )
    await session.script(`${resetSession(session)}${messages.recordApplied(row)}${leaveNothing}commit`).done
    return
  }
  refuseBehindPooler(run, name)
  await session.script(
    `begin;${messages.applyGuard(name)}${messages.forgetUnbegun(name)}${messages.recordRunning(row)}commit`,
  ).done
  run.known.underWay(name, checksum)
  await session.script(setLimits(limits, false)).done
  await call(run, migration, up, {
    text: `What ${name} had committed stays; the next run calls it again from its start.`,
    again: 'schemagate up',
  })
  await session.rollback()
  await session.script(`begin;${resetSession(session)}${messages.finish(name)}${leaveNothing}commit`).done
}

/**
 * An interrupted CREATE INDEX CONCURRENTLY leaves an INVALID index, over which IF NOT EXISTS would then pass: it is
 * dropped before the module asks for it again.
 */
async function mendBefore(run: Run, name: string, text: string): Promise<void> {
  if (!/\bconcurrently\b/i.test(text)) return
  await loadParser()
  const [statement, ...more] = parseStatements(text) ?? []
  if (!statement || more.length > 0) return
  const { message } = await mend(run.session, statement.node, undefined)
  if (message) run.log.info({ event: 'mend', migration: name }, `${name}: ${message}`)
}

/** A server that ended the session over the failure has cleaned up by that. */
async function leaveClean({ session }: Run): Promise<void> {
  await session.rollback()
  await session.script(resetSession(session)).done.catch((error: unknown) => {
    if (!isConnectionLoss(error)) throw error
  })
}

/** Calls one direction of a module; what it throws is rolled back and explained. */
export async function call(
  run: Run,
  migration: Migration,
  direction: (context: MigrationContext) => unknown,
  aftermath: Aftermath,
): Promise<void> {
  const { name } = migration
  let failed: { readonly error: unknown; readonly text: string } | undefined
  /** The module caught the failure and went on. */
  let hidden = false
  const context: MigrationContext = {
    name,
    query: async <Row extends pg.QueryResultRow>(text: string, values?: unknown[]) => {
      try {
        if (!migration.marks.transaction) await mendBefore(run, name, text)
        return await run.session.query<Row>(text, values)
      } catch (error) {
        failed = { error, text }
        throw error
      }
    },
    log: { info: (fields, message) => run.log.info({ ...fields, migration: name }, message) },
    signal: run.signal,
  }
  try {
    await untilAborted(run.signal, Promise.resolve(direction(context)))
    // what it did not wait for and nobody caught is a failure of its own all the same
    if (run.signal.reason instanceof ProcessEndedError) throw run.signal.reason
    // the server says what became of the transaction only after the error: an empty query waits for that
    if (failed) {
      await run.session.query('')
      hidden = run.session.inFailedTransaction
      if (hidden) throw failed.error
    }
  } catch (error) {
    // a file that is not there, a service that does not answer: the module's own errors have such codes, too
    if (run.signal.aborted || (error === failed?.error && isConnectionLoss(error))) throw error
    await leaveClean(run)
    const code = codeOf(error)
    const message = error instanceof Error ? error.message : typeof error === 'string' ? error : inspect(error)
    const place = placeIn(migration.file, error)
    const at = place ? ` at ${basename(place.file)}:${place.line}:${place.column}` : ''
    const foreign = error instanceof TypeError ? foreignModule(migration.file) : ''
    const lines = [
      `${name} failed${at}: ${message}${code ? ` (${code})` : ''}`,
      ...(foreign ? [`  ${foreign}`] : []),
      ...fieldLines(error, failed?.error === error ? failed?.text : undefined),
      ...(hidden
        ? [
            '  The module caught this error and went on, but in a transaction nothing can follow it: let it through, guard the query with a savepoint, or mark the file `// migrate:up transaction:false`.',
          ]
        : []),
      `${aftermath.text} ${wayOut(error, aftermath.again)}`,
    ]
    throw new MigrationFailedError(name, lines.join('\n'), { cause: error, place })
  }
}
