// `repair`: an operator's decision about a ledger and files that disagree. It changes the ledger alone, never the schema.

import { UsageError } from '../errors.ts'
import { didYouMeanMigration, migrationNamed } from '../files/find-by-name.ts'
import { readName } from '../files/layouts.ts'
import type { Migration } from '../files/migration.ts'
import type { Change, Changes } from '../ledger/changes.ts'
import { isHalfDone } from '../ledger/journal.ts'
import type { LedgerRow } from '../ledger/read.ts'
import { findRenames } from '../ledger/renames.ts'
import { attempt } from '../run/attempt.ts'
import { type Engine, withFilesAndSession } from '../run/engine.ts'
import { readHistoryOf, requireNotEmptied } from '../run/history.ts'
import { publish } from '../run/publish.ts'
import { RunRecord } from '../run/record.ts'
import type { Run } from '../run/run.ts'
import { withRun } from '../run/with-run.ts'
import { shellWord } from '../text/shell-word.ts'

/** What `repair` takes: names of migrations. */
export interface RepairOptions {
  /** Accept these migrations' files as they are now. */
  readonly acceptEdited?: readonly string[] | undefined
  /** Forget these migrations, whose files are gone. */
  readonly forgetMissing?: readonly string[] | undefined
  /** Give rows their files' new names: `OLD=NEW`. */
  readonly rename?: readonly string[] | undefined
}

/** One change of the ledger, before and after; `after` is null if the row is gone. */
export interface Repair {
  /** The name before. */
  readonly migration: string
  readonly before: { readonly checksum: string }
  readonly after: { readonly name: string; readonly checksum: string } | null
}

/**
 * Makes all of the changes in one transaction, each only where the history has just that problem, and leaves a trace of
 * each in the ledger. All of them are checked before the first is made. Renames come first: what was edited as well is then
 * accepted under its new name.
 * @throws UsageError with everything that cannot be done, DivergedError where nothing is left of what is applied.
 */
export async function repair(engine: Engine, options: RepairOptions): Promise<Repair[]> {
  return withFilesAndSession(engine, (files, session, folder) =>
    withRun(engine, session, new RunRecord(engine, 'repair'), async run => {
      const history = await readHistoryOf(run, files)
      requireNotEmptied(history)
      const { rows } = history
      const { repairs, changes, problems } = plan(run, files, rows, options)
      if (problems.length > 0) throw new UsageError(`${problems.join('\n')}\nNothing was changed.`)
      await attempt(run, 'the repair', () => run.ledger.write(changes))
      await publish(run, folder, await readHistoryOf(run, files))
      return repairs
    }),
  )
}

interface RepairPlan {
  readonly repairs: Repair[]
  readonly changes: readonly Change[]
  readonly problems: readonly string[]
}

function plan(
  { ledger: { change } }: Run,
  files: readonly Migration[],
  before: readonly LedgerRow[],
  { acceptEdited = [], forgetMissing = [], rename = [] }: RepairOptions,
): RepairPlan {
  const { rows, ...renames } = planRenames(change, files, before, rename, acceptEdited)
  const parts = [
    renames,
    namedTwice([...acceptEdited, ...forgetMissing]),
    planAccepted(change, files, rows, acceptEdited),
    planForgotten(change, files, rows, forgetMissing),
  ]
  return {
    repairs: parts.flatMap(({ repairs }) => repairs),
    changes: parts.flatMap(({ changes }) => changes),
    problems: parts.flatMap(({ problems }) => problems),
  }
}

/** What gives rows their files' new names, and the rows as they are then. */
function planRenames(
  change: Changes,
  files: readonly Migration[],
  before: readonly LedgerRow[],
  renames: readonly string[],
  acceptEdited: readonly string[],
): RepairPlan & { readonly rows: readonly LedgerRow[] } {
  const repairs: Repair[] = []
  const changes: Change[] = []
  const problems: string[] = []
  let rows = before
  for (const text of new Set(renames)) {
    const pair = readRename(text, files, rows, acceptEdited)
    if ('problem' in pair) {
      problems.push(pair.problem)
      continue
    }
    const { row, file } = pair
    changes.push(change.renamed(row.name, file.name, row.checksum))
    repairs.push({
      migration: row.name,
      before: { checksum: row.checksum },
      after: { name: file.name, checksum: row.checksum },
    })
    rows = rows.map(other => (other === row ? { ...row, name: file.name } : other))
  }
  return { repairs, changes, problems, rows }
}

function namedTwice(names: readonly string[]): RepairPlan {
  const twice = new Set(names.filter((name, i) => names.indexOf(name) !== i))
  return { repairs: [], changes: [], problems: [...twice].map(name => `${name} is named twice.`) }
}

function planAccepted(
  change: Changes,
  files: readonly Migration[],
  rows: readonly LedgerRow[],
  names: readonly string[],
): RepairPlan {
  const repairs: Repair[] = []
  const changes: Change[] = []
  const problems: string[] = []
  for (const typed of new Set(names)) {
    const file = migrationNamed(files, typed)
    const row = file && rows.find(({ name }) => name === file.name)
    if (!file || !row || row.state === 'running' || file.kind === 'repeatable' || row.checksum === file.checksum) {
      problems.push(
        `${typed} is not edited: its file is what was applied, or there is none.${file ? '' : didYouMeanMigration(files, typed)}`,
      )
      continue
    }
    changes.push(change.editAccepted(row.name, file.checksum, row.checksum, file.marks.breaking))
    const after = { name: row.name, checksum: file.checksum }
    repairs.push({ migration: row.name, before: { checksum: row.checksum }, after })
  }
  return { repairs, changes, problems }
}

function planForgotten(
  change: Changes,
  files: readonly Migration[],
  rows: readonly LedgerRow[],
  names: readonly string[],
): RepairPlan {
  const repairs: Repair[] = []
  const problems: string[] = []
  const { certain, possible } = findRenames(files, rows)
  const missing = rows.filter(row => !files.some(file => file.name === row.name))
  for (const typed of new Set(names)) {
    const row = migrationNamed(missing, typed)
    const name = row?.name ?? typed
    const alike = certain.get(name) ?? possible.get(name)?.[0]
    if (!row) problems.push(notMissing(files, missing, typed))
    else if (isHalfDone(row))
      problems.push(
        `${name} is half applied: without its row what is done would be done again. Restore its file, and \`schemagate up\` finishes it or \`schemagate down --yes\` takes it back.`,
      )
    else if (alike)
      problems.push(
        `${alike.name} has the same content as ${name}, and would be applied a second time if that were forgotten. ` +
          `Keep the row under the file's name: schemagate repair --rename ${shellWord(`${name}=${alike.name}`)}`,
      )
    else repairs.push({ migration: name, before: { checksum: row.checksum }, after: null })
  }
  const forgotten = repairs.map(({ migration }) => migration)
  return { repairs, changes: forgotten.length > 0 ? [change.forgotten(forgotten)] : [], problems }
}

function notMissing(files: readonly Migration[], missing: readonly LedgerRow[], typed: string): string {
  if (migrationNamed(files, typed)) return `${typed} is not missing: it has a file.`
  const named = missing.map(({ name }) => ({ name, version: readName(`${name}.sql`)?.version ?? [] }))
  return `${typed} is not missing: nothing of that name was applied.${didYouMeanMigration(named, typed)}`
}

/** Names may hold a `=` themselves: what counts is the one between a row without a file and a file without a row. */
function readRename(
  text: string,
  files: readonly Migration[],
  rows: readonly LedgerRow[],
  acceptEdited: readonly string[],
): { readonly row: LedgerRow; readonly file: Migration } | { readonly problem: string } {
  const fileNames = new Set(files.map(file => file.name))
  const rowNames = new Set(rows.map(row => row.name))
  const gone = rows.filter(row => !fileNames.has(row.name))
  const fresh = files.filter(file => !rowNames.has(file.name))
  const ends = [...text.matchAll(/=/g)].map(match => match.index)
  for (const end of ends) {
    const [before, after] = [text.slice(0, end), text.slice(end + 1)]
    const row = gone.find(({ name }) => name === before) ?? migrationNamed(gone, before)
    const file = migrationNamed(fresh, after)
    if (!row || !file) continue
    if ((row.kind === 'repeatable') !== (file.kind === 'repeatable'))
      return { problem: `--rename ${text}: a repeatable migration and a versioned one cannot take each other's place.` }
    if (row.checksum !== file.checksum && !acceptEdited.some(name => migrationNamed([file], name)))
      return {
        problem: `--rename ${text}: ${file.name} has other content than what was applied as ${row.name}. If the database already is as the file says, add --accept-edited ${shellWord(file.name)}`,
      }
    return { row, file }
  }
  if (ends.length === 0) return { problem: `--rename ${text}: write OLD=NEW, the name in the ledger and the file's.` }
  return {
    problem: `--rename ${text}: OLD must be applied and have no file, and NEW a file that is not applied. \`schemagate status\` lists both.`,
  }
}
