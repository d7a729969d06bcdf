// `baseline`: for a database that had its schema before it had a ledger, and for a squash.

import { DivergedError, RefusedError, UsageError } from '../errors.ts'
import { didYouMeanMigration, migrationNamed } from '../files/find-by-name.ts'
import type { Migration } from '../files/migration.ts'
import type { Change } from '../ledger/changes.ts'
import { compareHistory, type History, latePosition, type ProblemCode } from '../ledger/history.ts'
import { countTables } from '../ledger/other-tables.ts'
import type { LedgerRow } from '../ledger/read.ts'
import { replacedBy } from '../ledger/squash.ts'
import { appRoleOf } from '../run/app-role.ts'
import { attempt } from '../run/attempt.ts'
import { type Engine, withFilesAndSession } from '../run/engine.ts'
import { readHistoryBefore, readHistoryOf, reading } from '../run/history.ts'
import { publish } from '../run/publish.ts'
import { RunRecord } from '../run/record.ts'
import { withRun } from '../run/with-run.ts'
import type { AppRoleOptions } from '../settings/settings.ts'
import type { VerifyFirst } from '../verify/before-recording.ts'

/** What `baseline` takes. */
export interface BaselineOptions extends VerifyFirst {
  /** Take the rows before the migration whose files are gone out of the ledger: a squash. */
  readonly replacingMissing?: boolean | undefined
  /** The role that the app logs in with, made or updated afterwards. */
  readonly appRole?: AppRoleOptions | undefined
}

/** What `baseline` has changed in the ledger. */
export interface Baseline {
  /** The names that were recorded, in order. */
  readonly recorded: readonly string[]
  /** The names that were taken out of the ledger. */
  readonly replaced: readonly string[]
  /** How many tables the database has, without the ledger's own and those of extensions. */
  readonly tables: number
}

/**
 * Records everything up to and with `name` as applied, without running it. What is recorded already stays as it is.
 * @throws UsageError if there is no such migration, DivergedError if the ledger and the files disagree, RefusedError if
 *   the database has no table: what is recorded would never be run on it, NotReadyError if it is verified and differs.
 */
export async function baseline(engine: Engine, name: string, options: BaselineOptions = {}): Promise<Baseline> {
  return withFilesAndSession(engine, async (files, session, folder) => {
    const last = migrationNamed(files, name)
    if (!last) throw new UsageError(`There is no migration ${name}.${didYouMeanMigration(files, name)}`)
    const plan = (history: History) => planBaseline(files, history, last, options.replacingMissing === true)
    const record = new RunRecord(engine, 'baseline')
    const before = await readHistoryBefore(engine, files, session, record)
    const isSaid = plan(before).recorded.length > 0 || before.problems.some(({ code }) => code === 'emptied')
    const tables = await reading(engine, session, () => countTables(session, engine.settings.schema))
    if (isSaid && tables === 0)
      throw new RefusedError(
        `The database ${engine.settings.target.database} has no table, and a baseline runs nothing: what it records would never be made. Nothing was recorded. ` +
          'Is it the right database? To make the schema: schemagate up',
      )

    if (options.verify) {
      const { requireVerified } = await import('../verify/before-recording.ts')
      const made = files.filter((file, i) => i <= files.indexOf(last) || file.kind === 'repeatable')
      await requireVerified(engine, session, made, options)
    }

    const role = options.appRole && (await appRoleOf(engine, options.appRole))
    return withRun(engine, session, record, async run => {
      const history = await readHistoryOf(run, files)
      const { recorded, replaced } = plan(history)
      const kept = history.rows.filter(row => !replaced.includes(row))
      // a late one stands behind newer ones, and would make a squash that took its place the newest
      const places = replaced.flatMap(row => (row.journal?.late === undefined ? [row.position] : []))
      const takesPlaces = places.length >= recorded.length
      const { change } = run.ledger
      const changes: Change[] = []
      for (const migration of recorded) {
        const late = takesPlaces ? undefined : latePosition(files, kept, migration)
        const { name, checksum, marks } = migration
        if (late !== undefined) change.markLate(name, late)
        changes.push(change.baseline({ name, checksum, breaking: marks.breaking }))
      }
      if (replaced.length > 0) {
        const names = replaced.map(row => row.name)
        changes.push(change.forgotten(names, last.name))
      }
      // newer rows stay the newer ones
      if (takesPlaces)
        for (const [i, { name }] of recorded.toReversed().entries())
          changes.push(change.moved(name, places.at(-1 - i)!))
      if (changes.length > 0) await attempt(run, 'the baseline', () => run.ledger.write(changes))
      const after = await readHistoryOf(run, files)
      // what is there is what the migrations up to here have made
      await publish(run, folder, after, role && (() => role.ensure(run, true)))
      return { recorded: recorded.map(file => file.name), replaced: replaced.map(row => row.name), tables }
    })
  })
}

/** @throws DivergedError if the ledger and the files would still disagree, but for what a baseline is there to record. */
function planBaseline(
  files: readonly Migration[],
  history: History,
  last: Migration,
  replacingMissing: boolean,
): { readonly recorded: readonly Migration[]; readonly replaced: readonly LedgerRow[] } {
  const replaced = replacingMissing ? replacedBy(files, history.rows, last) : []
  const rows = history.rows.filter(row => !replaced.includes(row))
  const names = new Set(rows.map(row => row.name))
  const upTo = files.slice(0, files.indexOf(last) + 1)
  const recorded = upTo.filter(file => !names.has(file.name) && file.kind !== 'repeatable')
  const { problems } = replaced.length > 0 ? compareHistory(files, [...rows, ...recorded.map(asRow)]) : history
  const wrong = problems.filter(({ code }) => !isBaselines.has(code))
  if (wrong.length > 0)
    throw new DivergedError(`Nothing was recorded.\n${wrong.map(p => `- ${p.code}: ${p.message}`).join('\n')}`)
  return { recorded, replaced }
}

/** What a baseline says itself is as it should be, and what its run puts right. */
const isBaselines: ReadonlySet<ProblemCode> = new Set(['out-of-order', 'emptied', 'row-security'])

/** The row that a file will have. */
function asRow({ name, checksum, marks }: Migration): LedgerRow {
  return {
    ...{
      name,
      checksum,
      breaking: marks.breaking,
      kind: 'baseline',
      state: 'applied',
      position: Number.MAX_SAFE_INTEGER,
    },
    ...{ appliedAt: new Date(), durationMs: 0, runId: '', journal: null },
  }
}
