// What an option is: its kinds, the type of its value, and how a value is read. The options themselves: options.ts.

import { historyToolProblem } from '../../gate/histories/tool-names.ts'
import { layoutProblem } from '../files/tools/index.ts'
import { parseDuration } from '../text/durations.ts'

/**
 * `list`: any number of texts. The flag is repeated, one text each time; the variable separates them by commas.
 * `secret`, and `url` for a connection string: the variable has a sibling that names a file (`NAME_FILE`), and what is secret
 * is never shown.
 */
type Kind = 'text' | 'name' | 'duration' | 'count' | 'choice' | 'switch' | 'list' | 'layout' | 'tool' | 'secret' | 'url'

export interface Option {
  /** None: it can be set by its variable alone. */
  readonly flag?: string
  /** None: a decision that is taken at each call (`--yes`). */
  readonly variable?: string
  readonly kind: Kind
  readonly placeholder?: string
  readonly choices?: readonly string[]
  /** As it would be written; help and parser share it. */
  readonly default?: string
  /** Flags of its command, of which one has to be set for it to have an effect; else it is refused on a command line. */
  readonly onlyWith?: readonly string[]
  /** Flags of its command beside which it has no effect; with them it is refused on a command line. */
  readonly notWith?: readonly string[]
  readonly help: string
}

/** Options by the key under which their values are found. */
export type Options = Readonly<Record<string, Option>>

/** A value whose option is not known to the compiler. */
export type OptionValue = string | number | boolean | readonly string[] | undefined

/** What an option's value is once it is read: durations are milliseconds, a list that was not given is empty. */
export type ValueOf<O extends Option> = Option extends O
  ? OptionValue
  : O extends { kind: 'switch' }
    ? boolean
    : O extends { kind: 'list' }
      ? readonly string[]
      : Given<O> | (O extends { default: string } ? never : undefined)

type Given<O extends Option> = O extends { kind: 'duration' | 'count' }
  ? number
  : O extends { kind: 'choice'; choices: readonly (infer Choice)[] }
    ? Choice
    : string

export type ValuesOf<O extends Options> = { readonly [K in keyof O]: ValueOf<O[K]> }

/** What a program may give for an option: a duration also as text (`30s`). */
export type InputOf<O extends Option> = O extends { kind: 'duration' }
  ? number | string
  : Exclude<ValueOf<O>, undefined>

/** Its value is, or holds, a password. */
export function holdsSecret({ kind }: Option): boolean {
  return kind === 'secret' || kind === 'url'
}

/** The texts that were found for an option, and where: a flag, a variable, a key. A switch has none. */
export interface Found {
  readonly source: string
  readonly texts: readonly string[]
}

/**
 * Reads every option of a table: from where `find` found it, else its default. Problems are added to `problems`, a
 * sentence each, and never hold a secret; what is wrong has its default as its value.
 */
export function readOptions<O extends Options>(
  options: O,
  find: (key: string, option: Option) => Found | undefined,
  problems: string[],
): ValuesOf<O> {
  const values = {}
  for (const [key, option] of Object.entries(options)) {
    const found = find(key, option)
    const read = (text: string): string | number | undefined => {
      const result = readValue(option, text)
      if ('value' in result) return result.value
      problems.push(`${found?.source} ${result.problem}`)
      return undefined
    }
    const value = settledValue(option, found, read)
    // not enumerable, so that no log and no inspection shows it
    Object.defineProperty(values, key, { value, enumerable: !holdsSecret(option) })
  }
  return values as ValuesOf<O>
}

function settledValue(option: Option, found: Found | undefined, read: (text: string) => OptionValue): OptionValue {
  if (option.kind === 'switch') return found !== undefined
  if (option.kind === 'list') {
    const texts = found?.texts ?? []
    for (const text of new Set(texts)) read(text)
    return texts
  }
  const value = found?.texts[0] === undefined ? undefined : read(found.texts[0])
  return value ?? (option.default === undefined ? undefined : read(option.default))
}

/** NAMEDATALEN - 1: Postgres would cut a longer name silently. */
const longestName = 63

/** Reads one value, of a list one of its texts; what is wrong with it is returned as the end of a sentence. */
function readValue(option: Option, text: string): { value: string | number } | { problem: string } {
  if (text.includes('\0')) return { problem: 'has a NUL character.' }
  switch (option.kind) {
    case 'duration': {
      const value = parseDuration(text)
      return value === undefined
        ? {
            problem: `is not a duration: "${text}". Write 500ms, 30s, 5m, 1h or a number of milliseconds, 24 days at most.`,
          }
        : { value }
    }
    case 'count':
      return /^\d{1,6}$/.test(text) ? { value: Number(text) } : { problem: `is not a whole number: "${text}".` }
    case 'choice':
      return option.choices!.includes(text)
        ? { value: text }
        : { problem: `is "${text}", but must be one of ${option.choices!.join(', ')}.` }
    case 'layout': {
      const problem = layoutProblem(text)
      return problem === undefined ? { value: text } : { problem }
    }
    case 'tool': {
      const problem = historyToolProblem(text)
      return problem === undefined ? { value: text } : { problem: `${problem}.`.replace(/([.?])\.$/, '$1') }
    }
    case 'name':
      return text === '' || Buffer.byteLength(text) > longestName || /^pg_/i.test(text)
        ? {
            problem: `is ${JSON.stringify(text)}, but must be a name of 1 to ${longestName} bytes that does not start with pg_.`,
          }
        : { value: text }
    default:
      return text === '' ? { problem: 'is empty.' } : { value: text }
  }
}
