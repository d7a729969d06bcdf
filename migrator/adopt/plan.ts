// A history held against the files, row by row: what an adoption would record, and why it may not. Pure.

import { compareKeys, type HistoryEntry, newestKey, type History as ToolHistory } from '../../gate/histories/history.ts'
import type { Migration } from '../files/migration.ts'
import type { FilesTool, ToolFile } from '../histories/tool.ts'
import type { LedgerRow } from '../ledger/read.ts'
import { isoTimeOf } from '../text/iso-time.ts'
import { shellWord } from '../text/shell-word.ts'

/**
 * - `adopt`: applied there, and recorded by this adoption; `recorded`: the ledger has it already.
 * - `pending`: not applied there, and newer than all that is.
 * - `missing`: applied there, without a file here; `out-of-order`: not applied there, and older than what is; `edited`: the
 *   file is not what the tool has applied. Each of them is a reason to refuse.
 * - `reverted`: adopted before, and taken back here since (`down`): the tool's row is left from before that. A reason, too.
 * - `forgotten`: missing, and to be passed over.
 */
export type AdoptionStatus =
  | 'adopt'
  | 'recorded'
  | 'pending'
  | 'missing'
  | 'out-of-order'
  | 'edited'
  | 'reverted'
  | 'forgotten'

/** What the tool's checksum says of a file: the tool has `none`, or one that proves nothing (`unknown`). */
export type ChecksumVerdict = 'same' | 'differs' | 'unknown' | 'none'

/** One migration of the history, of the files, or of both. */
export interface AdoptionRow {
  /** The migration's name here, or as the history has it where there is no file. */
  readonly name: string
  readonly status: AdoptionStatus
  readonly checksum: ChecksumVerdict
  /** When the tool has applied it: ISO 8601, in UTC; null where its history does not tell. */
  readonly appliedAt: string | null
  /** Who has, as the history names them. */
  readonly appliedBy: string | null
  /** Its file was changed after it was applied, and that is accepted. */
  readonly accepted?: true
}

/**
 * Why nothing may be recorded.
 * - `unfinished`: the tool has begun it and not finished. `ambiguous`: two files are one to the history.
 * - `missing`, `out-of-order`, `edited`, `reverted`: as the row's status of that name.
 * - `not-adopted`: the ledger has rows that no adoption has made.
 */
export interface AdoptionProblem {
  readonly code: 'unfinished' | 'missing' | 'out-of-order' | 'edited' | 'reverted' | 'ambiguous' | 'not-adopted'
  readonly migration: string
  /** For people: what, where, why and the way out. */
  readonly message: string
}

/** What comparing a history with the files has come to. */
export interface AdoptionPlan {
  readonly rows: readonly AdoptionRow[]
  /** What is to be recorded, in the order of the files. */
  readonly adopted: readonly { readonly migration: Migration; readonly row: AdoptionRow }[]
  readonly problems: readonly AdoptionProblem[]
  /** None of what the history has is in this folder. */
  readonly isOtherFolder: boolean
}

/** What is compared. */
export interface PlanInput {
  readonly filesTool: FilesTool
  readonly history: ToolHistory
  readonly files: readonly ToolFile[]
  readonly ledger: readonly LedgerRow[]
  /** Names or keys whose files were edited, and are taken as they are; `all` for every one. */
  readonly acceptEdited: ReadonlySet<string>
  /** Names or keys without a file that are passed over; `all` for every one, as above. */
  readonly forgetMissing: ReadonlySet<string>
  /** The ledger's rows were made by an earlier adoption, or after one. */
  readonly wasAdopted: boolean
  /** Keys of all that this history had then. */
  readonly adoptedKeys: readonly string[]
}

/** Compares, and changes nothing. Whatever stands in the way is one of the plan's problems; nothing is thrown. */
export function planAdoption(given: PlanInput): AdoptionPlan {
  // names of files are read in this form, and tools record them as the disk has them
  const entries = given.history.entries.map(entry => ({ ...entry, key: entry.key.normalize() }))
  const input = { ...given, history: { ...given.history, entries } }
  const { history, files } = input
  const compared = compareFiles(input)
  const { entryOf, verdicts, applied } = compared
  const rows: AdoptionRow[] = []
  const adopted: { migration: Migration; row: AdoptionRow }[] = []
  const problems: AdoptionProblem[] = history.unfinished.map(({ name, message }) => ({
    code: 'unfinished',
    migration: name,
    message,
  }))
  const ambiguous = new Set<string>()
  for (const [index, file] of files.entries()) {
    const { migration, key } = file
    const checksum = verdicts.get(file) ?? 'none'
    const accepted = checksum === 'differs' && isNamed(input.acceptEdited, migration.name, key)
    const status = statusOf(compared, file, index, accepted)
    if (status === undefined) continue
    const row = rowOf(migration.name, status, checksum, entryOf(file), accepted)
    rows.push(row)
    if (status === 'adopt') adopted.push({ migration, row })
    const problem =
      status === 'adopt' && checksum !== 'same' && !ambiguous.has(key)
        ? twinProblem(compared, file)
        : problemOf(compared, file, status)
    if (problem?.code === 'ambiguous') ambiguous.add(key)
    if (problem) problems.push(problem)
  }
  const fileless = withoutFile(compared)
  const missing = fileless.filter(({ name, key }) => !isNamed(input.forgetMissing, name, key))
  for (const entry of fileless) {
    const checksum = entry.checksum ? 'unknown' : 'none'
    rows.push(rowOf(entry.name, missing.includes(entry) ? 'missing' : 'forgotten', checksum, entry, false))
  }
  problems.push(...missing.map((entry, i) => missingProblem(input, entry, i === missing.length - 1 ? i : 0)))
  problems.push(...notAdopted(input))
  return { rows, adopted, problems, isOtherFolder: applied.size === 0 && history.entries.length > 0 }
}

/** What the history says of each file. */
interface Compared {
  readonly input: PlanInput
  readonly entryOf: (file: ToolFile) => HistoryEntry | undefined
  readonly verdicts: ReadonlyMap<ToolFile, ChecksumVerdict>
  readonly applied: ReadonlySet<ToolFile>
  /** The index of the last file that is applied; repeatable ones have no place in the order. */
  readonly newest: number
  /** Names that the ledger has. */
  readonly recorded: ReadonlySet<string>
  /** Files whose row is that of another one. */
  readonly others: ReadonlySet<ToolFile>
}

function compareFiles(input: PlanInput): Compared {
  const { history, files, ledger } = input
  const byKey = new Map(history.entries.map(entry => [entry.key, entry]))
  const others = new Set(files.filter(file => isOfAnotherRow(file, byKey.get(file.key))))
  const verdicts = checksumVerdicts(input, byKey)
  for (const file of others) verdicts.delete(file)
  const entryOf = (file: ToolFile) => (others.has(file) ? undefined : byKey.get(file.key))
  const applied = appliedFiles(input, entryOf)
  const newest = files.findLastIndex(file => applied.has(file) && file.migration.kind !== 'repeatable')
  return { input, entryOf, verdicts, applied, newest, recorded: new Set(ledger.map(({ name }) => name)), others }
}

/** Undefined for one that stands in for others, which were run instead: it has no row. */
function statusOf(
  { input, verdicts, applied, newest, recorded }: Compared,
  file: ToolFile,
  index: number,
  accepted: boolean,
): AdoptionStatus | undefined {
  const { migration } = file
  const isRepeatable = migration.kind === 'repeatable'
  if (recorded.has(migration.name)) return 'recorded'
  if (!applied.has(file)) {
    if (migration.standsIn) return undefined
    return index < newest && !isRepeatable ? 'out-of-order' : 'pending'
  }
  // content that is not the same is run again, as the tool itself would
  if (isRepeatable) return verdicts.get(file) === 'same' ? 'adopt' : 'pending'
  if (input.adoptedKeys.includes(file.key)) return 'reverted'
  return verdicts.get(file) === 'differs' && !accepted ? 'edited' : 'adopt'
}

function problemOf(
  { input, newest }: Compared,
  { migration }: ToolFile,
  status: AdoptionStatus,
): AdoptionProblem | undefined {
  const { name, file } = migration
  const { tool, schema, table } = input.history.table
  const { title } = tool
  if (status === 'reverted') {
    const message = `${name} was adopted before, and the ledger does not have it any more: it was taken back here (\`down\`), and its row in ${schema}.${table} is left from before that. \`schemagate up\` applies it again. Where the database has it all the same: schemagate baseline ${shellWord(name)}`
    return { code: 'reverted', migration: name, message }
  }
  if (status === 'edited') {
    const message = `${file} is not what ${title} has applied. Restore the file; or, if the database already is as the file says: --accept-edited ${shellWord(name)}`
    return { code: 'edited', migration: name, message }
  }
  if (status === 'out-of-order') {
    const message = `${name} is not in the history of ${title}, but comes before ${input.files[newest]!.migration.name}, which is: it was never run here, or by hand. Apply it with ${title}, or rename it so that it comes last.`
    return { code: 'out-of-order', migration: name, message }
  }
  return undefined
}

/** Another file has the same key, and no checksum says which of the two was run. */
function twinProblem({ input, others }: Compared, file: ToolFile): AdoptionProblem | undefined {
  const { migration, key } = file
  const twin = input.files.find(other => other.key === key && other !== file)
  if (!twin || others.has(file)) return undefined
  const message = `${migration.file} and ${twin.migration.file} are one to the history of ${input.history.table.tool.title} (${key}), which does not say which of them was run. Give the other one a number of its own, behind all that is applied.`
  return { code: 'ambiguous', migration: migration.name, message }
}

function withoutFile({ input: { history, files }, others }: Compared): readonly HistoryEntry[] {
  const known = new Set(files.flatMap(file => (others.has(file) ? [] : [file.key])))
  return history.entries.filter(({ key }) => !known.has(key))
}

/** @param before how many have been told, where this is the last: a squash leaves hundreds. */
function missingProblem({ history }: PlanInput, { name }: HistoryEntry, before: number): AdoptionProblem {
  const all = before > 0 ? `; if all ${before + 1} are: --forget-missing all` : ''
  const message = `${name} was applied by ${history.table.tool.title}, and there is no such file. Restore it; or, if it is gone for good: --forget-missing ${shellWord(name)}${all}`
  return { code: 'missing', migration: name, message }
}

function notAdopted({ ledger, wasAdopted }: PlanInput): AdoptionProblem[] {
  const [first] = ledger
  if (wasAdopted || !first) return []
  const message = `The ledger has ${ledger.length} ${ledger.length === 1 ? 'row' : 'rows'} that no adoption has made (${first.name}): an adoption begins with an empty ledger.`
  return [{ code: 'not-adopted', migration: first.name, message }]
}

/** The files that count as applied. */
function appliedFiles(
  { history, files, ledger, adoptedKeys }: PlanInput,
  entryOf: (file: ToolFile) => HistoryEntry | undefined,
): Set<ToolFile> {
  const { upTo } = history
  if (history.table.tool.heads) {
    // the folder is one line: all that comes before a head lies below it
    const heads = files.filter(file => entryOf(file))
    const all = heads.length === history.entries.length
    return new Set(all ? files.slice(0, files.findLastIndex(file => entryOf(file)) + 1) : [])
  }
  // one that came to the folder below what the ledger has was not run, whatever number has been reached since
  const recorded = new Set(ledger.map(({ name }) => name))
  const settled = new Set([
    ...adoptedKeys,
    ...files.flatMap(({ key, migration }) => (recorded.has(migration.name) ? [key] : [])),
  ])
  const newest = newestKey([...settled])
  const cameLate = (key: string) => newest !== undefined && compareKeys(key, newest) < 0 && !settled.has(key)
  const isBelow = ({ key, migration }: ToolFile) =>
    upTo !== undefined && migration.kind !== 'repeatable' && compareKeys(key, upTo) <= 0 && !cameLate(key)
  return new Set(files.filter(file => entryOf(file) || isBelow(file)))
}

/** A baseline (`B3__base.sql`) and the migration of its version have one key, and the row says which of them was run. */
function isOfAnotherRow({ migration }: ToolFile, entry: HistoryEntry | undefined): boolean {
  return entry?.standsIn !== undefined && entry.standsIn !== (migration.standsIn === true)
}

function checksumVerdicts(
  { filesTool, files }: PlanInput,
  byKey: ReadonlyMap<string, HistoryEntry>,
): Map<ToolFile, ChecksumVerdict> {
  const stored = files.filter(({ key }) => byKey.get(key)?.checksum !== undefined)
  if (!filesTool.checksums || stored.length === 0) return new Map<ToolFile, ChecksumVerdict>()
  const { checksumForm, cumulative } = filesTool
  const expected = filesTool.checksums(files)
  const verdicts = new Map<ToolFile, ChecksumVerdict>()
  let broken = false
  for (const file of stored) {
    const checksum = byKey.get(file.key)!.checksum!
    const isSame = expected.get(file.migration.name)?.includes(checksum) === true
    const proves = (checksumForm?.test(checksum) ?? true) && !filesTool.coversMore?.(file)
    verdicts.set(file, isSame ? 'same' : proves && !broken ? 'differs' : 'unknown')
    // behind the first difference such a checksum says nothing of its own file
    broken ||= !isSame && cumulative === true
  }
  return verdicts
}

function rowOf(
  name: string,
  status: AdoptionStatus,
  checksum: ChecksumVerdict,
  entry: HistoryEntry | undefined,
  accepted: boolean,
): AdoptionRow {
  const { appliedAt = null, appliedBy = null } = status === 'pending' ? {} : (entry ?? {})
  return { name, status, checksum, appliedAt: isoTimeOf(appliedAt), appliedBy, ...(accepted && { accepted }) }
}

function isNamed(names: ReadonlySet<string>, ...ones: readonly string[]): boolean {
  return names.has('all') || ones.some(one => names.has(one))
}
