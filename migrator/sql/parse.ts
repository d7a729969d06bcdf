// SQL into statements, with Postgres' own grammar (libpg-query, WebAssembly).

import type { Node, ParseResult } from 'libpg-query'
import { toOffset } from './excerpt.ts'

/** One statement of a text. Offsets are UTF-16; leading blanks and comments are not part of it. */
export interface Statement {
  readonly start: number
  readonly end: number
  readonly text: string
  readonly node: Node
}

type Parse = (sql: string) => ParseResult
let parser: Parse | undefined

/** Loads the grammar: 20 ms, paid only by runs that need it. */
export async function loadParser(): Promise<void> {
  if (parser) return
  const { loadModule, parseSync } = await import('libpg-query')
  await loadModule()
  parser = parseSync
}

/**
 * The statements of a text, or undefined if the grammar does not take it: the server, which may be of another version,
 * then decides. Call {@link loadParser} first.
 */
export function parseStatements(sql: string): Statement[] | undefined {
  if (!parser) throw new Error('loadParser() has not been awaited')
  let result: ParseResult
  try {
    result = parser(sql)
  } catch {
    return undefined
  }
  const toIndex = byteOffsets(sql)
  return (result.stmts ?? []).map(({ stmt, stmt_location = 0, stmt_len }) => {
    const from = toIndex(stmt_location)
    const end = stmt_len ? toIndex(stmt_location + stmt_len) : sql.trimEnd().length
    const start = skipBlanks(sql, from, end)
    return { start, end, text: sql.slice(start, end), node: stmt! }
  })
}

/** The grammar's error for a text that it does not take. `offset` is UTF-16. */
export function syntaxError(sql: string): { readonly message: string; readonly offset: number } | undefined {
  try {
    parser?.(sql)
    return undefined
  } catch (error) {
    if (!(error instanceof Error)) return undefined
    const details: unknown = Reflect.get(error, 'sqlDetails')
    const position =
      typeof details === 'object' && details !== null ? Reflect.get(details, 'cursorPosition') : undefined
    return { message: error.message, offset: typeof position === 'number' ? toOffset(sql, position + 1) : 0 }
  }
}

/** The grammar counts bytes of UTF-8. Fast if offsets are requested in rising order. */
function byteOffsets(sql: string): (byte: number) => number {
  if (Buffer.byteLength(sql) === sql.length) return byte => byte
  const bytes = Buffer.from(sql)
  let lastByte = 0
  let lastIndex = 0
  return byte => {
    if (byte < lastByte) [lastByte, lastIndex] = [0, 0]
    lastIndex += bytes.toString('utf8', lastByte, byte).length
    lastByte = byte
    return lastIndex
  }
}

const blank = /(?:\s+|--[^\n]*(?:\n|$))*/y

/** Past white space and comments; block comments nest in SQL. */
function skipBlanks(sql: string, start: number, end: number): number {
  let at = start
  while (at < end) {
    blank.lastIndex = at
    blank.exec(sql)
    const after = Math.min(blank.lastIndex, end)
    if (!sql.startsWith('/*', after)) return after
    let depth = 0
    at = after
    do {
      if (sql.startsWith('/*', at)) [depth, at] = [depth + 1, at + 2]
      else if (sql.startsWith('*/', at)) [depth, at] = [depth - 1, at + 2]
      else at++
    } while (depth > 0 && at < end)
  }
  return end
}
