// Tells code from what is inside quotes and comments.

import { kinds, Lexer, type Unclosed } from './lexer.ts'
import { type Reading, split } from './split.ts'

export type { Unclosed } from './lexer.ts'

export interface Scanned {
  /** The text, as long as it was, with blanks in place of comments and strings; line ends stay. */
  readonly code: string
  readonly unclosed?: Unclosed
}

/**
 * Tells code from text. Strings are read as with `standard_conforming_strings = on`. A name in quotes is code; so is
 * the string of psql's `:'variable'`. The data of a COPY is not. `code` is computed when it is read.
 */
export function scan(sql: string): Scanned {
  const reading: Reading = {}
  const data: Span[] = []
  for (const piece of split(sql, 0, sql.length, reading)) if (piece.data) data.push(piece.data)
  return {
    get code() {
      return codeOf(sql, data)
    },
    ...(reading.unclosed && { unclosed: reading.unclosed }),
  }
}

/** A stretch of a text. Offsets are UTF-16. */
export interface Span {
  readonly start: number
  readonly end: number
}

/**
 * The strings, names in quotes, function bodies and block comments from an offset on that have more than one line, and an
 * end; and the data of COPY, likewise, from the line end before it.
 */
export function textSpans(sql: string, from = 0): readonly Span[] {
  const spans: Span[] = []
  const read = (lexer: Lexer) => {
    for (let kind = lexer.next(); kind !== kinds.end; kind = lexer.next()) {
      const isText =
        kind === kinds.comment || kind === kinds.dollarQuote || kind === kinds.string || kind === kinds.name
      if (isText && !lexer.unclosed && /[\r\n]/.test(sql.slice(lexer.start, lexer.end)))
        spans.push({ start: lexer.start, end: lexer.end })
    }
  }
  let at = from
  for (const { data, next } of split(sql, from)) {
    if (!data) continue
    read(new Lexer(sql, at, data.start))
    if (next > data.end) spans.push({ start: data.start - 1, end: data.end })
    at = data.end
  }
  read(new Lexer(sql, at))
  return spans
}

function codeOf(sql: string, data: readonly Span[]): string {
  const parts: string[] = []
  let at = 0
  const blankOut = (start: number, end: number) => {
    parts.push(sql.slice(at, start), sql.slice(start, end).replace(/[^\r\n]/g, ' '))
    at = end
  }
  for (const { start, end } of [...data, { start: sql.length, end: sql.length }]) {
    const lexer = new Lexer(sql, at, start)
    for (let kind = lexer.next(); kind !== kinds.end; kind = lexer.next()) {
      const isVariable = sql[lexer.start - 1] === ':' && sql[lexer.start - 2] !== ':'
      const isText = kind === kinds.comment || kind === kinds.dollarQuote || (kind === kinds.string && !isVariable)
      if (isText || (kind === kinds.name && lexer.unclosed)) blankOut(lexer.start, lexer.end)
    }
    blankOut(start, end)
  }
  return parts.join('')
}
