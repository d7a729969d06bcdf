// The guard's question: on a database without a ledger, has something else migrated it?

import { type HistoryTable, tablesRead } from '../../gate/histories/history.ts'
import { lookAround, quotedTable, type History as ToolHistory } from '../../gate/histories/index.ts'
import { summary } from '../../gate/histories/summary.ts'
import { quoteIdent } from '../../gate/postgres/quote.ts'
import { codeOf, sqlstate } from '../../gate/postgres/sqlstate.ts'
import type { Migration } from '../files/migration.ts'
import type { Session } from '../postgres/session.ts'
import { shellWord } from '../text/shell-word.ts'
import { filesToolOf, readToolHistory, toolFiles } from './index.ts'

/** A database that others have made something in. */
export interface Foreign {
  /** What was found, and the commands that are right: for people. */
  readonly message: string
}

/**
 * Looks for other tools' histories and for tables. Undefined: there is neither, or only histories that say that nothing is
 * applied.
 * @param files the migrations that would be run, to name the one that fits.
 */
export async function readForeign(
  session: Session,
  ledgerSchema: string,
  files: readonly Migration[],
): Promise<Foreign | undefined> {
  const { histories, tables } = await lookAround(session, ledgerSchema)
  // one after the other: pg warns of a second query on a busy connection
  const used: Read[] = []
  for (const table of histories) {
    const one = await readable(session, table)
    if (one.history === undefined || hasAny(one.history)) used.push(one)
  }
  if (used.length > 0) return { message: migratedBy(used, histories, files) }
  if (tables.length > 0) return { message: hasTables(tables) }
  return undefined
}

interface Read {
  readonly table: HistoryTable
  /** Undefined: this role may not read it, or had better not. */
  readonly history: ToolHistory | undefined
}

/** A history that may not be read still counts as one. */
async function readable(session: Session, table: HistoryTable): Promise<Read> {
  if (!table.readable || table.runsCode) return { table, history: undefined }
  try {
    return { table, history: await readToolHistory(session, table) }
  } catch (error) {
    if (codeOf(error) !== sqlstate.insufficientPrivilege) throw error
    return { table, history: undefined }
  }
}

function hasAny({ entries, unfinished, upTo }: ToolHistory): boolean {
  return entries.length > 0 || unfinished.length > 0 || upTo !== undefined
}

const nothingDone = "and schemagate's ledger is empty. Nothing was changed."
const shared = 'If it shares this database with your migrations on purpose: --on-foreign-tables run.'

/** @param all histories that the database has, those without a row included: a command asks for one by name where there are several. */
function migratedBy(reads: readonly Read[], all: readonly HistoryTable[], files: readonly Migration[]): string {
  const who = reads.map(({ table, history }) => `${table.tool.title} (${described(table, history)})`).join(' and ')
  const fitting = reads.filter(read => newestFile(read, files) !== undefined)
  // the rows of another one are of another folder: of an older tool of the project's, or of what shares its database
  if (reads.length > 1 && files.length > 0 && !reads.some(read => isLedger(read) || hasAnyOf(read, files)))
    return (
      `This database was migrated by ${who}, ${nothingDone} None of these histories has a migration of this folder. ` +
      'To take one over: schemagate adopt --history SCHEMA.TABLE says which ways there are. To let its tool go on migrating, and gate on its history: schemagate follow --follow TOOL --history SCHEMA.TABLE. ' +
      `If they belong to what shares this database with your migrations (a platform's own schemas): --on-foreign-tables run.`
    )
  const meant = fitting.length > 0 ? reads.filter(read => isLedger(read) || fitting.includes(read)) : reads
  const ways = meant.flatMap(read => waysOut(read, all, files))
  return `This database was migrated by ${who}, ${nothingDone} ${[...new Set(ways)].join(' ')} ${shared}`
}

/** `public.flyway_schema_history: 26 migrations, newest 1.27`. */
function described(table: HistoryTable, history: ToolHistory | undefined): string {
  const name = `${table.schema}.${table.table}`
  if (!history && table.runsCode)
    return `${name}, which was not read: functions of its owner, ${table.owner}, would run with this role's rights (an index of an expression, a policy, a type of its own)`
  if (!history) return `${name}, which this role may not read; ${grantToRead(table)}`
  const { applied, newest } = summary(history)
  const unfinished = history.unfinished.length > 0 ? `, ${history.unfinished.length} unfinished` : ''
  if (table.tool.heads || history.upTo !== undefined) return `${name}: newest ${newest ?? history.upTo}${unfinished}`
  return `${name}: ${applied} ${applied === 1 ? 'migration' : 'migrations'}${newest === undefined ? '' : `, newest ${newest}`}${unfinished}`
}

/** The grant that a role lacks which may not read a history, or the lock beside it. */
export function grantToRead(table: HistoryTable): string {
  return `as ${table.owner}: grant usage on schema ${quoteIdent(table.schema)} to ROLE; grant select on ${tablesRead(
    table,
  )
    .map(name => quotedTable({ ...table, table: name }))
    .join(', ')} to ROLE`
}

/** The grant that a role lacks which may not lock a history. */
export function grantToLock(table: HistoryTable): string {
  return `as ${table.owner}: grant update on ${quotedTable(table)} to ROLE`
}

const isLedger = ({ table: { tool } }: Read) => tool.name === 'schemagate'

function waysOut(read: Read, all: readonly HistoryTable[], files: readonly Migration[]): string[] {
  const { schema, tool } = read.table
  if (isLedger(read)) return [`If ${schema}.ledger is this project's, name its schema: --schema ${schema}.`]
  const fits = newestFile(read, files)
  const named = isUsual(read.table, all) ? '' : ` --history ${shellWord(`${schema}.${read.table.table}`)}`
  const from = named || (all.length > 1 ? ` --from ${tool.name}` : '')
  const adopt = `To take that history over: schemagate adopt${from}.`
  const follow = tool.unread
    ? []
    : [
        `To let ${tool.title} go on migrating, and gate on its history: schemagate follow --follow ${tool.name}${named}.`,
      ]
  if (fits) return [adopt, `To record it unseen: schemagate baseline ${shellWord(fits)}.`, ...follow]
  return tool.code
    ? [`Its migrations are code; schemagate adopt${from} says which ways there are.`, ...follow]
    : [adopt, ...follow]
}

/** The tool's name alone leads to this table. */
function isUsual({ tool, table }: HistoryTable, all: readonly HistoryTable[]): boolean {
  const own = all.filter(one => one.tool.name === tool.name)
  return own.length === 1 && (!tool.onlyThese || tool.tables.includes(table))
}

/** One of the history's migrations is in the folder; so it may be where the history cannot be read. */
function hasAnyOf({ history }: Read, files: readonly Migration[]): boolean {
  if (!history) return true
  const keys = new Set([...history.entries, ...history.unfinished].map(({ key }) => key))
  return toolFiles(filesToolOf(history.table.tool), files).some(({ key }) => key === history.upTo || keys.has(key))
}

/** The name of the migration that is the history's newest. */
function newestFile(read: Read, files: readonly Migration[]): string | undefined {
  const { history } = read
  if (!history || isLedger(read)) return undefined
  const newest = history.entries.findLast(entry => !entry.repeatable)?.key ?? history.upTo
  const filesTool = filesToolOf(history.table.tool)
  return toolFiles(filesTool, files).find(file => file.key === newest)?.migration.name
}

function hasTables(tables: readonly string[]): string {
  const some = tables.slice(0, 3).join(', ')
  const more = tables.length > 3 ? `, and ${tables.length - 3} more` : ''
  return (
    `This database has ${tables.length === 1 ? 'a table' : `${tables.length} tables`} (${some}${more}), ${nothingDone} ` +
    'If migrations of this folder have made them: schemagate baseline NAME, with the newest that the database has. ' +
    'If they belong to something that shares this database on purpose: --on-foreign-tables run.'
  )
}
