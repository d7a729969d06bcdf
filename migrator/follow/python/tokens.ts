// Python source as tokens: enough of its lexical grammar to tell names, strings, comments and lines apart.

/**
 * `string`: its value, undefined where it is computed (an f-string with a field) or no text (bytes). `line`: the end of a
 * logical line. `other`: a number, or a character that is nothing else.
 */
export interface Token {
  readonly kind: 'name' | 'string' | 'operator' | 'line' | 'other'
  /** As it is written; of a string, empty. */
  readonly text: string
  readonly value?: string
  /** UTF-16, into the source. */
  readonly start: number
}

/** A text that is no Python as far as it is read here. */
export class PythonError extends Error {
  override readonly name = 'PythonError'
  /** UTF-16, into the source. */
  readonly at: number
  constructor(message: string, at: number) {
    super(message)
    this.at = at
  }
}

/** Fields of f-strings in fields of f-strings. */
const deepest = 50

const asciiName = /[A-Za-z_][\p{ID_Continue}]*/uy
const name = /[\p{ID_Start}_][\p{ID_Continue}]*/uy
// `->`, `:=`, `==` and `+=` are told from their first characters; the longest is `**=`
const operator = /\*\*=|\/\/=|>>=|<<=|\.\.\.|!=|->|:=|[-+*/%&|^@=<>]=|\*\*|\/\/|<<|>>|[-+*/%&|^~<>@=()[\]{},:.;!]/y
const number = /\.?\d(?:[eE][-+]|[\w.])*/y

/** Tokens of a whole file. Comments, blank lines and line breaks inside of brackets are no tokens. */
export function tokens(source: string): readonly Token[] {
  const found: Token[] = []
  let brackets = 0
  let at = source.startsWith('\uFEFF') ? 1 : 0
  const add = (kind: Token['kind'], start: number, end: number) => {
    found.push({ kind, text: source.slice(start, end), start })
    at = end
  }
  while (at < source.length) {
    const character = source[at]!
    if (character === '\n' || character === '\r') {
      if (brackets === 0 && found.length > 0 && found.at(-1)!.kind !== 'line')
        found.push({ kind: 'line', text: '', start: at })
      at++
    } else if (character === ' ' || character === '\t' || character === '\f') at++
    else if (character === '\\') at += /^\\\r?\n|^\\\r/.exec(source.slice(at, at + 3))?.[0].length ?? 1
    else if (character === '#') at = endOfLine(source, at)
    else {
      const quoted = stringAt(source, at)
      if (quoted) {
        const { end, value } = readString(source, quoted, 0)
        found.push({ kind: 'string', text: '', start: at, ...(value !== undefined && { value }) })
        at = end
        continue
      }
      const nameEnd = endOf(/[\0-\x7f]/.test(character) ? asciiName : name, source, at)
      if (nameEnd > at) add('name', at, nameEnd)
      else if (/\d/.test(character) || (character === '.' && /\d/.test(source[at + 1] ?? '')))
        add('other', at, endOf(number, source, at))
      else {
        const end = endOf(operator, source, at)
        if (end === at) add('other', at, at + 1)
        else {
          if ('([{'.includes(character)) brackets++
          if (')]}'.includes(character)) brackets = Math.max(0, brackets - 1)
          add('operator', at, end)
        }
      }
    }
  }
  return found
}

/** The end of what a sticky pattern matches there; `at` if it does not match. */
function endOf(pattern: RegExp, source: string, at: number): number {
  pattern.lastIndex = at
  return pattern.test(source) ? pattern.lastIndex : at
}

function endOfLine(source: string, at: number): number {
  let end = at
  while (end < source.length && source[end] !== '\n' && source[end] !== '\r') end++
  return end
}

interface Quoted {
  readonly start: number
  /** Behind the opening quotes. */
  readonly body: number
  readonly quotes: string
  readonly prefix: string
}

const opening = /([rbuft]{0,2})("""|'''|"|')/iy

function stringAt(source: string, at: number): Quoted | undefined {
  opening.lastIndex = at
  const [all, prefix, quotes] = opening.exec(source) ?? []
  if (all === undefined) return undefined
  return { start: at, body: at + all.length, quotes: quotes!, prefix: prefix!.toLowerCase() }
}

interface Text {
  readonly end: number
  readonly value: string | undefined
}

function readString(source: string, quoted: Quoted, depth: number): Text {
  const { start, body, quotes, prefix } = quoted
  const hasFields = prefix.includes('f') || prefix.includes('t')
  let isComputed = prefix.includes('b') || prefix.includes('t')
  for (let at = body; at < source.length; ) {
    if (source.startsWith(quotes, at)) {
      const text = source.slice(body, at)
      const value = isComputed ? undefined : decoded(text, prefix, hasFields)
      return { end: at + quotes.length, value }
    }
    const character = source[at]!
    if (character === '\\') at += source.startsWith('\r\n', at + 1) ? 3 : 2
    else if (quotes.length === 1 && (character === '\n' || character === '\r')) break
    else if (hasFields && (source.startsWith('{{', at) || source.startsWith('}}', at))) at += 2
    else if (hasFields && character === '{') {
      isComputed = true
      at = endOfField(source, at + 1, depth + 1)
    } else at++
  }
  throw new PythonError('a string that does not end', start)
}

/** Behind the `}` of an f-string's field, which may hold strings with the same quotes (Python 3.12). */
function endOfField(source: string, from: number, depth: number): number {
  if (depth > deepest) throw new PythonError('fields of strings, too deep in each other', from)
  let brackets = 0
  let at = from
  while (at < source.length) {
    const character = source[at]!
    const quoted = stringAt(source, at)
    if (quoted && (quoted.prefix === '' || !/\w/.test(source[at - 1]!))) at = readString(source, quoted, depth).end
    else if (character === '#') at = endOfLine(source, at)
    else if ('([{'.includes(character)) {
      brackets++
      at++
    } else if (character === '}' && brackets === 0) return at + 1
    else if (')]}'.includes(character)) {
      brackets--
      at++
    } else if (character === ':' && brackets === 0) return endOfFormat(source, at + 1, depth)
    else at++
  }
  throw new PythonError("a string's field that does not end", from)
}

/** Behind the `}` that ends a format, in which quotes mean nothing. */
function endOfFormat(source: string, from: number, depth: number): number {
  for (let at = from; at < source.length; ) {
    if (source[at] === '}') return at + 1
    at = source[at] === '{' ? endOfField(source, at + 1, depth + 1) : at + 1
  }
  throw new PythonError("a string's format that does not end", from)
}

const escapes: Readonly<Record<string, string>> = {
  ...{ n: '\n', r: '\r', t: '\t', a: '\x07', b: '\b', f: '\f', v: '\v' },
  ...{ '\\': '\\', "'": "'", '"': '"', '\n': '', '\r': '' },
}

/** Undefined: a character is named, and only Python knows its names. */
function decoded(text: string, prefix: string, hasFields: boolean): string | undefined {
  const plain = hasFields ? text.replaceAll('{{', '{').replaceAll('}}', '}') : text
  const lines = plain.replaceAll('\r\n', '\n')
  if (prefix.includes('r') || !lines.includes('\\')) return lines
  if (/\\N\{/.test(lines)) return undefined
  return lines.replace(
    /\\(?:x([\da-f]{2})|u([\da-f]{4})|U([\da-f]{8})|([0-7]{1,3})|([\s\S]))/gi,
    (all, x?: string, u?: string, long?: string, octal?: string, one?: string) => {
      const hex = x ?? u ?? long
      const code = hex !== undefined ? Number.parseInt(hex, 16) : octal !== undefined ? Number.parseInt(octal, 8) : 0
      if (one === undefined) return code <= 0x10ffff ? String.fromCodePoint(code) : all
      return escapes[one] ?? all
    },
  )
}
