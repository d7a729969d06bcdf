// The queries of a code migration: checked before they are sent, counted while they are under way, and the last that failed.

import { setImmediate } from 'node:timers/promises'
import type pg from 'pg'
import type { Migration } from '../files/migration.ts'
import type { FailedQuery } from '../postgres/error-fields.ts'
import type { Run } from '../run/run.ts'
import { loadParser, parseStatements } from '../sql/parse.ts'
import { controlOf } from '../sql/transaction-statements.ts'
import type { MigrationContext } from './code-context.ts'
import { clearBefore } from './leftovers.ts'

/** Those of one call of a module, on the run's own session. */
export class CodeQueries {
  /** The last one that failed, also if the module has caught its error. */
  failed: { readonly error: unknown; readonly query: FailedQuery } | undefined
  /** The module has caught an error that its transaction does not survive, and went on. */
  isHidden = false
  readonly #run: Run
  readonly #migration: Migration
  /** The module may not have awaited them; counted, since to await them would catch their errors. */
  #underWay = 0
  #onIdle: (() => void) | undefined

  constructor(run: Run, migration: Migration) {
    this.#run = run
    this.#migration = migration
  }

  get isIdle(): boolean {
    return this.#underWay === 0
  }

  /** Resolves when none is under way any more. */
  async idle(): Promise<void> {
    if (!this.isIdle) await new Promise<void>(resolve => (this.#onIdle = resolve))
    // Node reports a rejection that nothing caught only after the turn in which it came
    await setImmediate()
  }

  /** What a migration's `context.query` does. */
  readonly query: MigrationContext['query'] = async <Row extends pg.QueryResultRow>(
    text: string,
    values?: unknown[],
  ) => {
    // pg takes objects as well, in which nothing is looked for that would end the transaction
    if (typeof text !== 'string')
      throw new TypeError("context.query takes SQL as a text, and values behind it: query('select $1', [1])")
    this.#underWay++
    try {
      if (this.#migration.marks.transaction) await requireNoControl(text)
      else await clearIndexBefore(this.#run, this.#migration.name, text)
      this.#run.progress.sent = { text }
      return await this.#run.session.query<Row>(text, values)
    } catch (error) {
      this.onFailure(error, { text })
      throw error
    } finally {
      if (--this.#underWay === 0) this.#onIdle?.()
    }
  }

  /** Remembers a failure, whoever sent the query. */
  readonly onFailure = (error: unknown, query: FailedQuery): void => {
    this.failed = { error, query }
  }

  /**
   * The server says what became of the transaction only after the error: an empty query waits for that.
   * @throws the error of a query that the module has caught, if its transaction does not go on after it.
   */
  async requireNoneHidden(): Promise<void> {
    if (!this.failed) return
    await this.#run.session.query('')
    this.isHidden = this.#run.session.inFailedTransaction
    if (this.isHidden) throw this.failed.error
  }
}

/**
 * An interrupted CREATE INDEX CONCURRENTLY leaves an INVALID index, over which IF NOT EXISTS would then pass: it is
 * dropped before the module asks for it again.
 */
async function clearIndexBefore(run: Run, name: string, text: string): Promise<void> {
  if (!/\bconcurrently\b/i.test(text)) return
  await loadParser()
  const [statement, ...more] = parseStatements(text) ?? []
  if (!statement || more.length > 0) return
  const { message } = await clearBefore(run.session, statement.node, undefined)
  if (message) run.log.info({ event: 'leftovers', migration: name }, `${name}: ${message}`)
}

/** @throws Error where the text would end the run's transaction, or begin one in it: half of the migration would stay. */
async function requireNoControl(text: string): Promise<void> {
  if (!/\b(?:begin|start|commit|end|rollback|abort|prepare)\b/i.test(text)) return
  await loadParser()
  const controls = parseStatements(text)?.filter(({ node }) => {
    const control = controlOf(node) ?? ('TransactionStmt' in node ? 'prepared' : 'inside')
    return control !== 'inside'
  })
  const [first] = controls ?? []
  if (first)
    throw new Error(
      `\`${first.text}\`: the migration runs in a transaction of the run's own. Mark it \`// migrate:up transaction:false\`, or leave BEGIN, COMMIT and ROLLBACK to the run.`,
    )
}
