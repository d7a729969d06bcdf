// A migration written in TypeScript or JavaScript.

import { pathToFileURL } from 'node:url'
import { MigrationFailedError, UsageError } from '../errors.ts'
import type { Migration } from '../files/migration.ts'
import { codeOf, isConnectionLoss } from '../postgres/sqlstate.ts'
import { refuseBehindPooler } from './apply.ts'
import type { MigrationContext, MigrationModule } from './context.ts'
import { cleanUp, type Limits, leaveNothing, setLimits } from './messages.ts'
import type { Run } from './run.ts'

/** Runs a code migration's `up` and records it: in one transaction, unless it is marked transaction:false. */
export async function applyCode(run: Run, migration: Migration, limits: Limits): Promise<void> {
  const { name, checksum, kind } = migration
  const row = { name, checksum, kind, breaking: migration.marks.breaking }
  const { session, messages } = run
  const module = await loadModule(migration)
  const up = (context: MigrationContext) => module.up(context)

  if (migration.marks.transaction) {
    await session.script(`begin;${setLimits(limits, true)}${messages.applyGuard(name)}${messages.forgetUnbegun(name)}`)
      .done
    await call(run, migration, up, `${name} was rolled back; the database is as it was before it.`)
    if (!session.inTransaction)
      throw new MigrationFailedError(
        name,
        `${migration.file} ended its own transaction. Mark it \`// migrate:up transaction:false\`, or leave COMMIT and ROLLBACK to the run.`,
      )
    await session.script(`${cleanUp}${messages.recordApplied(row)}${leaveNothing}commit`).done
    return
  }
  refuseBehindPooler(run, name)
  await session.script(
    `begin;${messages.applyGuard(name)}${messages.forgetUnbegun(name)}${messages.recordRunning(row)}commit`,
  ).done
  await session.script(setLimits(limits, false)).done
  await call(run, migration, up, `What ${name} had committed stays; the next run calls it again from its start.`)
  await session.rollback()
  await session.script(`begin;${cleanUp}${messages.finish(name)}${leaveNothing}commit`).done
}

/** Loads the module and checks its shape. @throws UsageError */
export async function loadModule(migration: Migration): Promise<MigrationModule> {
  let module: Partial<MigrationModule>
  try {
    module = await import(pathToFileURL(migration.file).href)
  } catch (error) {
    throw new UsageError(`${migration.file} cannot be loaded: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    })
  }
  if (typeof module.up !== 'function')
    throw new UsageError(
      `${migration.file} exports no function \`up\`: write \`export async function up(context) { ... }\`.`,
    )
  if (module.down !== undefined && typeof module.down !== 'function')
    throw new UsageError(`${migration.file} exports a \`down\` that is no function.`)
  return module as MigrationModule
}

/** Calls one direction of a module; what it throws is rolled back and explained. */
export async function call(
  run: Run,
  migration: Migration,
  direction: (context: MigrationContext) => unknown,
  undone: string,
): Promise<void> {
  const { name } = migration
  const context: MigrationContext = {
    name,
    query: (text, values) => run.session.query(text, values),
    log: { info: (fields, message) => run.log.info({ ...fields, migration: name }, message) },
    signal: run.signal,
  }
  try {
    await untilAborted(run.signal, Promise.resolve(direction(context)))
  } catch (error) {
    if (run.signal.aborted || isConnectionLoss(error)) throw error
    await run.session.rollback()
    await run.session.script(cleanUp).done
    const code = codeOf(error)
    const message = error instanceof Error ? error.message : String(error)
    throw new MigrationFailedError(
      name,
      `${name} failed${frameOf(error, migration.file)}: ${message}${code ? ` (${code})` : ''}\n${undone} Correct the file and run \`schemagate up\` again.`,
      { cause: error },
    )
  }
}

/** A module that does not heed its signal is left behind: its statements are cancelled, and its connection is cut. */
async function untilAborted(signal: AbortSignal, work: Promise<unknown>): Promise<void> {
  const stopped = Promise.withResolvers<never>()
  let grace: NodeJS.Timeout | undefined
  const onAbort = () => {
    grace = setTimeout(() => stopped.reject(signal.reason), graceAfterAbort)
  }
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    await Promise.race([work, stopped.promise])
  } finally {
    clearTimeout(grace)
    signal.removeEventListener('abort', onAbort)
  }
}

/** Milliseconds for a module's own clean-up. */
const graceAfterAbort = 1_000

/** The place in the migration's own file, from the stack. */
function frameOf(error: unknown, file: string): string {
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  const frame = stack.split('\n').find(line => line.includes(pathToFileURL(file).href) || line.includes(file))
  const place = /:(\d+):(\d+)\)?$/.exec(frame ?? '')
  return place ? ` at ${file}:${place[1]}:${place[2]}` : ''
}
