// From a position in SQL to a line, a column and a caret under it.

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

/** Shows the place at a UTF-16 offset of a file's text. */
export function placeAt(file: string, source: string, offset: number): Place {
  const at = Math.min(offset, source.length)
  const lines = source.split(/\r\n|\n|\r/)
  const before = source.slice(0, at).split(/\r\n|\n|\r/)
  const line = before.length
  const lead = before.at(-1)!
  const width = String(Math.min(line + 1, lines.length)).length

  const shown: string[] = []
  for (let n = Math.max(1, line - contextLines); n <= Math.min(lines.length, line + 1); n++) {
    const text = lines[n - 1]!
    const cut = n === line ? cutFrom(lead) : 0
    shown.push(`${n === line ? '>' : ' '} ${String(n).padStart(width)} | ${text.slice(cut, cut + widest)}`.trimEnd())
    if (n === line) shown.push(`  ${' '.repeat(width)} | ${caretIndent(lead.slice(cut))}^`)
  }
  return { file, line, column: [...lead].length + 1, excerpt: hideSecrets(shown.join('\n')) }
}

/** A long line (a minified function, an INSERT of a thousand rows) is shown from a little before the place. */
function cutFrom(lead: string): number {
  return lead.length > widest - 40 ? lead.length - 80 : 0
}

/** As wide as the text above it: tabs stay tabs, East Asian wide characters and emoji take two columns. */
function caretIndent(lead: string): string {
  let indent = ''
  for (const character of lead) {
    if (character === '\t') indent += '\t'
    else if (/\p{Mark}|\p{Default_Ignorable_Code_Point}/u.test(character)) continue
    else indent += wide.test(character) ? '  ' : ' '
  }
  return indent
}

const wide =
  /[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6]|\p{Emoji_Presentation}/u

/** `alter role x password '...'` is SQL that a log must not show; the width stays, so that the caret does. */
export function hideSecrets(text: string): string {
  return text.replace(
    /\b(password\s+E?')((?:[^']|'')*)(')/gi,
    (_, open: string, secret: string, close: string) => open + '*'.repeat(secret.length) + close,
  )
}
