// What a text tells of how it is to be run: only the statements that matter for that are parsed, one by one.

import type { Unclosed } from './lexer.ts'
import { parseStatements, type Statement } from './parse.ts'
import { type Piece, split, words } from './split.ts'
import { UnreadableControlError } from './step.ts'
import { controlOf } from './transactions.ts'

/** A statement that matters, and the how-many-th of its text it is. */
export interface Told extends Piece {
  readonly index: number
}

export interface Outline {
  readonly told: readonly Told[]
  /** Statements in all. */
  readonly count: number
  /** What may be meant for another tool. */
  readonly suspicious: readonly Piece[]
  /** COPY statements that wait for data. */
  readonly copies: readonly Piece[]
  readonly unclosed?: Unclosed | undefined
}

/** Reads a text once. `steps`: what a statement sets or holds for those behind it matters, too. */
export function outline(sql: string, from = 0, to = sql.length, steps = false): Outline {
  const told: Told[] = []
  const suspicious: Piece[] = []
  const copies: Piece[] = []
  const reading: { unclosed?: Unclosed | undefined } = {}
  let count = 0
  for (const piece of split(sql, from, to, reading)) {
    if (tells(sql, piece) || (steps && tellsInSteps(sql, piece))) told.push({ ...piece, index: count })
    if (piece.words & (words.foreign | words.template)) suspicious.push(piece)
    if (piece.words & words.stdin) copies.push(piece)
    count++
  }
  return { told, count, suspicious, copies, unclosed: reading.unclosed }
}

const control = new Set(['begin', 'start', 'commit', 'end', 'rollback', 'abort'])

/** True if the statement may end, begin or forbid a transaction, or lift the limit of waiting for locks. */
function tells(sql: string, piece: Piece): boolean {
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
      return /lock_timeout|transaction/i.test(textOf(sql, piece))
    case 'select':
      return (piece.words & words.setConfig) !== 0 && /lock_timeout/i.test(textOf(sql, piece))
    default:
      return false
  }
}

/** True if the statement may set or hold something until the transaction's end. */
function tellsInSteps(sql: string, piece: Piece): boolean {
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

export function textOf(sql: string, { start, end }: { readonly start: number; readonly end: number }): string {
  return sql.slice(start, end)
}

/** The grammar takes some forty times a text's size in memory: no statement that tells something is so long. */
const longest = 4 << 20

/**
 * The statement of a piece, by the grammar; undefined if it is not this grammar's, and so left to the server.
 * Call loadParser() first.
 * @throws UnreadableControlError where that would leave it to chance what ends the transaction.
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
