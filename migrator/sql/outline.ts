// How a text has to be run: finds the statements that decide it, which alone are parsed, one by one.

import { kinds, Lexer, type Unclosed } from './lexer.ts'
import { parseStatements, type Statement } from './parse.ts'
import { type Piece, split, words } from './split.ts'
import { UnreadableControlError } from './step.ts'
import { controlOf } from './transaction-statements.ts'

/** A statement that decides how its text is run, and its number in the text, from 0. */
export interface Relevant extends Piece {
  readonly index: number
}

export interface Outline {
  readonly relevant: readonly Relevant[]
  /** The number of all statements. */
  readonly count: number
  /** What may be meant for another tool. */
  readonly suspicious: readonly Piece[]
  /** COPY statements that wait for data. */
  readonly copies: readonly Piece[]
  /** The first string whose backslash is meant to escape, by a SET of this text. UTF-16. */
  readonly escaped?: number | undefined
  /** It sets the search path, for its transaction or its session. */
  readonly setsPath: boolean
  /** The search path that it leaves to its session, as it is written. */
  readonly pathLeft?: string | undefined
  readonly unclosed?: Unclosed | undefined
}

/** Reads a text once. `steps`: what a statement sets or holds for those after it matters, too. */
export function outline(sql: string, from = 0, to = sql.length, steps = false): Outline {
  const relevant: Relevant[] = []
  const suspicious: Piece[] = []
  const copies: Piece[] = []
  const reading: { unclosed?: Unclosed | undefined } = {}
  let count = 0
  let escapes = false
  let escaped: number | undefined
  let setsPath = false
  let pathLeft: string | undefined
  for (const piece of split(sql, from, to, reading)) {
    if (piece.first === 'set' || piece.first === 'reset') {
      const text = textOf(sql, piece)
      escapes = backslashesEscape(text) ?? escapes
      setsPath ||= /\bsearch_path\b/i.test(text)
      pathLeft = pathAfter(text, pathLeft)
    } else if (escapes) escaped ??= plainBackslash(sql, piece)
    if (isRelevant(sql, piece) || (steps && isRelevantToSteps(sql, piece))) relevant.push({ ...piece, index: count })
    if (piece.words & (words.unsupported | words.template)) suspicious.push(piece)
    if (piece.words & words.stdin) copies.push(piece)
    count++
  }
  return { relevant, count, suspicious, copies, escaped, setsPath, pathLeft, unclosed: reading.unclosed }
}

/** The search path that the session has after a SET or RESET; undefined: that of the connection, or none. */
function pathAfter(text: string, before: string | undefined): string | undefined {
  if (/^reset\s+(?:all|search_path)\b/i.test(text)) return undefined
  const [, value] = /^set\s+(?:session\s+)?search_path\s*(?:=|\bto\b)\s*([^;]+)/i.exec(text) ?? []
  if (value === undefined) return before
  // without any, unqualified names are found nowhere; `public` is what the connection has, as a rule, and older dumps set
  return /^(?:default|''|""|(?:"\$user"\s*,\s*)?public(?:\s*,\s*pg_catalog)?)$/i.test(value.trim())
    ? undefined
    : value.trim()
}

/** What a SET or RESET says of backslashes in plain strings; undefined if it is about something else. */
function backslashesEscape(text: string): boolean | undefined {
  if (/^reset\s+(?:all|standard_conforming_strings)\b/i.test(text)) return false
  const [, value] = /\bstandard_conforming_strings\b\s*(?:=|\bto\b)\s*'?(\w+)/i.exec(text) ?? []
  return value === undefined ? undefined : /^(?:off?|f(?:alse)?|no?|0)$/i.test(value)
}

/** The offset of the first string with a backslash that is not written E'...'. */
function plainBackslash(sql: string, { start, end }: Piece): number | undefined {
  const lexer = new Lexer(sql, start, end)
  for (let kind = lexer.next(); kind !== kinds.end; kind = lexer.next())
    if (kind === kinds.string && sql[lexer.start] === "'" && sql.slice(lexer.start, lexer.end).includes('\\'))
      return lexer.start
  return undefined
}

const control = new Set(['begin', 'start', 'commit', 'end', 'rollback', 'abort'])

/** True if the statement may end, begin or forbid a transaction, or lift the limit of waiting for locks. */
function isRelevant(sql: string, piece: Piece): boolean {
  const { first } = piece
  if (control.has(first)) return true
  switch (first) {
    case 'vacuum':
    case 'cluster':
    case 'reindex':
    case 'discard':
    case '\\restrict':
      return true
    case 'create':
    case 'alter':
    case 'drop':
    case 'prepare':
      return (piece.words & words.outside) !== 0
    case 'set':
    case 'reset':
      return /lock_timeout|transaction|client_encoding|\bnames\b/i.test(textOf(sql, piece))
    case 'select':
      return (piece.words & words.setConfig) !== 0 && /lock_timeout/i.test(textOf(sql, piece))
    default:
      return false
  }
}

/** True if the statement may set or hold something until the transaction's end. */
function isRelevantToSteps(sql: string, piece: Piece): boolean {
  if (piece.words & (words.setConfig | words.transactionLock)) return true
  switch (piece.first) {
    case 'set':
    case 'reset':
    case 'lock':
    case 'savepoint':
    case 'release':
    case 'declare':
    case 'fetch':
    case 'move':
    case 'close':
      return true
    case 'create':
      return (piece.words & words.temporary) !== 0
    case 'do':
      return /\bset\s+local\b|\bset_config\b/i.test(textOf(sql, piece))
    default:
      return false
  }
}

/** The text between two UTF-16 offsets. */
export function textOf(sql: string, { start, end }: { readonly start: number; readonly end: number }): string {
  return sql.slice(start, end)
}

/** The grammar takes some forty times a text's size in memory; no statement that matters is so long. */
const longest = 4 << 20

/**
 * The statement of a piece; undefined if the grammar does not take it, and the server has to judge. Call loadParser() first.
 * @throws UnreadableControlError if such a piece might end or begin a transaction.
 */
export function parsePiece(sql: string, piece: Piece): Statement | undefined {
  const text = textOf(sql, piece)
  const parsed = text.length > longest ? undefined : parseStatements(text)
  const [statement, ...more] = parsed ?? []
  const isControl = control.has(piece.first) || more.some(({ node }) => controlOf(node) !== undefined)
  if (statement === undefined || more.length > 0) {
    if (isControl) throw new UnreadableControlError(piece.start, text)
    return undefined
  }
  return { ...statement, start: piece.start, end: piece.end }
}
