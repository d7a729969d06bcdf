// A text into its statements, without the grammar: where each begins and ends, and which of them are worth parsing.

import { kinds, Lexer, type Unclosed } from './lexer.ts'

/** Words that make a statement worth parsing, as bits of {@link Piece.words}. */
export const words = {
  /** Of statements that Postgres may forbid inside a transaction. */
  outside: 1,
  setConfig: 2,
  temporary: 4,
  /** A function that takes a lock until the transaction's end. */
  transactionLock: 8,
  /** What is no SQL: the text may be meant for another tool. */
  unsupported: 16,
  /** A template mark in a quoted name. */
  template: 32,
  /** `FROM stdin`: data follows. */
  stdin: 64,
} as const

const bits: ReadonlyMap<string, number> = new Map([
  ...['concurrently', 'database', 'tablespace', 'subscription', 'system', 'transaction', 'prepared'].map(
    word => [word, words.outside] as const,
  ),
  ['set_config', words.setConfig],
  ['temp', words.temporary],
  ['temporary', words.temporary],
  ...['', '_shared'].flatMap(end =>
    ['pg_advisory_xact_lock', 'pg_try_advisory_xact_lock'].map(word => [word + end, words.transactionLock] as const),
  ),
  ['go', words.unsupported],
  ['delimiter', words.unsupported],
])
const longestWord = 'pg_try_advisory_xact_lock_shared'.length

/** One statement of a text, or a line for psql. Offsets are UTF-16. */
export interface Piece {
  /** The offset of its first character, after blanks and comments. */
  readonly start: number
  /** The offset after its last character; the semicolon is not part of it. */
  readonly end: number
  /** Where the search for the next one begins: after the semicolon, or after the data of a COPY. */
  readonly next: number
  /** Its first word, in small letters; `\restrict` for the two lines that pg_dump writes for psql. */
  readonly first: string
  readonly words: number
  /** The data of its COPY FROM stdin, without the line `\.` that ends it. */
  readonly data?: { readonly start: number; readonly end: number }
}

/** How a text was read: set once it is read to its end. */
export interface Reading {
  unclosed?: Unclosed | undefined
}

/**
 * The statements between two offsets, in order, each read when it is asked for, so that a large text takes no memory besides
 * its own. Semicolons in parentheses and in the body of a function (BEGIN ATOMIC) end no statement, as in psql.
 */
export function* split(sql: string, from = 0, to = sql.length, reading: Reading = {}): Generator<Piece, void> {
  let lexer = new Lexer(sql, from, to)
  for (;;) {
    const statement = new Statement(sql)
    const kind = readStatement(lexer, statement)
    if (statement.start !== -1) {
      const { start, end, first, wordBits } = statement
      if (kind === 'restrict') {
        yield { start, end, next: end, first: '\\restrict', words: 0 }
        lexer = new Lexer(sql, end, to)
        continue
      }
      const data = wordBits & words.stdin && kind === 'semicolon' ? findData(sql, lexer.end, to) : undefined
      const next = data?.next ?? lexer.end
      yield { start, end, next, first, words: wordBits, ...(data && { data: data.range }) }
      if (data) {
        if (!data.closed)
          reading.unclosed = { offset: start, what: 'data of COPY', closing: '`\\.` on a line of its own' }
        lexer = new Lexer(sql, next, to)
      }
    }
    if (kind === 'end') {
      reading.unclosed ??= lexer.unclosed
      return
    }
  }
}

/** The statement that is being read, as far as it is known. */
class Statement {
  readonly sql: string
  start = -1
  end = -1
  first = ''
  wordBits = 0
  #parentheses = 0
  /** In the body of a function that is written in SQL: BEGIN ATOMIC and CASE are each closed by END. */
  #blocks = 0
  #previous = ''

  constructor(sql: string) {
    this.sql = sql
  }

  get open(): boolean {
    return this.#parentheses > 0 || this.#blocks > 0
  }

  /** Something that is no word: what comes behind it does not follow the word before it. */
  other(): void {
    this.#previous = ''
  }

  parenthesis(by: 1 | -1): void {
    this.#parentheses = Math.max(0, this.#parentheses + by)
  }

  word(lexer: Lexer): void {
    if (this.first === '') {
      this.first = lexer.lower()
      this.wordBits |= bits.get(this.first) ?? 0
      return
    }
    if (lexer.end - lexer.start > longestWord) {
      this.other()
      return
    }
    const creates = this.first === 'create'
    const copies = this.first === 'copy'
    // most words of most statements matter for nothing: they are skipped by their first letter
    if (!creates && !copies && !initials.has(this.sql.charCodeAt(lexer.start) | 32)) return
    const word = lexer.lower()
    this.wordBits |= bits.get(word) ?? 0
    if (creates) this.#countBlocks(word, lexer.start)
    if (copies) {
      if (word === 'stdin' && this.#previous === 'from' && this.#parentheses === 0) this.wordBits |= words.stdin
      this.#previous = word
    }
  }

  #countBlocks(word: string, start: number): void {
    // a name, and no keyword: t.case, x as end
    const isName = this.#previous === 'as' || this.sql[start - 1] === '.'
    if (word === 'atomic' && this.#previous === 'begin') this.#blocks = 1
    else if (this.#blocks > 0 && !isName) {
      if (word === 'case') this.#blocks++
      else if (word === 'end') this.#blocks--
    }
    this.#previous = word
  }
}

const initials: ReadonlySet<number> = new Set([...bits.keys()].map(word => word.charCodeAt(0)))

function readStatement(lexer: Lexer, statement: Statement): 'semicolon' | 'end' | 'restrict' {
  const { sql } = lexer
  for (;;) {
    const kind = lexer.next()
    if (kind === kinds.comment) continue
    if (kind === kinds.end) return 'end'
    if (kind === kinds.semicolon && !statement.open) return 'semicolon'
    const isFirst = statement.start === -1
    if (isFirst) statement.start = lexer.start
    statement.end = lexer.end
    if (kind === kinds.word) {
      statement.word(lexer)
      continue
    }
    statement.other()
    if (kind === kinds.open) statement.parenthesis(1)
    else if (kind === kinds.close) statement.parenthesis(-1)
    else if (kind === kinds.name) {
      if (templateInName.test(sql.slice(lexer.start, Math.min(lexer.end, lexer.start + longestName))))
        statement.wordBits |= words.template
    } else if (kind === kinds.symbol) {
      const end = isFirst ? endOfRestriction(sql, lexer.start) : undefined
      if (end !== undefined) {
        statement.end = end
        return 'restrict'
      }
      if (isUnsupported(sql, lexer.start)) statement.wordBits |= words.unsupported
    }
  }
}

const longestName = 1_000
const templateInName = /\$\{|\{\{|\{%/

/** pg_dump writes these two lines since August 2025: psql then runs no other commands of its own in between. */
const restriction = /\\(?:un)?restrict[ \t]+\w+[ \t]*(?=\r?\n|$)/y

function endOfRestriction(sql: string, at: number): number | undefined {
  if (sql[at] !== '\\' || (at > 0 && sql[at - 1] !== '\n')) return undefined
  restriction.lastIndex = at
  return restriction.test(sql) ? restriction.lastIndex : undefined
}

/** Characters that SQL does not have outside of quotes, and those of psql's variables. */
function isUnsupported(sql: string, at: number): boolean {
  switch (sql[at]) {
    case '\\':
    case '{':
      return true
    case '<':
      return sql[at + 1] === '%'
    case ':':
      return /^(?<!:):['"A-Za-z_]/.test(sql.slice(at, at + 2)) && sql[at - 1] !== ':'
    default:
      return false
  }
}

const restOfLine = /[ \t]*(?:--[^\r\n]*)?(?:\r\n|\n|$)/y

/**
 * The data that psql would feed to a COPY: from the line after its semicolon to one that holds `\.` alone; without that
 * line it is not `closed`. Undefined if more follows on the line of the semicolon.
 */
function findData(sql: string, from: number, to: number) {
  restOfLine.lastIndex = from
  if (!restOfLine.test(sql)) return undefined
  const start = Math.min(restOfLine.lastIndex, to)
  let at = sql.startsWith('\\.', start) ? start - 1 : sql.indexOf('\n\\.', start)
  while (at !== -1 && at < to) {
    endOfData.lastIndex = at + 3
    if (endOfData.test(sql)) return { range: { start, end: at + 1 }, next: endOfData.lastIndex, closed: true }
    at = sql.indexOf('\n\\.', at + 1)
  }
  return { range: { start, end: to }, next: to, closed: false }
}

const endOfData = /\r?(?:\n|$)/y
