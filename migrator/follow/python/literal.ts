// Literals of Python: what an expression is without being run.

import type { Token } from './tokens.ts'

/** A tuple, a list and a set are all an array; a dictionary has its entries. */
export type Literal = string | boolean | null | readonly Literal[] | Dictionary

export interface Dictionary {
  readonly entries: readonly (readonly [key: Literal, value: Literal])[]
}

/** Brackets in brackets; more of them is no list of names. */
const deepest = 50

/** The value of an expression that is a literal as a whole; undefined: it is none, and only Python could tell. */
export function literalOf(expression: readonly Token[]): Literal | undefined {
  const reader = new LiteralReader(expression)
  const value = reader.tuple(0)
  return reader.isAtEnd ? value : undefined
}

class LiteralReader {
  readonly #tokens: readonly Token[]
  #at = 0

  constructor(expression: readonly Token[]) {
    this.#tokens = expression
  }

  get isAtEnd(): boolean {
    return this.#at === this.#tokens.length
  }

  /** One value as it is; with a comma it is a tuple. */
  tuple(depth: number): Literal | undefined {
    const values = this.#values(depth)
    if (!values) return undefined
    const isTuple = values.length !== 1 || this.#previousIs(',')
    return isTuple ? values : values[0]
  }

  #values(depth: number): Literal[] | undefined {
    const values: Literal[] = []
    while (!this.isAtEnd && ![')', ']', '}'].some(bracket => this.#isNext(bracket))) {
      const value = this.#value(depth)
      if (value === undefined) return undefined
      values.push(value)
      if (!this.#take(',')) break
    }
    return values
  }

  #value(depth: number): Literal | undefined {
    if (depth > deepest) return undefined
    const token = this.#tokens[this.#at]
    if (token?.kind === 'string') return this.#strings()
    if (this.#take('(')) return this.#closed(this.tuple(depth + 1), ')')
    if (this.#take('[')) return this.#closed(this.#values(depth + 1), ']')
    if (this.#take('{')) return this.#closed(this.#dictionary(depth + 1), '}')
    if (token?.kind !== 'name') return undefined
    this.#at++
    if (token.text === 'None') return null
    return token.text === 'True' ? true : token.text === 'False' ? false : undefined
  }

  /** Strings side by side are one. */
  #strings(): string | undefined {
    let text: string | undefined = ''
    while (this.#tokens[this.#at]?.kind === 'string') {
      const { value } = this.#tokens[this.#at]!
      text = text === undefined || value === undefined ? undefined : text + value
      this.#at++
    }
    return text
  }

  #dictionary(depth: number): Dictionary | readonly Literal[] | undefined {
    const entries: (readonly [Literal, Literal])[] = []
    const members: Literal[] = []
    while (!this.isAtEnd && !this.#isNext('}')) {
      const key = this.#value(depth)
      if (key === undefined) return undefined
      if (this.#take(':')) {
        const value = this.#value(depth)
        if (value === undefined) return undefined
        entries.push([key, value])
      } else members.push(key)
      if (!this.#take(',')) break
    }
    return members.length > 0 ? members : { entries }
  }

  #closed<T>(value: T, bracket: string): T | undefined {
    return this.#take(bracket) ? value : undefined
  }

  #previousIs(text: string): boolean {
    const token = this.#tokens[this.#at - 1]
    return token?.kind === 'operator' && token.text === text
  }

  #isNext(text: string): boolean {
    const token = this.#tokens[this.#at]
    return token?.kind === 'operator' && token.text === text
  }

  #take(text: string): boolean {
    const is = this.#isNext(text)
    if (is) this.#at++
    return is
  }
}
