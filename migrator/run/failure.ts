// Makes of the server's error one that names file, line and column, and ends with the way out.

import { basename } from 'node:path'
import { MigrationFailedError } from '../errors.ts'
import type { SqlPart } from '../files/migration.ts'
import { copyRefusal } from '../postgres/script.ts'
import { codeOf, sqlstate } from '../postgres/sqlstate.ts'
import { type Place, placeAt, toOffset } from '../sql/excerpt.ts'
import { findForeign } from '../sql/foreign.ts'
import { loadParser, parseStatements } from '../sql/parse.ts'

/** A message that failed: its text, where in it the file's SQL stands, and how many statements were completed. */
export interface FailedMessage {
  readonly error: unknown
  readonly text: string
  /** UTF-16 offset of the file's SQL in `text`, and its length. */
  readonly sqlStart: number
  readonly sqlLength: number
  /** Offset in the file of the SQL's first character. */
  readonly fileOffset: number
  /** Statements of the file that were completed; our own do not count. */
  readonly completed: number
}

/** The failure of a part of a migration, as the operator is to read it. `undone` says what became of it. */
export async function explainFailure(
  name: string,
  part: SqlPart,
  failed: FailedMessage,
  undone: string,
): Promise<MigrationFailedError> {
  const { error } = failed
  const code = codeOf(error)
  const message = error instanceof Error ? error.message : String(error)
  const place = await findPlace(part, failed)
  const foreign =
    code === '42601' || message.includes(copyRefusal) ? findForeign(part.source.slice(part.start, part.end)) : undefined
  const at = place ? ` at ${basename(place.file)}:${place.line}:${place.column}` : ''
  const lines = [
    `${name} failed${at}: ${message}${code ? ` (${code})` : ''}`,
    ...fieldLines(error),
    ...(foreign ? [`  ${foreign.message}`] : []),
    `${undone} ${wayOut(code)}`,
  ]
  return new MigrationFailedError(name, lines.join('\n'), { cause: error, place })
}

function fieldLines(error: unknown): string[] {
  const lines: string[] = []
  for (const [field, label] of [
    ['detail', 'detail'],
    ['hint', 'hint'],
    ['where', 'context'],
  ] as const) {
    const value: unknown = error instanceof Error ? Reflect.get(error, field) : undefined
    if (typeof value === 'string') lines.push(`  ${label}: ${value.replaceAll('\n', '\n           ')}`)
  }
  return lines
}

/** By the server's position, else by the statement at which it stopped. */
async function findPlace(part: SqlPart, failed: FailedMessage): Promise<Place | undefined> {
  const { error, text, sqlStart, sqlLength, fileOffset, completed } = failed
  const position: unknown = error instanceof Error ? Reflect.get(error, 'position') : undefined
  if (typeof position === 'string') {
    const offset = toOffset(text, Number(position)) - sqlStart
    if (offset >= 0 && offset <= sqlLength) return placeAt(part.file, part.source, fileOffset + offset)
    // behind the file's SQL: a quote or a comment that it never closes
    if (offset > sqlLength) return placeAt(part.file, part.source, fileOffset + sqlLength)
  }
  await loadParser()
  const statement = parseStatements(text.slice(sqlStart, sqlStart + sqlLength))?.[completed]
  return statement && placeAt(part.file, part.source, fileOffset + statement.start)
}

function wayOut(code: string | undefined): string {
  switch (code) {
    case sqlstate.unsafeNewEnumValue:
      return 'A new enum value can be used only after its transaction: move the use to a migration of its own, or mark this one `-- migrate:up transaction:false`; then run `schemagate up` again.'
    case sqlstate.canceled:
      return 'If it ran into statement_timeout: raise it with `-- schemagate:statement-timeout 10m` in the file or --statement-timeout; then run `schemagate up` again.'
    case sqlstate.insufficientPrivilege:
      return "Grant the right to the migrator's role, or name the owner in DATABASE_URL; then run `schemagate up` again."
    default:
      return 'Correct the file and run `schemagate up` again.'
  }
}
