// One adoption: the history, the files and the ledger at the moment at which they are compared.

import { didYouMean } from '../../gate/did-you-mean.ts'
import { compareKeys, type HistoryTable, type History as ToolHistory } from '../../gate/histories/history.ts'
import { codeOf, sqlstate } from '../../gate/postgres/sqlstate.ts'
import { DeniedError, DivergedError, LockHeldError, UsageError } from '../errors.ts'
import type { Migration } from '../files/migration.ts'
import { grantToLock } from '../histories/foreign.ts'
import { filesToolOf, readToolHistory, toolFiles } from '../histories/index.ts'
import type { FilesTool, ToolFile } from '../histories/tool.ts'
import { type Change, type Changes, statementsOnly } from '../ledger/changes.ts'
import { type History, latePosition } from '../ledger/history.ts'
import type { Session } from '../postgres/session.ts'
import { type AdoptionPlan, planAdoption } from './plan.ts'
import { type Adoption, adoptedTable, readAdoption, recordAdoption } from './record.ts'
import { otherFolder } from './ways-out.ts'

/** What an operator decides about an adoption. Names are those of files, or the history's keys. */
export interface AdoptingOptions {
  /** The database already is as these files say now; `all` for every file. */
  readonly acceptEdited?: readonly string[] | undefined
  /** The files of these applied migrations are gone for good; `all` for every one. */
  readonly forgetMissing?: readonly string[] | undefined
  /** From now on each migration's own transaction writes the other tool's row, too. Default false. */
  readonly keepHistory?: boolean | undefined
}

/** What was found, and what would be recorded. */
export interface Found {
  readonly plan: AdoptionPlan
  /** As the ledger is to remember it. */
  readonly adoption: Adoption
  /** As it remembers it now. */
  readonly before: Adoption | undefined
}

/**
 * An adoption from one history. `look` may be called again, under the locks, before anything is recorded.
 * @throws UsageError if the history is to be kept, and only its own tool can write it.
 */
export class Adopting {
  readonly source: HistoryTable
  readonly filesTool: FilesTool
  readonly #schema: string
  readonly #dir: string
  readonly #files: readonly Migration[]
  readonly #toolFiles: readonly ToolFile[]
  readonly #options: AdoptingOptions

  constructor(
    settings: { readonly schema: string; readonly dir: string },
    files: readonly Migration[],
    options: AdoptingOptions,
    source: HistoryTable,
  ) {
    this.source = source
    this.filesTool = filesToolOf(source.tool)
    this.#schema = settings.schema
    this.#dir = settings.dir
    this.#files = files
    this.#toolFiles = toolFiles(this.filesTool, files)
    this.#options = options
    if (options.keepHistory && !this.filesTool.writeRow)
      throw new UsageError(
        `--keep-history: the rows of ${source.tool.title} can be written by ${source.tool.title} alone.`,
      )
  }

  /**
   * Reads the other tool's history and compares.
   * @throws UsageError if nothing is applied there, none of it is in the folder, or the ledger has taken over another one;
   *   LockHeldError while the tool is at work.
   */
  async look(session: Session, { ledger, rows }: History): Promise<Found> {
    const { tool, schema, table } = this.source
    const history = await readToolHistory(session, this.source)
    const before = await readAdoption(session, this.#schema, ledger.condition)
    const isOther = before !== undefined && (before.schema !== schema || before.table !== table)
    // one that is gone was renamed, or moved
    if (isOther && rows.length > 0 && (await adoptedTable(session, this.#schema, before)))
      throw new UsageError(
        `The ledger in the schema ${this.#schema} has taken over ${before.schema}.${before.table}, and is not that of ${schema}.${table}. Nothing was recorded. ` +
          'Another history in the same database needs a ledger of its own: --schema NAME.',
      )
    if (history.running)
      throw new LockHeldError(
        `${tool.title} is at work, or died at it: ${tool.atWork ?? 'its lock is held'}. Wait until it has ended, and run schemagate adopt again.`,
      )
    if (history.entries.length === 0 && history.upTo === undefined && history.unfinished.length === 0)
      throw new UsageError(
        `${schema}.${table} says that ${tool.title} has applied nothing: there is nothing to adopt. ` +
          'If the database has tables all the same: schemagate baseline NAME, with the newest migration that it has.',
      )
    const { acceptEdited = [], forgetMissing = [], keepHistory } = this.#options
    this.#requireKnown(
      '--accept-edited',
      acceptEdited,
      this.#toolFiles.flatMap(({ key, migration }) => [migration.name, key]),
    )
    this.#requireKnown(
      '--forget-missing',
      forgetMissing,
      history.entries.flatMap(({ key, name }) => [name, key]),
    )
    const plan = planAdoption({
      filesTool: this.filesTool,
      history,
      files: this.#toolFiles,
      ledger: rows,
      acceptEdited: new Set(acceptEdited),
      forgetMissing: new Set(forgetMissing),
      wasAdopted: before !== undefined,
      adoptedKeys:
        before?.tool === tool.name && before.schema === schema && before.table === table
          ? before.keys.map(key => key.normalize())
          : [],
    })
    if (plan.isOtherFolder) throw new UsageError(otherFolder(this.#dir, history, this.#schema))
    const keys = this.#keysOf(history)
    const adoption = {
      tool: tool.name,
      schema,
      table,
      keys,
      keepHistory: keepHistory === true || before?.keepHistory === true,
    }
    return { plan, adoption, before }
  }

  #requireKnown(flag: string, names: readonly string[], known: readonly string[]): void {
    const unknown = names.filter(name => name !== 'all' && !known.includes(name))
    if (unknown.length > 0)
      throw new UsageError(
        unknown.map(name => `${flag} ${name}: there is no such migration.${didYouMean(name, known)}`).join('\n'),
      )
  }

  /** The keys of all that the history has, also of what it has no rows for. */
  #keysOf({ entries, upTo }: ToolHistory): readonly string[] {
    const below = this.#toolFiles.flatMap(({ key }) => (upTo !== undefined && compareKeys(key, upTo) <= 0 ? [key] : []))
    return [...new Set([...below, ...entries.map(({ key }) => key)])]
  }

  /** @throws DivergedError with every problem. */
  require({ plan: { problems } }: Found): void {
    if (problems.length === 0) return
    const lines = problems.map(({ code, message }) => `- ${code}: ${message}`)
    throw new DivergedError(
      `The history of ${this.source.tool.title} cannot be taken over as it is; nothing was recorded.\n${lines.join('\n')}`,
    )
  }

  /** The files that the tool knows nothing of, and that the next `up` would run. */
  strangers({ rows }: History): readonly Migration[] {
    const known = new Set([...this.#toolFiles.map(({ migration }) => migration.name), ...rows.map(({ name }) => name)])
    return this.#files.filter(({ name }) => !known.has(name))
  }

  /** The files that the ledger has when this is recorded, in their order. */
  appliedFiles({ plan }: Found): readonly Migration[] {
    const names = new Set(
      plan.rows.flatMap(({ name, status }) => (status === 'adopt' || status === 'recorded' ? [name] : [])),
    )
    return this.#files.filter(({ name }) => names.has(name))
  }

  /** The ledger has and remembers all of it already. */
  isDone({ plan, adoption, before }: Found): boolean {
    return plan.adopted.length === 0 && before !== undefined && JSON.stringify(before) === JSON.stringify(adoption)
  }

  /** The changes that record it, for one transaction. */
  changes(
    change: Changes,
    { rows }: History,
    { plan, adoption }: Found,
    by: { readonly runId: string; readonly toolVersion: string },
  ): Change[] {
    const recorded = plan.adopted.map(({ migration, row }) => {
      const { name, checksum, marks, kind } = migration
      const late = latePosition(this.#files, rows, migration)
      if (late !== undefined) change.markLate(name, late)
      return change.baseline(
        { name, checksum, breaking: marks.breaking, repeatable: kind === 'repeatable' },
        {
          appliedAt: row.appliedAt ?? undefined,
          appliedBy: row.appliedBy ?? undefined,
        },
      )
    })
    return [...recorded, statementsOnly(recordAdoption(this.#schema, adoption, by))]
  }

  /** A role that may read the history may not be one that may lock it. */
  explain(error: unknown): unknown {
    if (codeOf(error) !== sqlstate.insufficientPrivilege) return error
    const { schema, table } = this.source
    return new DeniedError(
      `This role may read ${schema}.${table}, but not lock it (42501); nothing was recorded. Grant it, ${grantToLock(this.source)}`,
      { cause: error },
    )
  }
}
