// Shell text as its words and operators, with quotes taken off and here-documents read.

/** A word, an operator or a redirection. */
export interface Token {
  readonly kind: 'word' | 'operator' | 'redirect'
  readonly text: string
  /** As it stands there, in its quotes. */
  readonly source: string
}

const operators = ['&&', '||', ';;', ';', '|&', '|', '&', '(', ')', '\n']

/** A redirection of a command's output, with the file that it goes to. */
const output = /^&?>(?:>|\|)?(?:&\d|&-|[ \t]*&?(?:"[^"]*"|'[^']*'|[^\s;&|()<>"'])*)/

/** Splits a text as a shell would. Quotes are taken off, variables stay. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  let word: string | undefined
  let start = 0
  const source = text.replace(/\\\r?\n/g, ' ').replace(/\r/g, '')
  /** Here-documents whose text begins behind this line. */
  let documents: HereDocument[] = []
  const end = (at: number) => {
    if (word !== undefined) tokens.push({ kind: 'word', text: word, source: source.slice(start, at) })
    word = undefined
  }
  for (let i = 0; i < source.length; i++) {
    const c = source[i]!
    if (word === undefined) start = i
    if (c === "'") {
      const close = source.indexOf("'", i + 1)
      word = (word ?? '') + source.slice(i + 1, close < 0 ? undefined : close)
      i = close < 0 ? source.length : close
    } else if (c === '"') {
      word ??= ''
      for (i++; i < source.length && source[i] !== '"'; i++) {
        if (source[i] === '\\' && i + 1 < source.length && /["\\$`]/.test(source[i + 1]!)) i++
        word += source[i]
      }
    } else if (c === '\\') word = (word ?? '') + (source[++i] ?? '')
    else if (c === '$' && (source[i + 1] === '(' || source[i + 1] === '{')) {
      const close = matching(source, i + 1)
      word = (word ?? '') + source.slice(i, close + 1)
      i = close
    } else if (c === '`') {
      const close = closingBackquote(source, i)
      word = (word ?? '') + source.slice(i, close + 1)
      i = close
    } else if (c === '#' && word === undefined) {
      const line = source.indexOf('\n', i)
      i = line < 0 ? source.length : line - 1
    } else if (c === ' ' || c === '\t') end(i)
    else if (source.startsWith('<<', i) && source[i + 2] !== '<') {
      const [opening, dash, , delimiter] = /^<<(-?)[ \t]*(["'\\]?)([^\s"'<>;&|()]*)\2?/.exec(source.slice(i, i + 200))!
      end(i)
      const body = { kind: 'word' as const, text: '', source: '' }
      tokens.push({ kind: 'word', text: hereDocument, source: opening }, body)
      documents.push({ body, delimiter: delimiter!, isIndented: dash === '-' })
      i += opening.length - 1
    } else if (c === '(' && (word === undefined ? source[i + 1] === '(' : /^\w+\+?=$/.test(word))) {
      // arithmetic, or an array
      const close = matching(source, i)
      word = (word ?? '') + source.slice(i, close + 1)
      i = close
    } else if (c === '<') {
      // psql may be fed so
      const redirect = source.startsWith('<<<', i) ? '<<<' : '<'
      end(i)
      tokens.push({ kind: 'word', text: '<', source: redirect })
      i += redirect.length - 1
    } else if (c === '>' || source.startsWith('&>', i)) {
      const [redirect] = output.exec(source.slice(i))!
      const isNumbered = word !== undefined && /^\d$/.test(word)
      if (isNumbered) word = undefined
      else end(i)
      tokens.push({ kind: 'redirect', text: redirect, source: `${isNumbered ? source[i - 1] : ''}${redirect}` })
      i += redirect.length - 1
    } else {
      const operator = operators.find(one => source.startsWith(one, i))
      if (operator === undefined) word = (word ?? '') + c
      else {
        end(i)
        tokens.push({ kind: 'operator', text: operator === '\n' ? ';' : operator, source: operator })
        i += operator.length - 1
        if (operator === '\n' && documents.length > 0) {
          i = readDocuments(source, i, documents)
          documents = []
        }
      }
    }
  }
  end(source.length)
  return tokens
}

/** A word, and the text behind it is what the command is given to read. */
export const hereDocument = '<<'

interface HereDocument {
  /** The word that its text becomes. */
  readonly body: { text: string; source: string }
  readonly delimiter: string
  /** `<<-`: tabs before its lines are none of it. */
  readonly isIndented: boolean
}

/** @param newline before the first line of the first one; @returns the last character of the last one */
function readDocuments(source: string, newline: number, documents: readonly HereDocument[]): number {
  let at = newline + 1
  for (const { body, delimiter, isIndented } of documents) {
    const begin = at
    let line: string
    do {
      const close = source.indexOf('\n', at)
      const stop = close < 0 ? source.length : close
      line = source.slice(at, stop)
      body.text = source.slice(begin, at)
      at = stop + 1
    } while ((isIndented ? line.replace(/^\t+/, '') : line) !== delimiter && at <= source.length)
  }
  return at - 1
}

function matching(text: string, open: number): number {
  const [up, down] = text[open] === '(' ? ['(', ')'] : ['{', '}']
  let depth = 0
  for (let i = open; i < text.length; i++) {
    if (text[i] === up) depth += 1
    if (text[i] === down && --depth === 0) return i
  }
  return text.length - 1
}

function closingBackquote(text: string, open: number): number {
  const close = /(?<!\\)`/g
  close.lastIndex = open + 1
  return close.exec(text)?.index ?? text.length - 1
}
