// Settings: flags and environment into what the engine takes, every problem in one message.

import { parseArgs } from 'node:util'
import { didYouMean } from '../../gate/did-you-mean.ts'
import { hasLibpqVariables, readTarget, type Target } from '../../gate/postgres/target.ts'
import { passwordsIn } from '../../gate/postgres/url.ts'
import { UsageError } from '../errors.ts'
import type { AppRoleOptions } from '../run/app-role.ts'
import type { EngineSettings } from '../run/engine.ts'
import { commonOptions, furtherVariables, type Option, type OptionValue, parseOption, splitList } from './options.ts'
import { readSecret } from './secrets.ts'

export type Env = Readonly<Record<string, string | undefined>>

/** What a command accepts on its command line, besides the common options. */
export interface Syntax {
  readonly name: string
  readonly options: Readonly<Record<string, Option>>
  readonly positionals: { readonly names: readonly string[]; readonly required: number; readonly rest?: boolean }
  /** False: the command talks to no database. */
  readonly database: boolean
}

export interface Settings extends EngineSettings {
  readonly appRole?: AppRoleOptions | undefined
  readonly manifestFile: string | undefined
}

/** A command line, taken apart and checked. */
export interface Parsed {
  readonly settings: Settings
  readonly positionals: readonly string[]
  /** What follows `--`. */
  readonly rest: readonly string[]
  /** The command's own options, by their key. */
  readonly own: Readonly<Record<string, OptionValue>>
}

/**
 * Reads the command line and the environment; a flag wins.
 * @throws UsageError with every problem, one a line.
 */
export function readSettings(syntax: Syntax, argv: readonly string[], env: Env): Parsed {
  const problems: string[] = []
  const options: Record<string, Option> = { ...commonOptions, ...syntax.options }
  const { flags, positionals, rest } = readFlags(syntax, options, argv, problems)
  checkVariables(env, problems)

  const values: Record<string, OptionValue> = {}
  for (const [key, option] of Object.entries(options)) {
    const given = flags.get(option.flag)
    if (option.kind === 'switch') {
      values[key] = given !== undefined
      continue
    }
    const variable = option.variable === undefined ? undefined : env[option.variable] || undefined
    const text = given?.[0] ?? variable ?? option.default
    const source = given ? `--${option.flag}` : option.variable
    if (option.kind === 'list') {
      const list = given ?? splitList(text ?? '')
      values[key] = list
      for (const one of new Set(list)) {
        const read = parseOption(option, one)
        if ('problem' in read) problems.push(`${source} ${read.problem}`)
      }
      continue
    }
    if (text === undefined || key === 'databaseUrl') continue
    const read = parseOption(option, text)
    if ('problem' in read) problems.push(`${source} ${read.problem}`)
    else values[key] = read.value
  }

  const password = readSecret(env, 'PGPASSWORD', problems)
  const url = flags.get('database-url')?.[0] ?? readSecret(env, 'DATABASE_URL', problems)
  let target: Target | undefined
  if (syntax.database) {
    if (url !== undefined || hasLibpqVariables(env)) target = readTarget(url, env, password, problems)
    else if (!env.DATABASE_URL_FILE)
      problems.push(
        'No database is named. Set DATABASE_URL (postgres://user:password@host:5432/database), DATABASE_URL_FILE, or PGHOST and its kin.',
      )
  }
  const appPassword = readSecret(env, 'SCHEMAGATE_APP_PASSWORD', problems)
  if (problems.length > 0) throw new UsageError(usage(syntax, problems))

  const text = (key: keyof typeof commonOptions) => String(values[key])
  const number = (key: keyof typeof commonOptions) => Number(values[key])
  const onOlderApps = text('onOlderApps')
  const settings: Settings = {
    target: target ?? nowhere,
    dir: text('dir'),
    layout: typeof values.layout === 'string' ? values.layout : undefined,
    ignore: Array.isArray(values.ignore) ? values.ignore : [],
    schema: text('schema'),
    connectTimeout: number('connectTimeout'),
    lockWait: number('lockWait'),
    lockTimeout: number('lockTimeout'),
    lockRetries: number('lockRetries'),
    statementTimeout: number('statementTimeout'),
    appRole: typeof values.appRole === 'string' ? appRole(values.appRole, appPassword, values.appSchemas) : undefined,
    manifestFile: (typeof values.manifest === 'string' ? values.manifest : env.SCHEMAGATE_MANIFEST) || undefined,
    onOlderApps: onOlderApps === 'refuse' || onOlderApps === 'ignore' ? onOlderApps : 'drain',
    drainTimeout: number('drainTimeout'),
  }
  const own = Object.fromEntries(Object.keys(syntax.options).map(key => [key, values[key]]))
  return { settings, positionals, rest, own }
}

export interface LogSettings {
  readonly level: string
  /** Undefined: pretty on a terminal, else json. */
  readonly format: 'pretty' | 'json' | undefined
  /** What must not be shown. */
  readonly secrets: readonly (string | undefined)[]
}

/**
 * How to log: read by itself and without complaint, so that a wrong setting is reported in the right format too.
 * A wrong level or format is among the problems that {@link readSettings} reports.
 */
export function readLogSettings(argv: readonly string[], env: Env): LogSettings {
  const { values } = parseArgs({
    args: argv.slice(0, argv.includes('--') ? argv.indexOf('--') : undefined),
    options: {
      'log-level': { type: 'string' },
      'log-format': { type: 'string' },
      'database-url': { type: 'string', multiple: true },
    },
    strict: false,
    allowPositionals: true,
  })
  const level = parseOption(commonOptions.logLevel, String(values['log-level'] ?? env.LOG_LEVEL ?? ''))
  const format = values['log-format'] ?? env.LOG_FORMAT
  const ignored: string[] = []
  const given = values['database-url']?.filter(value => typeof value === 'string') ?? []
  const urls = given.length > 0 ? given : [readSecret(env, 'DATABASE_URL', ignored)]
  const password = readSecret(env, 'PGPASSWORD', ignored)
  return {
    level: 'value' in level ? String(level.value) : commonOptions.logLevel.default,
    format: format === 'pretty' || format === 'json' ? format : undefined,
    secrets: [
      password,
      ...urls.flatMap(url => (url === undefined ? [] : passwordsIn(url))),
      readSecret(env, 'SCHEMAGATE_APP_PASSWORD', ignored),
    ],
  }
}

/** For commands that talk to no database. */
const nowhere: Target = {
  endpoints: [{ host: 'localhost', port: 5432 }],
  user: '',
  database: '',
  sslMode: 'prefer',
  sessionAttributes: 'any',
}

/** The password is not enumerable, so that no log and no inspection shows it. */
function appRole(name: string, password: string | undefined, schemas: OptionValue): AppRoleOptions {
  const role = {
    name,
    password: undefined,
    schemas: Array.isArray(schemas) && schemas.length > 0 ? schemas : undefined,
  }
  Object.defineProperty(role, 'password', { value: password, enumerable: false })
  return role
}

function readFlags(
  syntax: Syntax,
  options: Readonly<Record<string, Option>>,
  argv: readonly string[],
  problems: string[],
): { flags: Map<string, readonly string[]>; positionals: string[]; rest: string[] } {
  const known = new Map(Object.values(options).map(option => [option.flag, option]))
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
  const add = ({ flag, kind }: Option, values: string[]) => {
    const before = flags.get(flag)
    if (!before) flags.set(flag, values)
    else if (kind === 'list') before.push(...values)
    else repeated.add(flag)
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
      if (token.value !== undefined) problems.push(`--${option.flag} takes no value.`)
      add(option, [])
    } else if (token.value === undefined || (!token.inlineValue && token.value.startsWith('--')))
      problems.push(`--${option.flag} needs a value.`)
    else add(option, [token.value])
  }
  // whichever of them counted, the other would be dropped without a word; the values may be secrets
  for (const flag of repeated) problems.push(`--${flag} is given more than once. Give it once.`)
  const { names, required, rest: takesRest } = syntax.positionals
  if (positionals.length > names.length)
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

/** A variable that nobody reads is a slip, and a setting silently not taken. */
function checkVariables(env: Env, problems: string[]): void {
  const known = [
    ...Object.values(commonOptions).flatMap(option => ('variable' in option ? [option.variable] : [])),
    ...furtherVariables,
  ]
  for (const name of Object.keys(env)) {
    if (!name.startsWith('SCHEMAGATE_') || known.some(k => k === name)) continue
    problems.push(`Unknown variable ${name}.${didYouMean(name, known)}`)
  }
}

function usage(syntax: Syntax, problems: readonly string[]): string {
  const list = problems.length === 1 ? problems[0] : `\n${problems.map(p => `- ${p}`).join('\n')}`
  return `${list}\nSee: schemagate ${syntax.name} --help`
}
