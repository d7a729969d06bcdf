// Where a migration file is code, and where it is text: what looks like a mark inside a string is not one.

import { kinds, Lexer } from '../sql/lexer.ts'
import { textSpans } from '../sql/scan.ts'

/** A line that is a comment to Play, or in a code migration, and none to Postgres. */
const otherComment = /(?:#|\/\/)[^\r\n]*/y

/**
 * The offset of the first token between two offsets, neither of them in a text, that is no comment; undefined if there
 * is none.
 */
export function firstCode(source: string, from: number, to: number): number | undefined {
  let lexer = new Lexer(source, from, to)
  for (let kind = lexer.next(); kind !== kinds.end; kind = lexer.next()) {
    if (kind === kinds.comment) continue
    otherComment.lastIndex = lexer.start
    if (!otherComment.test(source) || !isFirstOfLine(source, lexer.start)) return lexer.start
    lexer = new Lexer(source, Math.min(otherComment.lastIndex, to), to)
  }
  return undefined
}

/** Tells for an offset whether it is in a string, a quoted name, a function's body or a block comment that has its end. */
export function insideText(source: string): (offset: number) => boolean {
  const code = firstCode(source, 0, source.length) ?? source.length
  // an apostrophe in a comment that Postgres does not know begins no string
  const head = source.slice(0, code).replace(/^[ \t]*(?:#|\/\/)[^\r\n]*/gm, line => ' '.repeat(line.length))
  const spans = [...textSpans(head), ...textSpans(source, code)]
  return offset => {
    let [low, high] = [0, spans.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (spans[middle]!.end <= offset) low = middle + 1
      else high = middle
    }
    return low < spans.length && spans[low]!.start < offset
  }
}

function isFirstOfLine(source: string, offset: number): boolean {
  let at = offset - 1
  while (source[at] === ' ' || source[at] === '\t') at--
  return at < 0 || source[at] === '\n' || source[at] === '\r'
}
