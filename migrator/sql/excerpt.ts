// From a position in SQL to a line, a column and a caret under it.

import { columnsOf } from '../text/columns.ts'
import { hideSecrets } from '../text/redact.ts'

export interface Place {
  readonly file: string
  /** Both from 1; columns count characters, a tab as one. */
  readonly line: number
  readonly column: number
  /** The lines around the place, numbered, with a caret under it: for a terminal or a log's reader. */
  readonly excerpt: string
}

/** The UTF-16 offset of Postgres' 1-based position, which counts characters (code points). */
export function toOffset(text: string, position: number): number {
  let offset = 0
  for (let i = 1; i < position && offset < text.length; i++) offset += text.codePointAt(offset)! > 0xffff ? 2 : 1
  return offset
}

const contextLines = 2
const widest = 160

/** Shows the place at a UTF-16 offset of a file's text. Copies no more of it than is shown: it may be very long. */
export function placeAt(file: string, source: string, offset: number): Place {
  const at = Math.min(offset, source.length)
  /** Where the last lines before the place begin, its own included. */
  const starts = [0]
  let line = 1
  for (let start = nextLine(source, 0, at); start !== undefined; start = nextLine(source, start, at)) {
    starts.push(start)
    if (starts.length > contextLines + 1) starts.shift()
    line++
  }
  const lineStart = starts.at(-1)!
  const after = nextLine(source, at, source.length)
  if (after !== undefined) starts.push(after)
  const first = line - starts.length + (after === undefined ? 1 : 2)
  const width = String(first + starts.length - 1).length

  const shown: string[] = []
  for (const [i, start] of starts.entries()) {
    const n = first + i
    const cut = n === line ? cutFrom(at - lineStart) : 0
    const text = lineFrom(source, start, cut)
    shown.push(`${n === line ? '>' : ' '} ${String(n).padStart(width)} | ${text}`.trimEnd())
    if (n === line) shown.push(`  ${' '.repeat(width)} | ${caretIndent(source.slice(lineStart + cut, at))}^`)
  }
  return { file, line, column: characters(source, lineStart, at) + 1, excerpt: shown.join('\n') }
}

/** Where the next line begins, if the line end before it is before `limit`. A line ends with LF, CR LF or CR. */
function nextLine(source: string, from: number, limit: number): number | undefined {
  for (let i = from; i < limit; i++) {
    const code = source.charCodeAt(i)
    if (code === 10) return i + 1
    if (code === 13 && !(source.charCodeAt(i + 1) === 10 && i + 1 < limit)) return i + 1
  }
  return undefined
}

/** How much of the text around what is shown is looked through for secrets that begin before it, or end behind it. */
const around = 4_096

/** As much of a line as can be shown, from its `cut`-th character on, without secrets. */
function lineFrom(source: string, start: number, cut: number): string {
  const before = Math.min(start + cut, around)
  const from = start + cut - before
  const text = hideSecrets(source.slice(from, from + before + widest + around))
  return /^[^\r\n]*/.exec(text.slice(before, before + widest))![0]
}

function characters(source: string, start: number, end: number): number {
  let count = 0
  for (let i = start; i < end; i++) {
    count++
    if (source.codePointAt(i)! > 0xffff) i++
  }
  return count
}

/** A long line (a minified function, an INSERT of a thousand rows) is shown from a little before the place. */
function cutFrom(lead: number): number {
  return lead > widest - 40 ? lead - 80 : 0
}

/** As wide as the text above it: tabs stay tabs. */
function caretIndent(lead: string): string {
  let indent = ''
  for (const character of lead) {
    indent += character === '\t' ? '\t' : ' '.repeat(columnsOf(character))
  }
  return indent
}
