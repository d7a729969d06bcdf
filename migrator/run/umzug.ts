// The wiring of Umzug: it holds the migrations and runs them; the ledger is its storage, and its events feed result and log.

import { MigrationError, RerunBehavior, type RunnableMigration, Umzug } from 'umzug'
import { addHint } from '../apply/hints.ts'
import type { Migrating } from '../apply/migrating.ts'
import { down, up } from '../apply/migrations.ts'
import { SentAhead } from '../apply/sent-ahead.ts'
import { RefusedError } from '../errors.ts'
import type { Migration } from '../files/migration.ts'
import { headOf } from '../ledger/history.ts'
import { formatDuration } from '../text/durations.ts'
import { attempt } from './attempt.ts'
import type { MigrationStatus, Results } from './result.ts'

/** Applies the chosen migrations, in their order. */
export async function migrateUp(migrating: Migrating, results: Results): Promise<void> {
  const { run } = migrating
  const useProcedures = () => attempt(run, 'the ledger', () => run.ledger.useProcedures())
  await useProcedures()
  await createUmzug(migrating, results).up({ migrations: namesOf(migrating) })
  // a migration has dropped them, or a primary was lost with them
  if (run.ledger.hasLeftProcedures) await useProcedures()
}

/** Reverts the chosen migrations, in their order. */
export async function migrateDown(migrating: Migrating, results: Results): Promise<void> {
  // one that is half reverted does not count as executed
  await createUmzug(migrating, results).down({ migrations: namesOf(migrating), rerun: RerunBehavior.ALLOW })
}

function namesOf({ chosen }: Migrating): string[] {
  return chosen.map(({ name }) => name)
}

class Runner extends Umzug<Migrating> {
  /** A failure has no event. Umzug wraps what a migration throws; its callers want the cause. */
  readonly onFailure: (name: string, cause: unknown) => Promise<unknown>

  constructor(
    options: ConstructorParameters<typeof Umzug<Migrating>>[0],
    onFailure: (name: string, cause: unknown) => Promise<unknown>,
  ) {
    super(options)
    this.onFailure = onFailure
  }

  protected override async runCommand<T>(...args: Parameters<Umzug<Migrating>['runCommand']>): Promise<T> {
    try {
      return (await super.runCommand(...args)) as T
    } catch (error) {
      throw error instanceof MigrationError ? await this.onFailure(error.migration.name, error.cause) : error
    }
  }
}

function createUmzug(migrating: Migrating, results: Results): Runner {
  const { run, files, history, chosen } = migrating
  const byName = new Map(files.map(file => [file.name, file]))
  const statuses = new Map<string, MigrationStatus>()
  let begun = 0
  const sentAhead = new SentAhead(migrating)
  const elapsed = () => Math.round((performance.now() - begun) * 10) / 10

  const migrations = files.map((migration): RunnableMigration<Migrating> => {
    const { name, file: path } = migration
    const calling = (direction: typeof up) => async (params: { readonly context: Migrating }) => {
      statuses.set(name, await direction(params.context, migration, sentAhead))
    }
    return { name, path, up: calling(up), down: calling(down) }
  })
  const onBegin = () => {
    begun = performance.now()
  }
  const onEnd = ({ name }: { readonly name: string }) => {
    const migration = byName.get(name)!
    const status = statuses.get(name)!
    const durationMs = elapsed()
    results.set(migration, status, durationMs)
    if (!history.recordOnly.has(name)) logEnd(migrating, migration, status, durationMs)
  }
  const umzug = new Runner(
    { migrations, storage: run.ledger, context: migrating, logger: undefined },
    async (name, cause) => {
      const migration = byName.get(name)!
      if (!run.signal.aborted) results.set(migration, 'failed', Math.round(elapsed()))
      await addHint(run, cause, history.rows.length === 0 && migration === chosen[0])
      return namingApplied(cause, results)
    },
  )
  umzug.on('migrating', onBegin)
  umzug.on('reverting', onBegin)
  umzug.on('migrated', onEnd)
  umzug.on('reverted', onEnd)
  let left = history.rows
  umzug.on('reverted', ({ name }) => {
    left = left.filter(row => row.name !== name)
    results.head = headOf(left)
  })
  return umzug
}

function logEnd({ run }: Migrating, { name, kind }: Migration, status: MigrationStatus, durationMs: number): void {
  if (status === 'skipped')
    run.log.info({ event: 'skipped', migration: name, kind }, `another migrator was first: skipped ${name}`)
  else
    run.log.info(
      { event: status, migration: name, kind, durationMs },
      `${status} ${name} in ${formatDuration(durationMs)}`,
    )
}

/** A refusal in the middle of a run says what was done before it. */
function namingApplied(error: unknown, results: Results): unknown {
  const applied = results.all.filter(({ status }) => status === 'applied').map(({ name }) => name)
  if (!(error instanceof RefusedError) || applied.length === 0) return error
  return new RefusedError(`${error.message}\nApplied before it in this run, and committed: ${applied.join(', ')}.`, {
    cause: error,
  })
}
