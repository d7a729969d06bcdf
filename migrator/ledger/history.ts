// History: the migration files held against the ledger's rows.

import { emptiedDetail } from '../../gate/protocol/emptied.ts'
import type { Migration } from '../files/migration.ts'
import { compareMigrations } from '../files/order.ts'
import { shellWord } from '../text/shell-word.ts'
import { withRowSecurity } from './condition.ts'
import { describeDone, isHalfDone } from './journal.ts'
import { type LedgerContents, type LedgerRow, noLedger } from './read.ts'
import { findRenames } from './renames.ts'
import { isPassedOver, withStandIns } from './stand-ins.ts'

/**
 * - `edited`: a file was changed after it was applied, or is of another kind than when it was begun.
 * - `missing`: a row has no file. `out-of-order`: a file is not applied and comes before one that is.
 * - `interrupted`: begun and not finished; the next `up` goes on. `row-security`: the next `up` switches it off.
 * - `emptied`: rows say that migrations are applied, and the tables that they made are gone.
 * - `foreign`: nothing is applied, and something else has made tables in the database.
 * - `moved-on`: the tool whose history was adopted goes on migrating.
 */
export type ProblemCode =
  | 'edited'
  | 'missing'
  | 'out-of-order'
  | 'interrupted'
  | 'row-security'
  | 'emptied'
  | 'foreign'
  | 'moved-on'

/** What is wrong between files and ledger. */
export interface Problem {
  readonly code: ProblemCode
  /** Null where it is the ledger itself that has the problem. */
  readonly migration: string | null
  /** For people: what, where, why and the way out. */
  readonly message: string
  /** `missing`: the file that has the row's content and another name, where only one can be meant. */
  readonly renamedTo?: string
}

/**
 * `current`: all is applied; `pending`: some is not. `diverged`: files and ledger disagree.
 * `ahead`: the database has migrations newer than all of these files, and is otherwise as they say.
 * `empty`: nothing was ever applied. `foreign`: nor was it here, and something else has made tables in the database.
 */
export type DatabaseState = 'current' | 'pending' | 'diverged' | 'ahead' | 'empty' | 'foreign'

/** Files and ledger, compared. */
export interface History {
  readonly state: DatabaseState
  /** The newest migration that the database has; repeatable ones, and ones that were applied late, do not count. */
  readonly head: string | null
  readonly applied: readonly LedgerRow[]
  /** Applied or half-way there. */
  readonly rows: readonly LedgerRow[]
  readonly pending: readonly Migration[]
  /** Names of pending migrations that are recorded and not run: another one stands in for them, or they stand in for others. */
  readonly recordOnly: ReadonlySet<string>
  readonly problems: readonly Problem[]
  /** The ledger itself, as it was read. */
  readonly ledger: LedgerContents
}

/** A problem of files and ledger that disagree; the next `up` puts the others right by itself. */
export function isDisagreement({ code }: Problem): boolean {
  return code !== 'interrupted' && code !== 'row-security'
}

/** Holds files against rows. Pure; `rows` undefined is a database without a ledger. */
export function compareHistory(
  files: readonly Migration[],
  rows: readonly LedgerRow[] | undefined = [],
  ledger: LedgerContents = noLedger,
): History {
  const byName = new Map(files.map(file => [file.name, file]))
  const rowOf = new Map(rows.map(row => [row.name, row]))
  const missingRows = files.filter(file => isPending(file, rowOf.get(file.name)))
  const { pending, recordOnly } = withStandIns(files, missingRows, rowOf)

  const unknown = rows.filter(row => !byName.has(row.name))
  // a late one is the last that was applied, but says nothing of how new the database is
  const lastKnown = rows.findLast(row => byName.has(row.name) && row.journal?.late === undefined)
  const isAhead =
    unknown.length > 0 &&
    lastKnown !== undefined &&
    pending.length === 0 &&
    unknown.every(row => row.position > lastKnown.position)
  const problems = isAhead ? newerThanFiles(unknown, files) : missing(files, rows, unknown)
  problems.push(...rows.flatMap(row => problemOfRow(row, byName.get(row.name)) ?? []))
  const renamed = new Set(problems.map(problem => problem.renamedTo))
  problems.push(...outOfOrder(files, rowOf, file => renamed.has(file.name) || recordOnly.has(file.name)))
  problems.push(...problemsOfLedger(ledger, rows))
  return {
    state: stateOf({ problems, isAhead, isEmpty: rows.length === 0, isPending: pending.length > 0 }),
    head: headOf(rows),
    applied: rows.filter(row => row.state === 'applied'),
    rows,
    pending,
    recordOnly,
    problems,
    ledger,
  }
}

interface Compared {
  readonly problems: readonly Problem[]
  readonly isAhead: boolean
  readonly isEmpty: boolean
  readonly isPending: boolean
}

function stateOf({ problems, isAhead, isEmpty, isPending }: Compared): DatabaseState {
  if (isAhead && !problems.some(({ code }) => code === 'edited' || code === 'emptied')) return 'ahead'
  if (problems.some(isDisagreement)) return 'diverged'
  if (isEmpty) return 'empty'
  return isPending ? 'pending' : 'current'
}

/** What is wrong with a row that has a file: the file is another one now, or what was begun is not finished. */
function problemOfRow(row: LedgerRow, file: Migration | undefined): Problem | undefined {
  if (!file) return undefined
  const { name: migration } = row
  if (isHalfDone(row) && row.kind !== file.kind) {
    const message = `${file.file} is ${describeKind(file)}, and ${migration} was begun as ${describeKind(row)}: ${describeDone(row.journal)} are done. Put the file back as it was.`
    return { code: 'edited', migration, message }
  }
  if (row.state === 'running') {
    const message = row.journal?.reverting
      ? `${migration} was being reverted, and that was not finished. \`schemagate down --yes\` continues it; \`schemagate up\` finishes it and applies it again.`
      : `${migration} was begun and not finished; ${describeDone(row.journal)} are done. \`schemagate up\` goes on from there.`
    return { code: 'interrupted', migration, message }
  }
  if (row.checksum === file.checksum || file.kind === 'repeatable') return undefined
  const message = `${file.file} was changed after it was applied. Undo the change and write a new migration; or, if the database already is as the file says: schemagate repair --accept-edited ${shellWord(migration)}`
  return { code: 'edited', migration, message }
}

/**
 * The files that are not applied and come before one that is.
 * @param isExcused the file is not late: it is a row's under another name, or is recorded and not run.
 */
function outOfOrder(
  files: readonly Migration[],
  rowOf: ReadonlyMap<string, LedgerRow>,
  isExcused: (file: Migration) => boolean,
): Problem[] {
  const isBegun = (file: Migration) => file.kind !== 'repeatable' && rowOf.has(file.name) && !isPassedOver(file, rowOf)
  const newestApplied = files.findLastIndex(isBegun)
  // 0.1 had one order for all tools: what comes last by that order is not late either
  const newestByNumber = files.filter(isBegun).toSorted(compareMigrations).at(-1)
  if (newestByNumber === undefined) return []
  const isLate = (file: Migration) =>
    file.kind !== 'repeatable' &&
    !rowOf.has(file.name) &&
    !isExcused(file) &&
    compareMigrations(file, newestByNumber) < 0
  return files
    .slice(0, newestApplied)
    .filter(isLate)
    .map(({ name }) => ({
      code: 'out-of-order',
      migration: name,
      message:
        `${name} is not applied, but comes before ${files[newestApplied]!.name}, which is. Rename it so that it comes last. ` +
        `If other databases have it already: schemagate up --allow-late ${shellWord(name)} applies it now; ` +
        `or, if its SQL was run by hand: schemagate baseline ${shellWord(name)}`,
    }))
}

/** What is wrong with the ledger itself, whatever the files are. */
function problemsOfLedger({ emptied, condition }: LedgerContents, rows: readonly LedgerRow[]): Problem[] {
  const problems: Problem[] = withRowSecurity(condition).map(table => ({
    code: 'row-security',
    migration: null,
    message: `Row level security is switched on for ${table}, and hides it from apps. \`schemagate up\` switches it off.`,
  }))
  if (emptied === null || !condition || rows.every(row => row.state !== 'applied')) return problems
  const message = `${emptiedDetail(emptied, condition.schema)} If they were moved or restored as they should be (\`schemagate verify\` tells): schemagate baseline ${shellWord(headOf(rows) ?? 'NAME')}`
  return [{ code: 'emptied', migration: null, message }, ...problems]
}

/** The same history for an operator who lets these run although newer ones are applied (`up --allow-late`). */
export function allowLate(history: History, names: ReadonlySet<string>): History {
  return allowing(
    history,
    ({ code, migration }) => code === 'out-of-order' && migration !== null && names.has(migration),
  )
}

/** The same for who asks what of the tables is gone. */
export function allowEmptied(history: History): History {
  return allowing(history, ({ code }) => code === 'emptied')
}

function allowing(history: History, isAllowed: (problem: Problem) => boolean): History {
  const problems = history.problems.filter(problem => !isAllowed(problem))
  if (problems.length === history.problems.length) return history
  const agreed = history.pending.length > 0 ? 'pending' : 'current'
  return { ...history, problems, state: problems.some(isDisagreement) ? history.state : agreed }
}

/**
 * The place in the ledger at which a migration would stand had it been applied in order: the position of the newest one
 * before it, or 0. Undefined unless newer ones are applied.
 */
export function latePosition(
  files: readonly Migration[],
  rows: readonly LedgerRow[],
  migration: Migration,
): number | undefined {
  if (migration.kind === 'repeatable') return undefined
  const index = files.indexOf(migration)
  const rowOf = new Map(rows.map(row => [row.name, row]))
  const rowsOf = (some: readonly Migration[]) =>
    some.flatMap(file => (file.kind === 'repeatable' ? [] : (rowOf.get(file.name) ?? [])))
  if (rowsOf(files.slice(index + 1)).length === 0) return undefined
  return Math.max(0, ...rowsOf(files.slice(0, index)).map(row => row.journal?.late ?? row.position))
}

function describeKind({ kind }: Pick<LedgerRow, 'kind'>): string {
  return kind === 'code' ? 'code' : kind === 'repeatable' ? 'a repeatable migration' : 'SQL'
}

/** The rows behind all of the files. What to do is said once, with the last. */
function newerThanFiles(rows: readonly LedgerRow[], files: readonly Migration[]): Problem[] {
  const newest = files.findLast(file => file.kind !== 'repeatable') ?? files.at(-1)
  return rows.map((row, i) => {
    const wayOut =
      i === rows.length - 1
        ? ` (the newest is ${newest?.name}): the database is ahead of them. Use the release that has it; or \`schemagate up --allow-ahead\`, which passes over what older apps can live with.`
        : ''
    const message = `${row.name} ${describeState(row)}, but newer than all of these files${wayOut}`
    return { code: 'missing', migration: row.name, message }
  })
}

/** What is wrong with the rows that have no file. */
function missing(files: readonly Migration[], rows: readonly LedgerRow[], unknown: readonly LedgerRow[]): Problem[] {
  if (unknown.length === 0) return []
  const { certain, possible } = findRenames(files, rows)
  const checksums = new Map(files.map(file => [file.name, file.checksum]))
  const agrees = rows.some(row => checksums.get(row.name) === row.checksum)
  // two folders may happen to share a file (`create extension ...`)
  if (!agrees && (certain.size + possible.size) * 2 < unknown.length)
    return [{ code: 'missing', migration: unknown[0]!.name, message: otherFolder(unknown) }]

  const isNew = files.some(file => file.kind !== 'repeatable' && rows.every(row => row.name !== file.name))
  const squash = isNew
    ? '; or, if a new file stands in for it (a squash): schemagate baseline NAME --replacing-missing'
    : ''
  return unknown.map(row => {
    const { name } = row
    const [file, alike] = [certain.get(name), possible.get(name)]
    if (file) return { code: 'missing', migration: name, message: renamed(name, file.name), renamedTo: file.name }
    if (isHalfDone(row))
      return {
        code: 'missing',
        migration: name,
        message: `${name} ${describeState(row)} (${describeDone(row.journal)} are done), but there is no such file. Restore the file: \`schemagate up\` then finishes it, \`schemagate down --yes\` takes it back.`,
      }
    const message = alike
      ? `${name} is applied, but there is no such file; ${alike.map(a => a.name).join(' and ')} ${alike.length === 1 ? 'has' : 'have'} the same content. ` +
        `Restore the file. If it was renamed to ${alike.length === 1 ? 'it' : 'one of them'}: schemagate repair --rename ${shellWord(`${name}=${alike[0]!.name}`)}`
      : `${name} is applied, but there is no such file. Restore the file, or if it is gone for good: schemagate repair --forget-missing ${shellWord(name)}${squash}`
    return { code: 'missing', migration: name, message }
  })
}

function describeState(row: LedgerRow): string {
  return isHalfDone(row) ? 'is half applied' : row.state === 'running' ? 'was begun' : 'is applied'
}

function renamed(before: string, after: string): string {
  const repair = `schemagate repair --rename ${shellWord(`${before}=${after}`)}`
  const gates = '(apps that were built with the old name then close their gates)'
  return before.normalize('NFC') === after
    ? `${before} was applied under another Unicode form of the same name. Give its row the usual form: ${repair} ${gates}`
    : `${before} is applied, and its file is now named ${after}. Rename the file back. To keep the new name: ${repair} ${gates}`
}

/** Forgetting its rows would make the folder to which they belong run from the start. */
function otherFolder(rows: readonly LedgerRow[]): string {
  const some = rows.slice(0, 3).map(row => row.name)
  const more = rows.length > 3 ? ` and ${rows.length - 3} more` : ''
  return (
    `${some.join(', ')}${more} ${rows.length === 1 ? 'is' : 'are'} applied, and none of the applied migrations is in this folder as it was applied: this ledger is another folder's. ` +
    'Name its folder with --dir (SCHEMAGATE_DIR); or give this folder a ledger of its own with --schema (SCHEMAGATE_SCHEMA). ' +
    'If the folder is right and a new file stands in for all of them (a squash): schemagate baseline NAME --replacing-missing'
  )
}

/** The newest migration of a ledger with these rows; null if none is applied. */
export function headOf(rows: readonly LedgerRow[]): string | null {
  const applied = rows.filter(row => row.state === 'applied')
  return (applied.findLast(isHead) ?? applied.at(-1))?.name ?? null
}

function isHead(row: LedgerRow): boolean {
  return row.kind !== 'repeatable' && row.journal?.late === undefined
}

function isPending(file: Migration, row: LedgerRow | undefined): boolean {
  if (!row || row.state === 'running') return true
  return file.kind === 'repeatable' && row.checksum !== file.checksum
}
