// The command line and the environment into settings, every problem in one message.

import { didYouMean } from '../../gate/did-you-mean.ts'
import { readSecret } from '../../gate/postgres/secret.ts'
import type { Target } from '../../gate/postgres/target.ts'
import { passwordsIn } from '../../gate/postgres/url.ts'
import { UsageError } from '../errors.ts'
import { imageVariables } from '../settings/image-variables.ts'
import { type Found, holdsSecret, type Option, type Options, readOptions, type ValuesOf } from '../settings/option.ts'
import { type CommonOption, options as commonOptions } from '../settings/options.ts'
import { type Settings, settingsOf } from '../settings/settings.ts'
import { databaseOf, runningStackVariable } from './database.ts'
import { type Flags, readFlags } from './flags.ts'
import type { Syntax } from './syntax.ts'

export type Env = Readonly<Record<string, string | undefined>>

/** A command line that was read and has no problem. */
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
  /** Known even if other settings are wrong, which are then reported in the right format. */
  readonly log: LogSettings
  /** What must not be shown. */
  readonly secrets: readonly string[]
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
  const table: Options = { ...commonOptionsOf(syntax), ...syntax.options }
  const { flags, positionals, rest } = readFlags(syntax, table, argv, problems)
  checkVariables(env, variables, problems)
  const secrets: string[] = []
  /** The flags whose options have a value, of whatever source. */
  const given = new Set<string>()

  const find = (_: string, option: Option): Found | undefined => {
    const texts = option.flag === undefined ? undefined : flags.get(option.flag)
    const { variable } = option
    const fromVariable = () => {
      if (variable === undefined) return undefined
      const text = holdsSecret(option) ? readSecret(env, variable, problems) : env[variable] || undefined
      return text === undefined ? undefined : option.kind === 'list' ? splitList(text) : [text]
    }
    const found = texts ?? fromVariable()
    if (found && option.flag !== undefined) given.add(option.flag)
    // of every URL that is given, and also of one that cannot be read
    if (holdsSecret(option))
      secrets.push(...(found ?? []).flatMap(text => (option.kind === 'url' ? passwordsIn(text) : [text])))
    return found && { source: texts ? `--${option.flag}` : variable!, texts: found }
  }
  // a command's own option takes the flag of a common one
  const own = new Set(Object.values(syntax.options).map(({ flag }) => flag))
  const values = readOptions(
    commonOptions,
    (key, { flag, ...option }: Option) => find(key, own.has(flag) || flag === undefined ? option : { ...option, flag }),
    problems,
  )
  const options = readOptions(syntax.options, find, problems)
  checkCombinations(table, flags, given, problems)

  const source = flags.has('database-url') ? '--database-url' : undefined
  const target = syntax.database ? databaseOf(values.databaseUrl, env, { problems, secrets, source }) : undefined
  // as in many a development setup: a name that every message may have, which would be none with stars in its place
  const named = ['schemagate', values.schema, values.appRole, target?.user, target?.database]
  const names = new Set([...named, ...(target?.endpoints ?? []).map(({ host }) => host)])
  return {
    log: { level: values.logLevel, format: values.logFormat },
    secrets: secrets.filter(secret => !names.has(secret)),
    parsed() {
      if (problems.length > 0) throw new UsageError(usage(syntax, problems))
      return { settings: settingsOf(values, target ?? nowhere), positionals, rest, options }
    },
  }
}

/** The common options that a command takes, but for those whose flag one of its own takes. */
export function commonOptionsOf({
  options,
  folder,
  database,
  follows,
}: Omit<Syntax, 'name'>): Readonly<Record<string, CommonOption>> {
  const takes = { folder: folder !== false, database, follow: follows === true, log: true }
  const own = new Set(Object.values(options).map(({ flag }) => flag))
  const common = Object.entries<CommonOption>(commonOptions)
  return Object.fromEntries(common.filter(([, { of, flag }]) => takes[of] && !own.has(flag)))
}

/**
 * The variables that are read: those of the given options, those that name a secret's file, the launcher's, and compose
 * files'.
 */
export function variablesOf(tables: readonly Options[]): Set<string> {
  const own = tables
    .flatMap(table => Object.values(table))
    .flatMap(option => {
      const { variable } = option
      return variable === undefined ? [] : holdsSecret(option) ? [variable, `${variable}_FILE`] : [variable]
    })
  return new Set([...own, runningStackVariable, ...imageVariables])
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

/** A variable that no command reads is a mistake: the setting that was meant would be missing, with no message. */
function checkVariables(env: Env, known: ReadonlySet<string>, problems: string[]): void {
  for (const name of Object.keys(env))
    if (name.startsWith('SCHEMAGATE_') && !known.has(name))
      problems.push(`Unknown variable ${name}.${didYouMean(name, known)}`)
}

/**
 * A flag that would have no effect beside the others is a mistake. A variable is not: several commands share an environment.
 */
function checkCombinations(
  table: Options,
  flags: Flags['flags'],
  given: ReadonlySet<string>,
  problems: string[],
): void {
  const known = new Set(Object.values(table).map(({ flag }) => flag))
  for (const { flag, onlyWith = [], notWith = [] } of Object.values(table)) {
    if (flag === undefined || !flags.has(flag)) continue
    const wanted = onlyWith.filter(other => known.has(other)).map(other => `--${other}`)
    if (onlyWith.length > 0 && !onlyWith.some(other => given.has(other)))
      problems.push(`--${flag} has no effect without ${wanted.join(' or ')}.`)
    for (const other of notWith) if (given.has(other)) problems.push(`--${flag} has no effect with --${other}.`)
  }
}

function usage(syntax: Syntax, problems: readonly string[]): string {
  const list =
    problems.length === 1
      ? problems[0]
      : `There are ${problems.length} problems:\n${problems.map(p => `- ${p}`).join('\n')}`
  return `${list}\nSee: schemagate ${syntax.name} --help`
}
