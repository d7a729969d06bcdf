// `adopt`: takes another tool's history over into the ledger, checked row by row against the files.

import { Adopting, type AdoptingOptions, type Found } from '../adopt/adopting.ts'
import { historyLocks } from '../adopt/locks.ts'
import type { AdoptionProblem, AdoptionRow } from '../adopt/plan.ts'
import { findSource, type SourceOptions } from '../adopt/source.ts'
import { staysCode } from '../adopt/ways-out.ts'
import { compareHistory, type History } from '../ledger/history.ts'
import { appRoleOf } from '../run/app-role.ts'
import { attempt } from '../run/attempt.ts'
import { type Engine, withFilesAndSession } from '../run/engine.ts'
import { lookBeside, readHistory, readHistoryBefore, readHistoryOf, reading } from '../run/history.ts'
import { isPublished, publish } from '../run/publish.ts'
import { RunRecord } from '../run/record.ts'
import { limitsOf } from '../run/run.ts'
import { withRun } from '../run/with-run.ts'
import type { AppRoleOptions } from '../settings/settings.ts'
import type { VerifyFirst } from '../verify/before-recording.ts'
import { version } from '../version.ts'

/**
 * `acceptEdited`, `forgetMissing`: names, or `all`. `keepHistory`: go on writing the other tool's rows, each in its
 * migration's own transaction.
 */
/** What `adopt` takes. */
export interface AdoptOptions extends SourceOptions, AdoptingOptions, VerifyFirst {
  /** Look, and change nothing. Default false. */
  readonly dryRun?: boolean | undefined
  /** The role that the app logs in with, made or updated afterwards. */
  readonly appRole?: AppRoleOptions | undefined
}

/** What `adopt` has recorded, or would. */
export interface AdoptResult {
  /** The tool's name, and how people write it. */
  readonly tool: string
  readonly title: string
  /** `schema.table`. */
  readonly history: string
  /** In the order of the files; those without one come last. */
  readonly rows: readonly AdoptionRow[]
  /** Names that were recorded, or would be. */
  readonly recorded: readonly string[]
  /** Names that the next `up` applies. */
  readonly pending: readonly string[]
  /** Why nothing may be recorded: only a dry run returns them, any other throws them. */
  readonly problems: readonly AdoptionProblem[]
  /** The other tool's rows are written from now on, too. */
  readonly keepHistory: boolean
  /** Nothing was changed. */
  readonly dryRun: boolean
}

/**
 * Adopts a history: all that it has applied and the folder has, in one transaction. What is recorded already stays as it
 * is; a second call takes over what the history has gained since.
 * @throws UsageError where it cannot be told which history is meant, or the folder is not the tool's; DivergedError where
 *   history, files and ledger disagree; DeniedError where this role may not read or lock the history; LockHeldError,
 *   TableLockError while the tool is at work.
 */
export async function adopt(engine: Engine, options: AdoptOptions = {}): Promise<AdoptResult> {
  return withFilesAndSession(engine, async (files, session, folder) => {
    const { settings } = engine
    const source = await reading(engine, session, () => findSource(session, settings.schema, options))
    const adopting = new Adopting(settings, files, options, source)
    const result = (found: Found) => resultOf(adopting, found, options.dryRun === true)
    const tellStrangers = (history: History) => {
      for (const { name, file } of adopting.strangers(history))
        engine.log.warn(
          { event: 'stranger', migration: name },
          `${file} is no migration of ${source.tool.title}, which has never run it, and the next \`up\` will. If it is not to be run, leave it out with --ignore.`,
        )
    }
    const tellCode = ({ plan: { adopted } }: Found) => {
      // what is code of another tool's is in doubt, and only pending files are refused for it
      const names = adopted.flatMap(({ migration: { kind, doubt, name } }) =>
        kind === 'code' && doubt !== undefined ? [name] : [],
      )
      if (names.length > 0)
        engine.log.warn({ event: 'stays-code', migrations: names }, staysCode(source, names, settings.schema))
    }
    const requireVerified = async (found: Found) => {
      if (!options.verify) return
      const verified = await import('../verify/before-recording.ts')
      await verified.requireVerified(engine, session, adopting.appliedFiles(found), options)
    }
    const look = async (read: () => Promise<History>) =>
      lookBeside(
        await read(),
        read,
        history => reading(engine, session, () => adopting.look(session, history)),
        ({ plan }) => plan.problems.length > 0,
      )
    if (options.dryRun) {
      const { history, found } = await look(() => readHistory(engine, files, session))
      tellStrangers(history)
      tellCode(found)
      if (found.plan.problems.length === 0) await requireVerified(found)
      return result(found)
    }
    const record = new RunRecord(engine, 'adopt')
    // what is in the way is said before anything is written
    const { history: before, found: first } = await look(() => readHistoryBefore(engine, files, session, record))
    adopting.require(first)
    tellStrangers(before)
    tellCode(first)
    await requireVerified(first)
    // one that was stopped after its commit had not published it yet
    const isPublic = () => isPublished(session, settings.schema, before)
    if (adopting.isDone(first) && (await reading(engine, session, isPublic))) return result(first)
    const role = options.appRole && (await appRoleOf(engine, options.appRole))
    const locks = historyLocks(adopting.filesTool, source, settings.target.database)
    return withRun(engine, session, record, async run => {
      const found = await attempt(run, 'the adoption', async () => {
        const transaction = run.ledger.transaction({ limits: limitsOf(run, {}, false), afterGuard: locks })
        await transaction.send().done.catch((error: unknown) => {
          throw adopting.explain(error)
        })
        try {
          const contents = await run.ledger.read()
          const history = compareHistory(files, contents.rows, contents)
          const now = await adopting.look(session, history)
          adopting.require(now)
          await transaction.commit(
            adopting.changes(run.ledger.change, history, now, { runId: run.id, toolVersion: version }),
          ).done
          return now
        } catch (error) {
          await session.rollback()
          throw error
        }
      })
      const after = await readHistoryOf(run, files)
      await publish(run, folder, after, role && (() => role.ensure(run, true)))
      return result(found)
    })
  })
}

function resultOf({ source }: Adopting, { plan, adoption }: Found, dryRun: boolean): AdoptResult {
  const { tool, schema, table } = source
  return {
    tool: tool.name,
    title: tool.title,
    history: `${schema}.${table}`,
    rows: plan.rows,
    recorded: plan.adopted.map(({ migration }) => migration.name),
    pending: plan.rows.flatMap(({ name, status }) => (status === 'pending' ? [name] : [])),
    problems: plan.problems,
    keepHistory: adoption.keepHistory,
    dryRun,
  }
}
