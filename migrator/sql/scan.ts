// A quick look at SQL without its grammar: what is code, and what is text inside quotes or a comment.

/** A quote, comment or dollar quote that is never closed. `offset` is UTF-16, of where it begins. */
export interface Unclosed {
  readonly offset: number
  readonly what: 'string' | 'quoted name' | 'comment' | 'dollar quote'
  /** What would close it. */
  readonly closing: string
}

export interface Scanned {
  /** The text, as long as it was, with blanks for comments and for what stands inside strings; line ends stay. */
  readonly code: string
  readonly unclosed?: Unclosed
}

/** What begins something that is not code, or is a word, in which a dollar sign is part of the name. */
const opening = /--|\/\*|'|"|\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$|[\w\u0080-\uffff][\w$\u0080-\uffff]*/g

/**
 * Tells code from text. Strings are read as with `standard_conforming_strings = on`. A name in quotes is code; so is
 * the string of psql's `:'variable'`.
 */
export function scan(sql: string): Scanned {
  let code = ''
  let at = 0
  opening.lastIndex = 0
  for (let match = opening.exec(sql); match; match = opening.exec(sql)) {
    const [token] = match
    const start = match.index
    const body = start + token.length
    if (/^[\w\u0080-\uffff]/.test(token)) continue
    const end = endOf(sql, token, start, body)
    if (end === undefined) {
      code += sql.slice(at, body) + blank(sql.slice(body))
      return { code, unclosed: { offset: start, ...closings(token) } }
    }
    const isCode = token === '"' || (token === "'" && sql[start - 1] === ':' && sql[start - 2] !== ':')
    if (!isCode) {
      code += sql.slice(at, start) + blank(sql.slice(start, end))
      at = end
    }
    opening.lastIndex = end
  }
  return { code: code + sql.slice(at) }
}

function blank(text: string): string {
  return text.replace(/[^\r\n]/g, ' ')
}

/** Where it ends: the offset behind its closing; undefined if it never does. */
function endOf(sql: string, token: string, start: number, body: number): number | undefined {
  switch (token) {
    case '--': {
      const newline = sql.indexOf('\n', body)
      return newline === -1 ? sql.length : newline
    }
    case '/*':
      return endOfComment(sql, body)
    case "'":
      return endOfString(sql, body, /(?:^|[^\w$\u0080-\uffff])e$/i.test(sql.slice(Math.max(0, start - 2), start)))
    case '"':
      return endOfQuotes(sql, '"', body)
    default: {
      const close = sql.indexOf(token, body)
      return close === -1 ? undefined : close + token.length
    }
  }
}

/** Comments nest in SQL. */
function endOfComment(sql: string, body: number): number | undefined {
  let depth = 1
  for (let at = body; at < sql.length; at++) {
    if (sql.startsWith('/*', at)) [depth, at] = [depth + 1, at + 1]
    else if (sql.startsWith('*/', at)) {
      depth--
      at++
      if (depth === 0) return at + 1
    }
  }
  return undefined
}

function endOfString(sql: string, body: number, escapes: boolean): number | undefined {
  if (!escapes) return endOfQuotes(sql, "'", body)
  for (let at = body; at < sql.length; at++) {
    if (sql[at] === '\\') at++
    else if (sql[at] === "'") {
      if (sql[at + 1] !== "'") return at + 1
      at++
    }
  }
  return undefined
}

/** A quote inside is doubled. */
function endOfQuotes(sql: string, quote: string, body: number): number | undefined {
  for (let at = sql.indexOf(quote, body); at !== -1; at = sql.indexOf(quote, at + 2))
    if (sql[at + 1] !== quote) return at + 1
  return undefined
}

function closings(token: string): Pick<Unclosed, 'what' | 'closing'> {
  switch (token) {
    case "'":
      return { what: 'string', closing: "'" }
    case '"':
      return { what: 'quoted name', closing: '"' }
    case '/*':
      return { what: 'comment', closing: '*/' }
    default:
      return { what: 'dollar quote', closing: token }
  }
}
