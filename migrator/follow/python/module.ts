// What a Python file binds: its assignments, classes and imports, each with the block that it stands in.

import { readUtf8 } from '../../files/read-large.ts'
import { unreadable } from '../unreadable.ts'
import { PythonError, type Token, tokens } from './tokens.ts'

/**
 * Where a statement stands: outside of all blocks, in the body of a class of that name, in a function, or in a block
 * whose condition only running it would tell.
 */
export interface Block {
  readonly kind: 'module' | 'class' | 'function' | 'condition'
  readonly name: string
  /** The classes that it is made from, in Python's text. */
  readonly bases: string
  readonly parent: Block | undefined
}

/** `names = value`, `name: annotation = value`, `name += value`, `import name`. */
export interface Binding {
  readonly names: readonly string[]
  /** Undefined: not by an `=`. */
  readonly value: readonly Token[] | undefined
  /** Of `from .a import *`, whose name is `*`, it is `.a`. */
  readonly from?: string
  readonly block: Block
  /** UTF-16, into the source. */
  readonly start: number
}

export interface PythonModule {
  readonly file: string
  readonly source: string
  readonly bindings: readonly Binding[]
  readonly classes: readonly { readonly block: Block; readonly start: number }[]
}

const top: Block = { kind: 'module', name: '', bases: '', parent: undefined }
const compound = new Set(['if', 'elif', 'else', 'for', 'while', 'try', 'except', 'finally', 'with', 'match', 'case'])

/** @throws UsageError with the place, if it is no Python as far as that is read here. */
export function readPython(file: string): PythonModule {
  const source = readUtf8(file)
  try {
    return new ModuleReader(file, source).read()
  } catch (error) {
    if (!(error instanceof PythonError)) throw error
    throw unreadable({ file, source }, error.at, `has ${error.message}`, 'Correct it.')
  }
}

class ModuleReader {
  readonly #file: string
  readonly #source: string
  readonly #bindings: Binding[] = []
  readonly #classes: { block: Block; start: number }[] = []
  /** Open blocks, with the column of the line that opens each. */
  readonly #open: { block: Block; column: number }[] = []

  constructor(file: string, source: string) {
    this.#file = file
    this.#source = source
  }

  read(): PythonModule {
    let line: Token[] = []
    const end: Token = { kind: 'line', text: '', start: this.#source.length }
    for (const token of [...tokens(this.#source), end]) {
      if (token.kind !== 'line') line.push(token)
      else if (line.length > 0) {
        this.#line(line)
        line = []
      }
    }
    return { file: this.#file, source: this.#source, bindings: this.#bindings, classes: this.#classes }
  }

  #line(line: readonly Token[]): void {
    const column = this.#columnOf(line[0]!.start)
    while (this.#open.length > 0 && this.#open.at(-1)!.column >= column) this.#open.pop()
    const block = this.#open.at(-1)?.block ?? top
    const opened = this.#opens(line, block)
    if (!opened) {
      this.#statements(line, block)
      return
    }
    this.#open.push({ block: opened.block, column })
    this.#statements(opened.rest, opened.block)
  }

  /** The block that a line opens, and what of the line is in it already. */
  #opens(line: readonly Token[], parent: Block): { block: Block; rest: readonly Token[] } | undefined {
    const words = line[0]!.text === 'async' ? line.slice(1) : line
    const [first, second] = words
    if (first?.kind !== 'name') return undefined
    const colon = indexOfOperator(words, ':')
    if (colon === -1) return undefined
    const name = second?.text ?? ''
    const isClass = first.text === 'class'
    const isFunction = first.text === 'def'
    if (!isClass && !isFunction && !isCompound(words.slice(0, colon))) return undefined
    const bases = isClass ? this.#source.slice(second?.start, words[colon]!.start).slice(name.length).trim() : ''
    const block: Block = { kind: isClass ? 'class' : isFunction ? 'function' : 'condition', name, bases, parent }
    if (isClass) this.#classes.push({ block, start: first.start })
    return { block, rest: words.slice(colon + 1) }
  }

  #statements(line: readonly Token[], block: Block): void {
    let rest = line
    while (rest.length > 0) {
      const end = indexOfOperator(rest, ';')
      this.#bind(end === -1 ? rest : rest.slice(0, end), block)
      rest = end === -1 ? [] : rest.slice(end + 1)
    }
  }

  #bind(statement: readonly Token[], block: Block): void {
    const [first] = statement
    if (first?.kind !== 'name') return
    if (first.text === 'import' || first.text === 'from') {
      const from = importedFrom(statement)
      const names = importedNames(statement)
      this.#bindings.push({ names, value: undefined, ...(from !== undefined && { from }), block, start: first.start })
      return
    }
    // `a = b = value` binds both; an annotation is passed over
    let rest = statement
    const names: string[] = []
    let isPlain = true
    for (let equals = indexOfAssignment(rest); equals !== -1; equals = indexOfAssignment(rest)) {
      const target = rest.slice(0, equals)
      isPlain &&= rest[equals]!.text === '='
      names.push(...targetNames(target))
      isPlain &&= target.length === 1 || target[1]?.text === ':'
      rest = rest.slice(equals + 1)
    }
    if (names.length > 0) this.#bindings.push({ names, value: isPlain ? rest : undefined, block, start: first.start })
  }

  #columnOf(offset: number): number {
    let start = offset
    while (start > 0 && this.#source[start - 1] !== '\n' && this.#source[start - 1] !== '\r') start--
    // a tab goes to the next multiple of eight
    let column = 0
    for (let at = start; at < offset; at++) column = this.#source[at] === '\t' ? (column | 7) + 1 : column + 1
    return column
  }
}

/** By what precedes the colon. `match` and `case` are names as well: `match: str = ''`. */
function isCompound(words: readonly Token[]): boolean {
  const [first] = words
  if (first!.text === 'match' || first!.text === 'case') return words.length > 1 && indexOfAssignment(words) === -1
  return compound.has(first!.text)
}

/**
 * Of `import a.b` it is `a`, of `from a import b` it is `b`, of `from a import *` it is `*`, of either with `as c` it
 * is `c`.
 */
function importedNames(statement: readonly Token[]): string[] {
  const from = statement[0]!.text === 'from' ? statement.findIndex(({ text }) => text === 'import') : 0
  const names: string[] = []
  let group: string[] = []
  for (const { kind, text } of [...statement.slice(from + 1), { kind: 'operator', text: ',' }]) {
    if (kind === 'name' || text === '*') group.push(text)
    if (text !== ',') continue
    const name = group.includes('as') ? group.at(-1) : group[0]
    if (name !== undefined) names.push(name)
    group = []
  }
  return names
}

/** The module of `from a.b import c`. */
function importedFrom(statement: readonly Token[]): string | undefined {
  if (statement[0]!.text !== 'from') return undefined
  const end = statement.findIndex(({ text }) => text === 'import')
  return statement
    .slice(1, end)
    .map(({ text }) => text)
    .join('')
}

/** The names before an `=`: of `a: str` the first, of `a, (b, c)` all, of `a.b` and `a[0]` none. */
function targetNames(target: readonly Token[]): string[] {
  if (target[1]?.text === ':') return [target[0]!.text]
  if (target.some(({ text }) => text === '.' || text === '[')) return target.length > 1 ? [] : [target[0]!.text]
  return target.filter(({ kind }) => kind === 'name').map(({ text }) => text)
}

function indexOfAssignment(statement: readonly Token[]): number {
  return indexOutside(statement, ({ text }) => /^(?:[-+*/%&|^@]|\*\*|\/\/|<<|>>)?=$/.test(text))
}

function indexOfOperator(statement: readonly Token[], operator: string): number {
  return indexOutside(statement, ({ text }) => text === operator)
}

/** Outside of brackets. */
function indexOutside(statement: readonly Token[], is: (token: Token) => boolean): number {
  let brackets = 0
  return statement.findIndex(token => {
    if (token.kind !== 'operator') return false
    if ('([{'.includes(token.text)) brackets++
    else if (')]}'.includes(token.text)) brackets--
    return brackets === 0 && is(token)
  })
}
