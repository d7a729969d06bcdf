// The words of a command line into flags, arguments, and what follows `--`.
// By hand, on node:util's tokens: the parsers that we know of end at the first problem; this one reports all of them.

import { parseArgs } from 'node:util'
import { didYouMean } from '../../gate/did-you-mean.ts'
import type { Option, Options } from '../settings/option.ts'
import type { Syntax } from './syntax.ts'

export interface Flags {
  /** The texts given for each flag; none for a switch. */
  readonly flags: ReadonlyMap<string, readonly string[]>
  readonly positionals: readonly string[]
  /** What follows `--`, for a command that takes it; else these are arguments too, as everywhere. */
  readonly rest: readonly string[]
}

/** Reads a command line. Problems are added to `problems`, a sentence each, and hold no value of an option. */
export function readFlags(syntax: Syntax, options: Options, argv: readonly string[], problems: string[]): Flags {
  const known = new Map(
    Object.values(options).flatMap(option => (option.flag === undefined ? [] : [[option.flag, option]])),
  )
  const tokens = argv.length === 0 ? [] : tokensOf(argv, known)
  const flags = new Map<string, string[]>()
  const add = (flag: string, { kind }: Option, values: string[]) => {
    const before = flags.get(flag)
    if (before && kind !== 'list') repeated.add(flag)
    flags.set(flag, [...(before ?? []), ...values])
  }
  const repeated = new Set<string>()
  const positionals: string[] = []
  /** Arguments behind an unknown option, of which they may be the value: `--app-password secret`. */
  const perhapsValues = new Set<string>()
  /** Where the last unknown option is in `argv`. */
  let unknown = -1
  const rest: string[] = []
  for (const token of tokens) {
    if (token.kind === 'option-terminator') {
      rest.push(...argv.slice(token.index + 1))
      break
    }
    if (token.kind === 'positional') {
      positionals.push(token.value)
      if (unknown >= 0 && token.index === unknown + 1) perhapsValues.add(token.value)
      continue
    }
    const option = known.get(token.name)
    if (!option) {
      // of `-psecret` the parser takes each letter for an option
      if (token.index === unknown) continue
      unknown = token.index
      problems.push(`Unknown option ${token.rawName}.${didYouMean(token.name, known.keys(), '--')}`)
    } else if (option.kind === 'switch') {
      if (token.value !== undefined) problems.push(`--${token.name} takes no value.`)
      add(token.name, option, [])
    } else if (token.value === undefined || (!token.inlineValue && token.value.startsWith('--')))
      problems.push(`--${token.name} needs a value.`)
    else add(token.name, option, [token.value])
  }
  // one of the values would be dropped silently; they are not shown, because they may be secrets
  for (const flag of repeated) problems.push(`--${flag} is given more than once. Give it once.`)
  const { names, required, many, rest: takesRest } = syntax.positionals
  if (!takesRest) positionals.push(...rest.splice(0))
  const unexpected = many ? [] : positionals.slice(names.length).filter(argument => !perhapsValues.has(argument))
  const behindDashes = takesRest && rest.length === 0 ? ' A command goes behind `--`.' : ''
  if (unexpected.length > 0)
    problems.push(`Unexpected argument ${unexpected.map(p => JSON.stringify(p)).join(' ')}.${behindDashes}`)
  if (positionals.length < required) problems.push(`${names[positionals.length]} is missing.`)
  return { flags, positionals, rest }
}

/** Node loads the parser at its first use; a migrator's container has all of its settings in the environment. */
function tokensOf(argv: readonly string[], known: ReadonlyMap<string, Option>) {
  return parseArgs({
    args: [...argv],
    options: Object.fromEntries(
      [...known].map(([flag, { kind }]) => [flag, { type: kind === 'switch' ? 'boolean' : 'string' }]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  }).tokens
}
