// JavaScript, TypeScript and C# as tokens: enough to tell words and strings from comments.

/** `string`: its value, undefined where it is computed (`${}`). */
export interface CodeToken {
  readonly kind: 'word' | 'string' | 'mark'
  readonly text: string
  readonly value?: string
  /** UTF-16, into the source. */
  readonly start: number
}

const word = /[\p{ID_Start}_$][\p{ID_Continue}$]*/uy
const digits = /\d[\w.]*/y

/** Words after which a slash begins a regular expression. */
const beforeExpression = new Set(['return', 'typeof', 'case', 'in', 'of', 'do', 'else', 'void', 'delete', 'throw'])

/** Tokens of a JavaScript or TypeScript file. */
export function scriptTokens(source: string): readonly CodeToken[] {
  const found: CodeToken[] = []
  /** Braces that are open in each `${` around the place. */
  const templates: number[] = []
  let at = source.startsWith('#!') ? endOfLine(source, 0) : 0
  const template = (start: number, body: number, isWhole: boolean) => {
    const { end, isEnd } = templateText(source, body)
    const value = isWhole && isEnd ? unescaped(source.slice(body, end - 1)) : undefined
    if (isWhole) found.push({ kind: 'string', text: '', start, ...(value !== undefined && { value }) })
    if (!isEnd) templates.push(0)
    at = end
  }
  while (at < source.length) {
    const character = source[at]!
    const start = at
    const after = endOfComment(source, at)
    if (after > at) at = after
    else if (/\s/.test(character)) at++
    else if (character === "'" || character === '"') {
      at = endOfString(source, at)
      found.push({ kind: 'string', text: '', value: unescaped(source.slice(start + 1, at - 1)), start })
    } else if (character === '`') template(at, at + 1, true)
    else if (character === '}' && templates.at(-1) === 0) {
      templates.pop()
      template(at, at + 1, false)
    } else if (character === '/' && beginsExpression(found.at(-1))) at = endOfExpression(source, at)
    else {
      if (templates.length > 0 && character === '{') templates.push(templates.pop()! + 1)
      if (templates.length > 0 && character === '}') templates.push(templates.pop()! - 1)
      at = addWordOrMark(found, source, at)
    }
  }
  return found
}

/** Tokens of a C# file. */
export function csharpTokens(source: string): readonly CodeToken[] {
  const found: CodeToken[] = []
  let at = 0
  let isLineStart = true
  while (at < source.length) {
    const character = source[at]!
    const start = at
    const after = endOfComment(source, at)
    const opening = /^(?:\$+@?|@\$?)?("""+|"|')/.exec(source.slice(at, at + 12))
    if (after > at) at = after
    else if (character === '#' && isLineStart) at = endOfLine(source, at)
    else if (/\s/.test(character)) {
      isLineStart ||= character === '\n'
      at++
      continue
    } else if (opening) {
      const [all, quotes = ''] = opening
      const isVerbatim = all.includes('@') && quotes === '"'
      const body = at + all.length
      if (isVerbatim) {
        at = endOfVerbatim(source, body)
      } else if (quotes.length > 1) {
        const end = source.indexOf(quotes, body)
        at = end === -1 ? source.length : end + quotes.length
      } else at = endOfString(source, body - 1)
      const text = source.slice(body, at - quotes.length)
      const isPlain = !all.includes('$') && quotes !== "'"
      const value = isVerbatim ? text.replaceAll('""', '"') : quotes.length > 1 ? text : unescaped(text)
      found.push({ kind: 'string', text: '', start, ...(isPlain && { value }) })
    } else at = addWordOrMark(found, source, at)
    isLineStart = false
  }
  return found
}

function addWordOrMark(found: CodeToken[], source: string, at: number): number {
  word.lastIndex = at
  digits.lastIndex = at
  const isWord = word.test(source)
  const end = isWord ? word.lastIndex : digits.test(source) ? digits.lastIndex : at + 1
  found.push({ kind: isWord ? 'word' : 'mark', text: source.slice(at, end), start: at })
  return end
}

/** Behind a comment that begins there; `at` if none does. */
function endOfComment(source: string, at: number): number {
  if (source.startsWith('//', at)) return endOfLine(source, at)
  if (!source.startsWith('/*', at)) return at
  const end = source.indexOf('*/', at + 2)
  return end === -1 ? source.length : end + 2
}

function endOfLine(source: string, at: number): number {
  const end = source.indexOf('\n', at)
  return end === -1 ? source.length : end
}

/** Behind the closing quote; a string that does not end there ends with its line. */
function endOfString(source: string, at: number): number {
  const quote = source[at]
  for (let end = at + 1; end < source.length; end++) {
    if (source[end] === '\\') end++
    else if (source[end] === quote) return end + 1
    else if (source[end] === '\n') return end
  }
  return source.length
}

function endOfVerbatim(source: string, body: number): number {
  for (let end = body; end < source.length; end++) {
    if (source[end] !== '"') continue
    if (source[end + 1] !== '"') return end + 1
    end++
  }
  return source.length
}

/** Where the text of a template goes over into its end, or into a `${`. */
function templateText(source: string, body: number): { readonly end: number; readonly isEnd: boolean } {
  for (let end = body; end < source.length; end++) {
    if (source[end] === '\\') end++
    else if (source[end] === '`') return { end: end + 1, isEnd: true }
    else if (source.startsWith('${', end)) return { end: end + 2, isEnd: false }
  }
  return { end: source.length, isEnd: true }
}

function beginsExpression(before: CodeToken | undefined): boolean {
  if (!before) return true
  if (before.kind === 'word') return beforeExpression.has(before.text)
  return before.kind === 'mark' && !/[)\]}\w]$/.test(before.text)
}

function endOfExpression(source: string, at: number): number {
  let isInClass = false
  for (let end = at + 1; end < source.length && source[end] !== '\n'; end++) {
    if (source[end] === '\\') end++
    else if (source[end] === '[') isInClass = true
    else if (source[end] === ']') isInClass = false
    else if (source[end] === '/' && !isInClass) return end + 1
  }
  // it was a division
  return at + 1
}

/** Names have no other escapes. */
function unescaped(text: string): string {
  return text.replace(/\\(['"`\\])/g, '$1')
}
