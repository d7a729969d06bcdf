// Makes of the server's error one that names file, line and column, and ends with the way out.

import { basename } from 'node:path'
import { codeOf, sqlstate } from '../../gate/postgres/sqlstate.ts'
import { MigrationFailedError } from '../errors.ts'
import type { SqlPart } from '../files/migration.ts'
import { toolsWithTable } from '../files/tools/index.ts'
import { fieldLines } from '../postgres/error-fields.ts'
import { statementAt } from '../postgres/failed-statement.ts'
import { type Place, placeAt, toOffset } from '../sql/excerpt.ts'
import { neverClosed } from '../sql/lexer.ts'
import { loadParser, syntaxError } from '../sql/parse.ts'
import { scan } from '../sql/scan.ts'
import { type Piece, split } from '../sql/split.ts'
import { findUnsupported } from '../sql/unsupported.ts'
import { wayOutOf } from './ways-out.ts'

/** A message that failed: its text, where in it the file's SQL stands, and how many statements were completed. */
export interface FailedMessage {
  readonly error: unknown
  readonly text: string
  /** UTF-16 offset of the file's SQL in `text`, and its length. */
  readonly sqlStart: number
  readonly sqlLength: number
  /** Offset in the file of the SQL's first character. */
  readonly fileOffset: number
  /** Statements of the file that were completed; below zero if it stopped at our own in front of them. */
  readonly completed: number
  /** Where in the file the data of the COPY stands that failed. */
  readonly data?: { readonly start: number; readonly end: number }
}

/** What became of a migration that failed, and what to type when its file is corrected. */
export interface Aftermath {
  readonly text: string
  readonly again: 'schemagate up' | 'schemagate down --yes'
}

/** The failure of a part of a migration, as the operator is to read it. */
export async function explainFailure(
  name: string,
  part: SqlPart,
  failed: FailedMessage,
  aftermath: Aftermath,
): Promise<MigrationFailedError> {
  const { error } = failed
  const code = codeOf(error)
  const raw = error instanceof Error ? error.message : String(error)
  if (code === sqlstate.invalidBytes) await loadParser()
  const { place, message, atCommit, own, ledgerGone } = locate(part, failed, raw)
  const sql = failed.text.slice(failed.sqlStart, failed.sqlStart + failed.sqlLength)
  const unsupported = code === sqlstate.syntaxError ? findUnsupported(sql) : undefined
  const where = place ? ` at ${basename(place.file)}:${place.line}:${place.column}` : atCommit ? ' at COMMIT' : ''
  const history = foreignHistory(code, raw, part.tool)
  const lines = [
    `${name} failed${where}: ${message}${code ? ` (${code})` : ''}`,
    ...(own ? [`  at a statement of schemagate's own, ${own.where} the file's: ${own.text}`] : []),
    ...(ledgerGone ? [] : fieldLines(error)),
    ...(unsupported ? [`  ${unsupported.message}`] : []),
    ...history,
    ...(atCommit
      ? [
          '  All of its statements ran; what failed is a constraint or a trigger that is deferred to the end of the transaction.',
        ]
      : []),
    `${aftermath.text} ${history.length > 0 ? `Do as it says above, and run \`${aftermath.again}\` again.` : wayOut(error, aftermath.again)}`,
  ]
  const at = statementOf(sql, failed.completed)
  return new MigrationFailedError(name, lines.join('\n'), {
    cause: error,
    place,
    statement: at && failed.fileOffset + at.start,
  })
}

/** The statement at which the server stopped; undefined if it had completed all. */
function statementOf(sql: string, completed: number): Piece | undefined {
  let count = 0
  for (const piece of split(sql)) if (count++ === completed) return piece
  return undefined
}

function countStatements(sql: string): number {
  let count = 0
  for (const _ of split(sql)) count++
  return count
}

/** A table that is missing because it is another tool's history, which is not kept here. */
function foreignHistory(code: string | undefined, message: string, toolName: string | undefined): string[] {
  const table = code === sqlstate.undefinedTable ? /^relation "(.+)" does not exist$/.exec(message)?.[1] : undefined
  if (table === undefined) return []
  const owners = toolsWithTable(table)
  const own = owners.find(({ name }) => name === toolName)
  // a project may well have a table of such a name itself
  if (
    owners.length === 0 ||
    (!own && /(?:^|\.)(?:migrations|changelog)$/.test(table) && !/^graphile_migrate\./.test(table))
  )
    return []
  const whose = own ? own.title : owners.map(({ title }) => title).join(' or ')
  return [
    `  ${table} is the history of ${whose}, which is not kept in this database: schemagate has a ledger of its own. ` +
      `Remove the statement, or let it run only where the table exists: do $$ begin if to_regclass('${table}') is not null then ... end if; end $$.`,
  ]
}

interface Located {
  readonly place: Place | undefined
  /** The server's message, without what it quotes of our own statements. */
  readonly message: string
  readonly atCommit?: boolean
  /** It was one of our own statements, which stand around the file's. */
  readonly own?: { readonly text: string; readonly where: 'before' | 'after' } | undefined
  /** It was one of those, since the file took away the table that it writes. */
  readonly ledgerGone?: boolean
}

/** By the server's position, else by the statement at which it stopped. */
function locate(part: SqlPart, failed: FailedMessage, raw: string): Located {
  const { error, text, sqlStart, sqlLength, fileOffset, completed } = failed
  const sql = text.slice(sqlStart, sqlStart + sqlLength)
  const at = (offset: number) => placeAt(part.file, part.source, fileOffset + offset)
  const foreign = untranslatable(sql, error) ?? invalidBytes(sql, error)
  if (foreign !== undefined) return { place: at(foreign), message: raw }
  const position: unknown = error instanceof Error ? Reflect.get(error, 'position') : undefined
  if (typeof position === 'string') {
    const offset = toOffset(text, Number(position)) - sqlStart
    const unclosed = codeOf(error) === sqlstate.syntaxError ? scan(sql).unclosed : undefined
    // our own statements behind the file's may close a quote, and the server then complains of those
    if (unclosed && offset >= unclosed.offset)
      return {
        place: at(unclosed.offset),
        message: neverClosed(unclosed),
      }
    if (offset >= 0 && offset <= sqlLength) return { place: at(offset), message: shortened(raw) }
    if (offset > sqlLength) {
      const end = at(sql.trimEnd().length)
      // of a whole statement of our own the server complains only if the file took away what it stands on
      return codeOf(error) === sqlstate.syntaxError
        ? { place: end, message: 'syntax error at end of input' }
        : { place: undefined, message: `${raw}, when the ledger was written after it` }
    }
  }
  if (completed < 0) {
    const opening = text.slice(0, sqlStart)
    const own = statementAt(opening, countStatements(opening) + completed)
    return { place: undefined, message: raw, own: own === undefined ? undefined : { text: own, where: 'before' } }
  }
  const inData = failed.data && lineOfData(part.source, failed.data, error)
  if (inData !== undefined) return { place: placeAt(part.file, part.source, inData), message: raw }
  const statement = statementOf(sql, completed)
  if (statement) return { place: at(offsetInDo(sql, statement, error) ?? statement.start), message: raw }
  const own = statementAt(text.slice(sqlStart + sqlLength), completed - countStatements(sql))
  return own === undefined || own === 'commit'
    ? { place: undefined, message: raw, atCommit: true }
    : codeOf(error) === sqlstate.undefinedTable
      ? { place: undefined, message: `${raw}, when the ledger was written after it`, ledgerGone: true }
      : { place: undefined, message: raw, own: { text: own, where: 'after' } }
}

/**
 * Where the character stands that the database's encoding does not have. The server converts a message before it looks at it,
 * and names the character by its bytes in UTF-8.
 */
function untranslatable(sql: string, error: unknown): number | undefined {
  if (codeOf(error) !== sqlstate.untranslatable || !(error instanceof Error)) return undefined
  const bytes = error.message.match(/\b0x[0-9a-f]{2}\b/g)
  const offset = bytes ? sql.indexOf(Buffer.from(bytes.map(Number)).toString()) : -1
  return offset === -1 ? undefined : offset
}

/**
 * The statement in which an escape makes bytes that are no character (`E'\\xe9'`): the server finds it before it runs
 * anything, and does not say where.
 */
function invalidBytes(sql: string, error: unknown): number | undefined {
  if (codeOf(error) !== sqlstate.invalidBytes) return undefined
  for (const { start, end } of split(sql)) if (syntaxError(sql.slice(start, end))) return start
  return undefined
}

/** `COPY t, line 3, column a: "x"`: counted from the first line of the data. */
function lineOfData(
  source: string,
  data: { readonly start: number; readonly end: number },
  error: unknown,
): number | undefined {
  const where: unknown = error instanceof Error ? Reflect.get(error, 'where') : undefined
  const match = typeof where === 'string' ? /^COPY .*?, line (\d+)\b/ms.exec(where) : null
  if (!match) return undefined
  let at = data.start
  for (let line = 1; line < Number(match[1]); line++) {
    const newline = source.indexOf('\n', at)
    if (newline === -1 || newline >= data.end) return at
    at = newline + 1
  }
  return at
}

/** The scanner quotes all that is left of the text. */
function shortened(message: string): string {
  return message.replace(/ at or near "([\s\S]*)"$/, (all, near: string) => {
    const [line = ''] = near.split('\n')
    return near.length > 60 || line !== near ? ` at or near "${line.slice(0, 60)}..."` : all
  })
}

/** An error in a DO block names its line, counted from the one on which its body begins. */
function offsetInDo(sql: string, { first, start, end }: Piece, error: unknown): number | undefined {
  const where: unknown = error instanceof Error ? Reflect.get(error, 'where') : undefined
  if (first !== 'do' || typeof where !== 'string') return undefined
  const text = sql.slice(start, end)
  const match = /^PL\/pgSQL function inline_code_block line (\d+)\b[^\n]*$/m.exec(where.split('\n').at(-1) ?? '')
  const body = /\$[^$\s]*\$/.exec(text)
  if (!match || !body) return undefined
  let offset = body.index + body[0].length
  for (let line = 1; line < Number(match[1]); line++) {
    const newline = text.indexOf('\n', offset)
    if (newline === -1) return undefined
    offset = newline + 1
  }
  return start + offset + Math.max(0, text.slice(offset).search(/\S/))
}

/** What helps against such an error, and the command that comes after it. */
export function wayOut(error: unknown, again: string): string {
  switch (codeOf(error)) {
    case sqlstate.unsafeNewEnumValue:
      return `A new enum value can be used only after its transaction: move the use to a migration of its own, or take the file's own BEGIN and COMMIT out of it (of code: mark it \`// migrate:up transaction:false\`); then run \`${again}\` again.`
    case sqlstate.canceled:
      return `If it ran into statement_timeout: raise it with \`-- schemagate:statement-timeout 10m\` in the file or --statement-timeout; then run \`${again}\` again.`
    case sqlstate.transactionTimeout:
    case sqlstate.idleSession:
    case sqlstate.idleInTransaction:
      return takeOutOwnLimit(again)
    default: {
      const way = wayOutOf(error)
      return way ? `${way}; then run \`${again}\` again.` : `Correct the file and run \`${again}\` again.`
    }
  }
}

/** The migrator lifts such limits where others have set them: this one is the migration's own. */
export function takeOutOwnLimit(again: string): string {
  return `The migrator lifts such limits where the server, the database or the role has them (transaction_timeout, idle_session_timeout, idle_in_transaction_session_timeout), so the migration itself, or a function that it calls, has set this one: take that SET out, or raise it; then run \`${again}\` again.`
}
