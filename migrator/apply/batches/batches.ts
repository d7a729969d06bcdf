// `context.batch` of one call of a code migration: batch after batch, each a transaction with its checkpoint in the ledger.

import { isConnectionLoss } from '../../../gate/postgres/sqlstate.ts'
import { TableLockError } from '../../errors.ts'
import { statementsOnly } from '../../ledger/changes.ts'
import { doneBatches, progressOf } from '../../ledger/journal.ts'
import type { Checkpoint, Journal } from '../../ledger/read.ts'
import type { FailedQuery } from '../../postgres/error-fields.ts'
import { type Limits, resetSession, setLimits } from '../../postgres/limits.ts'
import { type Attempt, attempt } from '../../run/attempt.ts'
import type { Run } from '../../run/run.ts'
import type { MigrationContext } from '../code-context.ts'
import { type Definition, readDefinition, requireKeyKept } from './definition.ts'
import { Keyset, type Range } from './keyset.ts'
import { Throttle } from './throttle.ts'

export interface BatchesOptions {
  readonly run: Run
  readonly migration: string
  readonly limits: Limits
  readonly attempt: Attempt
  readonly query: MigrationContext['query']
  readonly onFailure: (error: unknown, query: FailedQuery) => void
}

type Work = Parameters<MigrationContext['batch']>[1]

/** One call of `context.batch`, under way. */
interface Course {
  readonly name: string
  readonly definition: Definition
  readonly keyset: Keyset
  readonly work: Work
  /** Undefined: nothing is done. */
  checkpoint: Checkpoint | undefined
}

/**
 * The calls of `context.batch` that one function of a migration makes, each known to the ledger by a name of its own.
 */
export class Batches {
  readonly #options: BatchesOptions
  /** The calls so far, by name. */
  readonly #names = new Set<string>()
  /** What the call goes over that has not come to its end. */
  #active: string | undefined
  #call: Promise<unknown> | undefined
  #isAbandoned = false
  #done: readonly string[] = []
  #count = 0
  #left: readonly string[] = []
  /** Thrown by the work itself, and not by the server. */
  #workError: unknown

  constructor(options: BatchesOptions) {
    this.#options = options
  }

  /** What an interrupted run has gone over, and this one has not yet. */
  get left(): readonly string[] {
    return this.#left
  }

  /** How many are done, those of interrupted runs included. */
  get count(): number {
    return this.#count
  }

  /** Ends what the module has not awaited, behind the batch that is under way. @throws Error if there is such a call. */
  async requireEnded(): Promise<void> {
    const table = this.#active
    if (table === undefined) return
    this.#isAbandoned = true
    await this.#call
    throw new Error(`context.batch: the batches of ${table} were still under way at its end. Await the call.`)
  }

  readonly batch: MigrationContext['batch'] = async (options, work) => {
    const definition = readDefinition(options, work !== undefined)
    if (this.#active !== undefined)
      throw new Error(
        `context.batch: the batches of ${this.#active} are under way. Await them before those of ${definition.table}.`,
      )
    this.#active = definition.table
    const call = this.#runAll(definition, work)
    this.#call = call.catch(() => {})
    try {
      return { rows: await call }
    } catch (error) {
      if (error instanceof Error && definition.set !== undefined) Error.captureStackTrace(error)
      // a service that the work asks may be away as well
      if (isConnectionLoss(error) && error !== this.#workError) this.#options.onFailure(error, { text: '' })
      throw error
    } finally {
      this.#active = undefined
    }
  }

  async #begin(definition: Definition, work: Work): Promise<Course> {
    const { run, migration, limits, query } = this.#options
    const { session } = run
    // a batch is the same whatever stood before it: after an interruption that may be less
    await session.script(`${resetSession(session)}${around(session, limits)}`).done
    const keyset = await Keyset.read(query, definition)
    await requireKeyKept(definition)
    const name = definition.name ?? keyset.table
    if (this.#names.has(name))
      throw new Error(`context.batch: a second pass over ${name} would be taken for the first. Give it a \`name\`.`)
    this.#names.add(name)
    const journal: Journal | null = (await run.ledger.row(migration))?.journal ?? null
    this.#done = journal?.done ?? []
    this.#count = progressOf(journal).steps
    this.#left = Object.keys(journal?.batches ?? {}).filter(left => !this.#names.has(left))
    const checkpoint = journal?.batches?.[name]
    if (checkpoint) requireSame(name, checkpoint, keyset.table, definition.key)
    return { name, definition, keyset, work, checkpoint }
  }

  async #runAll(definition: Definition, work: Work): Promise<number> {
    const { run, migration, query } = this.#options
    const course = await this.#begin(definition, work)
    const { name, keyset, checkpoint } = course
    const rows = () => course.checkpoint?.rows ?? 0
    const log = (message: string) =>
      run.log.info({ event: 'batches', migration, batch: name, rows: rows() }, `${migration}: ${message}`)
    if (checkpoint) log(`${rows()} rows of ${name} are done; going on behind them`)
    const left = await keyset.estimate(query, checkpoint?.after)
    const total = left === undefined ? undefined : left + rows()
    const announce = (phase: string) =>
      run.progress.announce({ phase, rows: rows(), of: total !== undefined && total > rows() ? total : undefined })
    const throttle = new Throttle(run, migration, definition)
    do {
      run.signal.throwIfAborted()
      await throttle.wait(() => announce('waiting for replicas'))
      announce(`batches of ${name}`)
    } while ((await this.#next(course)) && !this.#isAbandoned)
    run.progress.announce(undefined)
    log(`${rows()} rows of ${name} are done`)
    return rows()
  }

  /** Does the next batch, again after a clash. False: there are no more rows. */
  async #next(course: Course): Promise<boolean> {
    const { run, migration, query, attempt: outer } = this.#options
    const { keyset, definition, checkpoint } = course
    try {
      return await attempt(
        run,
        migration,
        async () => {
          const range = await keyset.next(query, checkpoint?.after, definition.size)
          if (range) await this.#commit(course, range)
          return range !== undefined
        },
        outer.blockers,
        { reconnects: false },
      )
    } catch (error) {
      if (!(error instanceof TableLockError)) throw error
      throw new TableLockError(`${error.message} The ${this.#count} batches before it have committed and stay.`, {
        cause: error.cause,
      })
    }
  }

  async #commit(course: Course, range: Range): Promise<void> {
    const { run, migration, limits, attempt: outer } = this.#options
    const { ledger, session } = run
    const { definition, keyset, work } = course
    const checkpoint: Checkpoint = {
      table: keyset.table,
      key: definition.key,
      after: range.to,
      rows: (course.checkpoint?.rows ?? 0) + range.rows,
    }
    const guard = ledger.guards.isAt(migration, this.#done)
    const transaction = ledger.transaction({ limits, guard, reset: work !== undefined })
    const change = ledger.change.batchDone(migration, this.#count + 1, course.name, checkpoint)
    if (definition.set !== undefined) {
      const sql = keyset.update(definition.set, range)
      const message = transaction.commit([change], sql)
      try {
        await message.done
      } catch (error) {
        const { text, sqlStart: start } = message
        this.#options.onFailure(error, { text, start, end: start + sql.length })
        throw error
      }
    } else {
      await transaction.send().done
      await this.#work(course, range)
      // the reset that keeps what the work has set from the ledger takes the limits with it
      const limited = statementsOnly(around(session, limits))
      await transaction.commit([limited, change]).done
    }
    course.checkpoint = checkpoint
    this.#count++
    this.#done = doneBatches(this.#count)
    outer.progressed()
  }

  /** Leaves no transaction behind where it fails: the module may catch that. */
  async #work({ work, name }: Course, { from, to, rows }: Range): Promise<void> {
    const { run, query } = this.#options
    const { session } = run
    let failed: { readonly error: unknown } | undefined
    const noted: MigrationContext['query'] = async (text, values) => {
      try {
        return await query(text, values)
      } catch (error) {
        failed = { error }
        throw error
      }
    }
    try {
      await work?.({ query: noted, from, to, rows })
      if (failed) await session.query('')
      if (failed && session.inFailedTransaction) throw failed.error
      if (!session.inTransaction)
        throw new Error(
          `context.batch: the work on ${name} ended its batch's transaction. Leave COMMIT and ROLLBACK to the run.`,
        )
    } catch (error) {
      if (error !== failed?.error) this.#workError = error
      if (!run.signal.aborted) await session.rollback()
      throw error
    }
  }
}

/** The limits of what is between the batches, and keys of a floating type in all their digits. */
function around(session: Run['session'], limits: Limits): string {
  return `${setLimits(session, limits, false).join('')}set extra_float_digits = 1;`
}

function requireSame(name: string, was: Checkpoint, table: string, key: readonly string[]): void {
  const describe = (one: string, columns: readonly string[]) => `${one} by (${columns.join(', ')})`
  if (describe(table, key) === describe(was.table, was.key)) return
  throw new Error(
    `context.batch: ${was.rows} rows are done as ${name}, which went over ${describe(was.table, was.key)} and now is to go over ${describe(table, key)}. Undo that change, or give it another \`name\`, under which it begins with the first row.`,
  )
}
