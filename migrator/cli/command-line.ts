// The command line and the environment into settings, every problem in one message.
// By hand, on node:util's tokens: parsers to be had end at the first problem, and know no variables.

import { parseArgs } from 'node:util'
import { didYouMean } from '../../gate/did-you-mean.ts'
import { hasLibpqVariables, readTarget, type Target } from '../../gate/postgres/target.ts'
import { passwordsIn } from '../../gate/postgres/url.ts'
import { UsageError } from '../errors.ts'
import { type Found, holdsSecret, type Option, type Options, readOptions, type ValuesOf } from '../settings/option.ts'
import { options as commonOptions } from '../settings/options.ts'
import { type Settings, settingsOf } from '../settings/settings.ts'
import { readSecret } from './secrets.ts'

export type Env = Readonly<Record<string, string | undefined>>

/** What a command accepts on its command line, besides the common options. */
export interface Syntax<O extends Options = Options> {
  readonly name: string
  readonly options: O
  readonly positionals: {
    readonly names: readonly string[]
    readonly required: number
    /** The last name stands for any number of arguments. */
    readonly many?: boolean
    /** What follows `--` is taken, too. */
    readonly rest?: boolean
  }
  /** False: the command talks to no database. */
  readonly database: boolean
}

/** A command line, taken apart and checked. */
export interface Parsed<O extends Options = Options> {
  readonly settings: Settings
  readonly positionals: readonly string[]
  /** What follows `--`. */
  readonly rest: readonly string[]
  /** The command's own options, by their key. */
  readonly options: ValuesOf<O>
}

/** How to log. */
export interface LogSettings {
  readonly level: string
  /** Undefined: pretty on a terminal, else json. */
  readonly format: 'pretty' | 'json' | undefined
}

export interface CommandLine {
  /** Known whatever else is wrong, so that a wrong setting is reported in the right format too. */
  readonly log: LogSettings
  /** What must not be shown. */
  readonly secrets: readonly (string | undefined)[]
  /** @throws UsageError with every problem, one a line. */
  parsed(): Parsed
}

/**
 * Reads the command line and the environment; a flag wins over its variable.
 * @param variables every variable that any command reads; another SCHEMAGATE_* is a problem.
 */
export function readCommandLine(
  syntax: Syntax,
  argv: readonly string[],
  env: Env,
  variables: ReadonlySet<string>,
): CommandLine {
  const problems: string[] = []
  const table: Options = { ...commonOptions, ...syntax.options }
  const { flags, positionals, rest } = readFlags(syntax, table, argv, problems)
  checkVariables(env, variables, problems)
  const secrets: (string | undefined)[] = []

  const find = (_: string, option: Option): Found | undefined => {
    const texts = option.flag === undefined ? undefined : flags.get(option.flag)
    const { variable } = option
    const fromVariable = () => {
      if (variable === undefined) return undefined
      const text = holdsSecret(option) ? readSecret(env, variable, problems) : env[variable] || undefined
      return text === undefined ? undefined : option.kind === 'list' ? splitList(text) : [text]
    }
    const found = texts ?? fromVariable()
    // a URL that cannot be read may still hold a password, and so may one that is given besides
    if (holdsSecret(option))
      secrets.push(...(found ?? []).flatMap(text => (option.kind === 'url' ? passwordsIn(text) : [text])))
    return found && { source: texts ? `--${option.flag}` : variable!, texts: found }
  }
  // a flag of the command's own is not the common option's as well
  const own = new Set(Object.values(syntax.options).map(({ flag }) => flag))
  const values = readOptions(
    commonOptions,
    (key, { flag, ...option }: Option) => find(key, own.has(flag) || flag === undefined ? option : { ...option, flag }),
    problems,
  )
  const options = readOptions(syntax.options, find, problems)

  const password = readSecret(env, 'PGPASSWORD', problems)
  secrets.push(password)
  const target = syntax.database ? targetOf(values.databaseUrl, env, password, problems) : undefined
  return {
    log: { level: values.logLevel, format: values.logFormat },
    secrets,
    parsed() {
      if (problems.length > 0) throw new UsageError(usage(syntax, problems))
      return { settings: settingsOf(values, target ?? nowhere), positionals, rest, options }
    },
  }
}

/** The variables that set the given options, and those that name a secret's file. */
export function variablesOf(tables: readonly Options[]): Set<string> {
  return new Set(
    tables
      .flatMap(table => Object.values(table))
      .flatMap(option => {
        const { variable } = option
        return variable === undefined ? [] : holdsSecret(option) ? [variable, `${variable}_FILE`] : [variable]
      }),
  )
}

function targetOf(
  url: string | undefined,
  env: Env,
  password: string | undefined,
  problems: string[],
): Target | undefined {
  if (url !== undefined || hasLibpqVariables(env)) return readTarget(url, env, password, problems)
  // a file that is named and cannot be read is a problem already
  if (!env.DATABASE_URL_FILE)
    problems.push(
      'No database is configured. Set DATABASE_URL (postgres://user:password@host:5432/database), DATABASE_URL_FILE or the PG* variables.',
    )
  return undefined
}

/** For commands that talk to no database. */
const nowhere: Target = {
  endpoints: [{ host: 'localhost', port: 5432 }],
  user: '',
  database: '',
  sslMode: 'prefer',
  sessionAttributes: 'any',
}

/** The texts that a list's variable holds; spaces around them and empty ones do not count. */
function splitList(text: string): string[] {
  return text
    .split(',')
    .map(part => part.trim())
    .filter(part => part !== '')
}

function readFlags(
  syntax: Syntax,
  options: Options,
  argv: readonly string[],
  problems: string[],
): { flags: Map<string, readonly string[]>; positionals: string[]; rest: string[] } {
  const known = new Map(
    Object.values(options).flatMap(option => (option.flag === undefined ? [] : [[option.flag, option]])),
  )
  const { tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(
      [...known].map(([flag, { kind }]) => [flag, { type: kind === 'switch' ? 'boolean' : 'string' }]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const flags = new Map<string, string[]>()
  const add = (flag: string, { kind }: Option, values: string[]) => {
    const before = flags.get(flag)
    if (before && kind !== 'list') repeated.add(flag)
    flags.set(flag, [...(before ?? []), ...values])
  }
  const repeated = new Set<string>()
  const positionals: string[] = []
  let rest: string[] = []
  for (const token of tokens) {
    if (token.kind === 'option-terminator') {
      rest = argv.slice(token.index + 1)
      break
    }
    if (token.kind === 'positional') {
      positionals.push(token.value)
      continue
    }
    const option = known.get(token.name)
    if (!option) {
      problems.push(`Unknown option ${token.rawName}.${didYouMean(token.name, known.keys(), '--')}`)
    } else if (option.kind === 'switch') {
      if (token.value !== undefined) problems.push(`--${token.name} takes no value.`)
      add(token.name, option, [])
    } else if (token.value === undefined || (!token.inlineValue && token.value.startsWith('--')))
      problems.push(`--${token.name} needs a value.`)
    else add(token.name, option, [token.value])
  }
  // whichever of them counted, the other would be dropped without a word; the values may be secrets
  for (const flag of repeated) problems.push(`--${flag} is given more than once. Give it once.`)
  const { names, required, many, rest: takesRest } = syntax.positionals
  if (positionals.length > names.length && !many)
    problems.push(
      `Unexpected argument ${positionals
        .slice(names.length)
        .map(p => JSON.stringify(p))
        .join(' ')}.`,
    )
  if (positionals.length < required) problems.push(`${names[positionals.length]} is missing.`)
  if (rest.length > 0 && !takesRest) problems.push('Unexpected arguments after --.')
  return { flags, positionals, rest }
}

/** A variable that no command reads is a slip: the setting that was meant would silently not be taken. */
function checkVariables(env: Env, known: ReadonlySet<string>, problems: string[]): void {
  for (const name of Object.keys(env))
    if (name.startsWith('SCHEMAGATE_') && !known.has(name))
      problems.push(`Unknown variable ${name}.${didYouMean(name, known)}`)
}

function usage(syntax: Syntax, problems: readonly string[]): string {
  const list = problems.length === 1 ? problems[0] : `\n${problems.map(p => `- ${p}`).join('\n')}`
  return `${list}\nSee: schemagate ${syntax.name} --help`
}
