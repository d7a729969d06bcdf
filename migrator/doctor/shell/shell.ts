// Shell text as the commands that it would run: which words, what follows on failure, inside which condition.

import { type Token, tokenize } from './tokens.ts'

/** One command of a script. */
export interface ShellCommand {
  readonly words: readonly string[]
  /** The same words as the text has them, in their quotes. */
  readonly sources: readonly string[]
  /** `2>&1`, `> file`: where its output goes. */
  readonly redirects: readonly string[]
  /** What stands between it and the next. */
  readonly operator: '&&' | '||' | ';' | '&' | '|' | 'end'
  /** `set -e` is on where it stands. */
  readonly stopsOnError: boolean
  /** Inside the condition of a loop: `until pg_isready`. */
  readonly inLoop: boolean
  /** It is the test of an `if`, or behind a `!`: its failure is looked at. */
  readonly isTest: boolean
  /** The tests that must hold for it to be run, outermost first. */
  readonly conditions: readonly string[]
  /** The function in whose body it stands: it is run where that is called. */
  readonly inFunction: string | undefined
  /** The compound commands that it stands in, outermost first. */
  readonly within: readonly Compound[]
}

/** `if`, a loop, a case, a group, or what a call runs: an object of its own for each. */
export interface Compound {
  readonly kind: 'if' | 'loop' | 'case' | 'group'
  /** Of a loop, its first words: `until pg_isready`, `for i in 1 2 3`. */
  readonly condition: string
  /** What stands behind its end. */
  readonly operator: ShellCommand['operator']
  /** `set -e` looks at its exit code, as at that of a single command. */
  readonly stopsOnError: boolean
  /** `( ... )`, or a script that is called: `set -e` in it ends it alone. */
  readonly isOwnShell: boolean
  /** It does not know what stands around its call. */
  readonly isScript: boolean
}

/** A compound command that is open. */
interface Block extends Compound {
  /** `test`: before `then`, `do` or a case's `in`; `pattern`: before a case's `)`. */
  part: 'test' | 'pattern' | 'body'
  condition: string
  operator: ShellCommand['operator']
  /** What stands behind the test's last command. */
  link?: ShellCommand['operator']
  /** Of a case: the patterns before this one. */
  readonly earlier?: string[]
  readonly subject?: string
  readonly functionName?: string | undefined
}

const plain = { operator: 'end', stopsOnError: false, isOwnShell: false, isScript: false } as const

/** Each command is looked at beside the others and with all that it stands in: what a longer script says is not read. */
export const mostCommands = 10_000
const deepestCompound = 100

/** The commands of a script in their order. @param stopsOnError as if `set -e` stood at its top */
export function parseShell(text: string, stopsOnError = false): ShellCommand[] {
  const reading = new Reading(stopsOnError || /^#!.*[ \t]-\w*e/.test(text))
  for (const token of tokenize(text)) {
    if (reading.isTooLong) break
    reading.take(token)
  }
  reading.finish('end')
  return reading.commands
}

class Reading {
  readonly commands: ShellCommand[] = []
  readonly #blocks: Block[] = []
  /** The one that has ended, as long as nothing else stands behind it. */
  #ended: Block | undefined
  #words: Token[] = []
  #redirects: string[] = []
  #negated = false
  #errexit: boolean
  /** The tests that the list begins with, each with what stands behind it: `[ a ] && `. */
  #tests = ''
  /** A trap of errors ends the script. */
  #endsOnError = false
  /** The name whose body is to follow; empty after the word `function`. */
  #functionName: string | undefined

  constructor(errexit: boolean) {
    this.#errexit = errexit
  }

  take(token: Token): void {
    const { kind, text } = token
    const block = this.#blocks.at(-1)
    if (kind === 'redirect') this.#redirects.push(token.source)
    else if (block?.part === 'pattern' && text !== 'esac') this.#pattern(block, token)
    else if (kind === 'operator') this.#operator(text, block)
    else if (this.#words.length > 0 && !(text === 'in' && this.#words[0]!.text === 'case')) this.#words.push(token)
    else this.#first(token, block)
  }

  get isTooLong(): boolean {
    return this.commands.length > mostCommands || this.#blocks.length > deepestCompound
  }

  finish(operator: ShellCommand['operator']): void {
    const words = this.#words.map(({ text }) => text)
    const sources = this.#words.map(({ source }) => source)
    const [redirects, negated] = [this.#redirects, this.#negated]
    this.#words = []
    this.#redirects = []
    this.#negated = false
    if (words.length === 0) {
      if (this.#ended) this.#ended.operator = operator
      this.#ended = undefined
      return
    }
    const guard = this.#guard
    const text = `${negated ? '! ' : ''}${asTest(words).join(' ')}`
    this.#tests = testsBefore(this.#tests, text, operator)
    if (words[0] === 'set') this.#set(words)
    if (words[0] === 'trap' && words.includes('ERR')) this.#endsOnError = this.#isExit(words[1]!)
    const block = this.#blocks.findLast(({ kind }) => kind !== 'group')
    // a test's own words are the condition of what follows
    if (block?.part === 'test') {
      block.condition += `${block.link ? ` ${block.link}` : ''} ${text}`
      block.link = operator
    }
    this.commands.push({
      words,
      sources,
      redirects,
      operator,
      stopsOnError: this.#errexit || this.#endsOnError,
      inLoop: this.#blocks.some(isWait),
      isTest: negated || block?.part === 'test',
      conditions: [
        ...this.#blocks.flatMap(({ kind, part, condition, earlier = [] }) =>
          part === 'body' && kind !== 'loop' ? [...earlier.map(otherwise), condition.trim()] : [],
        ),
        guard,
      ].filter(condition => condition !== ''),
      inFunction: this.#blocks.findLast(({ functionName }) => functionName !== undefined)?.functionName,
      within: this.#blocks.filter(({ functionName }) => functionName === undefined),
    })
  }

  /** What the tests before it in its list ask for: `[ a ] && x`, `[ a ] || x`. */
  get #guard(): string {
    const [, tests, operator] = /^(.*) (&&|\|\|) $/s.exec(this.#tests) ?? []
    if (tests === undefined) return ''
    return operator === '&&' ? tests : otherwise(tests)
  }

  #set(words: readonly string[]): void {
    for (let i = 1; i < words.length && words[i] !== '--'; i++) {
      const [, sign, letters = ''] = /^([-+])([a-zA-Z]+)$/.exec(words[i]!) ?? []
      const isErrexit = letters.includes('e') || (letters.includes('o') && words[++i] === 'errexit')
      if (isErrexit) this.#errexit = sign === '-'
    }
  }

  /** Whether a trap's command ends the script, by itself or by a function that does. */
  #isExit(command: string): boolean {
    const [name] = command.trim().split(/\s/)
    return (
      /\b(exit|kill)\b/.test(command) ||
      this.commands.some(({ inFunction, words }) => inFunction === name && words[0] === 'exit')
    )
  }

  #pattern(block: Block, token: Token): void {
    const { text } = token
    if (text === ')') {
      if (block.condition !== '' && block.earlier!.length < mostPatterns) block.earlier!.push(block.condition)
      block.condition = `case ${block.subject} in ${this.#words.map(word => word.text).join('|')}`
      block.part = 'body'
      this.#words = []
    } else if (text !== '|' && text !== '(' && text !== ';') this.#words.push(token)
  }

  #operator(text: string, block: Block | undefined): void {
    // name() { ... }
    if (text === '(' && this.#words.length === 1) this.#functionName = this.#words.pop()!.text
    else if (text === '(' && this.#words.length === 0 && this.#functionName === undefined) this.#group(true)
    if (text === ';;') {
      this.finish(';')
      if (block?.kind === 'case') block.part = 'pattern'
    } else if (text === '(' || text === ')') {
      this.finish(';')
      if (text === ')' && block?.isOwnShell) this.#end()
    } else this.finish(text === '|&' ? '|' : (text as ShellCommand['operator']))
  }

  #group(isSubshell: boolean): void {
    this.#blocks.push({
      ...plain,
      kind: 'group',
      part: 'body',
      condition: this.#guard,
      functionName: this.#functionName,
      isOwnShell: isSubshell,
      stopsOnError: isSubshell && this.#errexit,
    })
    this.#functionName = undefined
    this.#tests = ''
  }

  #end(): void {
    this.#ended = this.#blocks.pop()
  }

  #first(token: Token, block: Block | undefined): void {
    const { text } = token
    if (this.#functionName === '') {
      this.#functionName = text
      return
    }
    switch (text) {
      case 'elif':
        if (block) Object.assign(block, { part: 'test', condition: '', link: undefined })
        break
      case 'if':
        this.#blocks.push({ ...plain, kind: 'if', part: 'test', condition: '' })
        break
      case 'while':
      case 'until':
      case 'for':
        this.#blocks.push({ ...plain, kind: 'loop', part: 'test', condition: text })
        break
      case 'then':
      case 'do':
        if (block) block.part = 'body'
        break
      case 'else':
        if (block) block.condition = otherwise(block.condition.trim())
        break
      case 'fi':
      case 'done':
      case 'esac':
      case '}':
        this.#end()
        break
      case '{':
        this.#group(false)
        break
      case 'in': {
        const subject = this.#words
          .slice(1)
          .map(word => word.text)
          .join(' ')
        this.#words = []
        this.#blocks.push({ ...plain, kind: 'case', part: 'pattern', condition: '', subject, earlier: [] })
        break
      }
      case '!':
        this.#negated = true
        break
      case 'function':
        this.#functionName = ''
        break
      default:
        // what a compound command is given to read is no command
        if (!this.#ended) this.#words.push(token)
    }
  }
}

/** `until X; do sleep 1; done` is a wait with all that is in it. `while true; do work; sleep 60; done` is none. */
function isWait({ kind, part, condition }: Block): boolean {
  return kind === 'loop' && (part === 'test' || /^(until|while !|for)/.test(condition.trim()))
}

function otherwise(condition: string): string {
  return `! ( ${condition} )`
}

/** `test a` is `[ a ]`. */
function asTest(words: readonly string[]): readonly string[] {
  return words[0] === 'test' ? ['[', ...words.slice(1), ']'] : words
}

/** In characters: what a longer list of tests asks for is not looked at. */
export const longestCondition = 1_000

/** So many patterns of a case are held against what comes behind them. */
const mostPatterns = 20

/** @param tests those so far; @param command the next one of the list, and the operator behind it */
function testsBefore(tests: string, command: string, operator: ShellCommand['operator']): string {
  if ((operator !== '&&' && operator !== '||') || tests.length + command.length > longestCondition) return ''
  const isTest = /^(! )?\[\[? /.test(command) || /(^|\s)\[\[ (?!.*\]\] )/s.test(tests)
  if (isTest) return `${tests}${command} ${operator} `
  // what the command says is not known, and the tests still have to hold
  return operator === '&&' && tests.endsWith('&& ') ? tests : ''
}
