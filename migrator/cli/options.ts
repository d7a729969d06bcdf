// Every option, once: its flag, its variable, its default, its meaning. Parsing, help and the docs' table come from it.

import { layoutProblem } from '../files/tools/index.ts'
import { parseDuration } from '../text/durations.ts'

/** `list`: any number of texts. The flag is repeated, one text each time; the variable separates them by commas. */
type Kind = 'text' | 'name' | 'duration' | 'count' | 'choice' | 'switch' | 'list' | 'layout'

/** What an option's value is once it is read; a list is empty if it was not given. */
export type OptionValue = string | number | boolean | readonly string[] | undefined

export interface Option {
  readonly flag: string
  /** The environment variable, or none for a decision that is taken anew at each call (`--yes`). */
  readonly variable?: string
  readonly kind: Kind
  readonly placeholder?: string
  readonly choices?: readonly string[]
  /** As it would be written; help and parser share it. */
  readonly default?: string
  readonly help: string
}

/** Options of every command that talks to a database. */
export const commonOptions = {
  databaseUrl: {
    flag: 'database-url',
    variable: 'DATABASE_URL',
    kind: 'text',
    placeholder: 'URL',
    help: "the owner's connection; also DATABASE_URL_FILE, or PGHOST, PGPORT, PGUSER, PGDATABASE, PGPASSWORD, PGPASSWORD_FILE, PGSSLMODE",
  },
  dir: {
    flag: 'dir',
    variable: 'SCHEMAGATE_DIR',
    kind: 'text',
    placeholder: 'FOLDER',
    default: 'migrator/migrations',
    help: 'the folder of migrations',
  },
  layout: {
    flag: 'layout',
    variable: 'SCHEMAGATE_LAYOUT',
    kind: 'layout',
    placeholder: 'TOOL',
    help: 'the tool whose rules the folder follows, where it cannot be told from its files; `native` for those of schemagate',
  },
  ignore: {
    flag: 'ignore',
    variable: 'SCHEMAGATE_IGNORE',
    kind: 'list',
    placeholder: 'GLOB',
    help: 'files of that folder to leave out; repeatable, in the variable separated by commas',
  },
  schema: {
    flag: 'schema',
    variable: 'SCHEMAGATE_SCHEMA',
    kind: 'name',
    default: 'schemagate',
    help: 'where the ledger lives',
  },
  connectTimeout: {
    flag: 'connect-timeout',
    variable: 'SCHEMAGATE_CONNECT_TIMEOUT',
    kind: 'duration',
    default: '60s',
    help: 'how long to wait for Postgres to answer',
  },
  lockWait: {
    flag: 'lock-wait',
    variable: 'SCHEMAGATE_LOCK_WAIT',
    kind: 'duration',
    default: '5m',
    help: 'how long to wait for another migrator',
  },
  lockTimeout: {
    flag: 'lock-timeout',
    variable: 'SCHEMAGATE_LOCK_TIMEOUT',
    kind: 'duration',
    default: '2s',
    help: 'the most one statement waits for a table lock, and one attempt for all of its locks',
  },
  lockRetries: {
    flag: 'lock-retries',
    variable: 'SCHEMAGATE_LOCK_RETRIES',
    kind: 'count',
    default: '20',
    help: 'how often a migration is tried again after that, with pauses that grow',
  },
  statementTimeout: {
    flag: 'statement-timeout',
    variable: 'SCHEMAGATE_STATEMENT_TIMEOUT',
    kind: 'duration',
    default: '0',
    help: 'the most one statement runs; 0 is no limit',
  },
  appRole: {
    flag: 'app-role',
    variable: 'SCHEMAGATE_APP_ROLE',
    kind: 'text',
    placeholder: 'ROLE',
    help: 'the role that the app logs in with, made before the first migration and let in after a successful run; its password in SCHEMAGATE_APP_PASSWORD or SCHEMAGATE_APP_PASSWORD_FILE',
  },
  appSchemas: {
    flag: 'app-schemas',
    variable: 'SCHEMAGATE_APP_SCHEMAS',
    kind: 'list',
    placeholder: 'SCHEMA',
    help: "the schemas in which the app's role is given rights; without it all of them, less ledgers",
  },
  onOlderApps: {
    flag: 'on-older-apps',
    variable: 'SCHEMAGATE_ON_OLDER_APPS',
    kind: 'choice',
    choices: ['refuse', 'drain', 'ignore'],
    default: 'drain',
    help: 'what to do about running apps that do not know a breaking migration',
  },
  drainTimeout: {
    flag: 'drain-timeout',
    variable: 'SCHEMAGATE_DRAIN_TIMEOUT',
    kind: 'duration',
    default: '30s',
    help: 'how long to wait until such apps have let go',
  },
  logLevel: {
    flag: 'log-level',
    variable: 'LOG_LEVEL',
    kind: 'choice',
    choices: ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
    default: 'info',
    help: "pino's levels",
  },
  logFormat: {
    flag: 'log-format',
    variable: 'LOG_FORMAT',
    kind: 'choice',
    choices: ['pretty', 'json'],
    help: 'pretty on a terminal, else json',
  },
} as const satisfies Record<string, Option>

/** Variables that are read but are no option's own. */
export const furtherVariables = [
  'SCHEMAGATE_APP_PASSWORD',
  'SCHEMAGATE_APP_PASSWORD_FILE',
  'SCHEMAGATE_MANIFEST',
] as const

/** NAMEDATALEN - 1: Postgres would cut a longer name silently. */
const longestName = 63

/** The texts that a list's variable holds; spaces around them and empty ones do not count. */
export function splitList(text: string): string[] {
  return text
    .split(',')
    .map(part => part.trim())
    .filter(part => part !== '')
}

/** Reads one value, of a list one of its texts; what is wrong with it is returned as the end of a sentence. */
export function parseOption(option: Option, text: string): { value: string | number } | { problem: string } {
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
