// The tokens of SQL, in one pass and without copies of the text.
// The rules are those of Postgres' own scanner (src/backend/parser/scan.l), with standard_conforming_strings on.

/** Kinds of token. `symbol` is one character of code that is nothing else. */
export const kinds = {
  end: 0,
  word: 1,
  string: 2,
  name: 3,
  dollarQuote: 4,
  semicolon: 5,
  open: 6,
  close: 7,
  symbol: 8,
  comment: 9,
} as const

export type Kind = (typeof kinds)[keyof typeof kinds]

/** A quote, comment or dollar quote without an end. `offset` is UTF-16, of its beginning. */
export interface Unclosed {
  readonly offset: number
  readonly what: 'string' | 'quoted name' | 'comment' | 'dollar quote' | 'data of COPY'
  /** What would close it. */
  readonly closing: string
}

/** What is wrong at its beginning. */
export function neverClosed({ what, closing }: Unclosed): string {
  return `the ${what} that begins here is never closed: ${closing} is missing`
}

const newline = 10
const carriageReturn = 13
const quote = 39
const backslash = 92
const dollar = 36

/** Steps through a text; the fields describe the current token. Blanks are skipped. */
export class Lexer {
  readonly sql: string
  /** UTF-16 offsets of the token. */
  start: number
  end: number
  /** Set when the text ended inside a token. */
  unclosed: Unclosed | undefined
  readonly #limit: number

  constructor(sql: string, start = 0, limit = sql.length) {
    this.sql = sql
    this.start = start
    this.end = start
    this.#limit = limit
  }

  /** Goes on to the next token. */
  next(): Kind {
    const { sql } = this
    let at = this.end
    let code = 0
    for (;;) {
      if (at >= this.#limit) {
        this.start = this.end = this.#limit
        return kinds.end
      }
      code = sql.charCodeAt(at)
      if (code !== 32 && (code < 9 || code > 13)) break
      at++
    }
    this.start = at
    if (isWordStart(code)) return this.#word(at)
    switch (code) {
      case quote:
        return this.#closeAt(endOfQuotes(sql, "'", at + 1), kinds.string, 'string', "'")
      case 34:
        return this.#closeAt(endOfQuotes(sql, '"', at + 1), kinds.name, 'quoted name', '"')
      case 59:
        return this.#one(kinds.semicolon)
      case 40:
        return this.#one(kinds.open)
      case 41:
        return this.#one(kinds.close)
      case 45:
        if (sql.charCodeAt(at + 1) !== 45) return this.#one(kinds.symbol)
        this.end = Math.min(endOfLine(sql, at + 2), this.#limit)
        return kinds.comment
      case 47:
        if (sql.charCodeAt(at + 1) !== 42) return this.#one(kinds.symbol)
        return this.#closeAt(endOfComment(sql, at + 2), kinds.comment, 'comment', '*/')
      case dollar: {
        dollarTag.lastIndex = at
        const tag = dollarTag.exec(sql)?.[0]
        if (tag === undefined) return this.#one(kinds.symbol)
        const close = sql.indexOf(tag, at + tag.length)
        return this.#closeAt(close === -1 ? -1 : close + tag.length, kinds.dollarQuote, 'dollar quote', tag)
      }
      default:
        return this.#one(kinds.symbol)
    }
  }

  /** The token's text in lower case. */
  lower(): string {
    return this.sql.slice(this.start, this.end).toLowerCase()
  }

  #one(kind: Kind): Kind {
    this.end = this.start + 1
    return kind
  }

  #word(from: number): Kind {
    const { sql } = this
    let at = from + 1
    while (at < this.#limit && isWordPart(sql.charCodeAt(at))) at++
    // E'...': only in such a string does a backslash escape
    if (at === from + 1 && sql.charCodeAt(at) === quote && (sql.charCodeAt(from) | 32) === 101)
      return this.#closeAt(endOfEscapes(sql, at + 1), kinds.string, 'string', "'", at)
    this.end = at
    return kinds.word
  }

  /** `end` -1: it has no end, and takes the rest of the text. */
  #closeAt(end: number, kind: Kind, what: Unclosed['what'], closing: string, offset = this.start): Kind {
    if (end === -1 || end > this.#limit) {
      this.unclosed = { offset, what, closing }
      this.end = this.#limit
    } else this.end = end
    return kind
  }
}

const dollarTag = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y

/** A letter, a digit or an underscore. A number counts as a word: a letter right after it begins no other token. */
function isWordStart(code: number): boolean {
  return (
    (code >= 97 && code <= 122) ||
    (code >= 48 && code <= 57) ||
    (code >= 65 && code <= 90) ||
    code === 95 ||
    code >= 128
  )
}

/** Within a word a dollar sign is part of it. */
function isWordPart(code: number): boolean {
  return isWordStart(code) || code === dollar
}

/** The offset of the line's end; a carriage return ends a line, too. */
function endOfLine(sql: string, from: number): number {
  for (let at = from; at < sql.length; at++) {
    const code = sql.charCodeAt(at)
    if (code === newline || code === carriageReturn) return at
  }
  return sql.length
}

/** Comments nest in SQL. */
function endOfComment(sql: string, body: number): number {
  let depth = 1
  let close = sql.indexOf('*/', body)
  let open = sql.indexOf('/*', body)
  while (close !== -1) {
    if (open !== -1 && open < close) {
      depth++
      // `/*/` opens, and does not close at once
      const from = open + 2
      if (close < from) close = sql.indexOf('*/', from)
      open = sql.indexOf('/*', from)
      continue
    }
    if (--depth === 0) return close + 2
    const from = close + 2
    if (open !== -1 && open < from) open = sql.indexOf('/*', from)
    close = sql.indexOf('*/', from)
  }
  return -1
}

/** A quote inside is doubled. */
function endOfQuotes(sql: string, mark: string, body: number): number {
  for (let at = sql.indexOf(mark, body); at !== -1; at = sql.indexOf(mark, at + 2))
    if (sql[at + 1] !== mark) return at + 1
  return -1
}

/**
 * A string that goes on after a line end is one string, in which a backslash still escapes. Line comments may stand
 * between.
 */
const continuation = /[ \t\f\v]*(?:--[^\r\n]*)?[\r\n](?:[ \t\n\r\f\v]|--[^\r\n]*[\r\n])*'/y

function endOfEscapes(sql: string, body: number): number {
  for (let at = body; at < sql.length; at++) {
    const code = sql.charCodeAt(at)
    if (code === backslash) at++
    else if (code === quote) {
      if (sql.charCodeAt(at + 1) === quote) {
        at++
        continue
      }
      continuation.lastIndex = at + 1
      if (!continuation.test(sql)) return at + 1
      at = continuation.lastIndex - 1
    }
  }
  return -1
}
