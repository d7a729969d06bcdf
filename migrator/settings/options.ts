// Every option that commands share, once: its flag, its variable, its default, its meaning. The command line, its help, the
// table in docs/ and the library's options come from here.

import type { Option } from './option.ts'

export interface CommonOption extends Option {
  /**
   * `folder`: those that read a folder of migrations. `database`: those that talk to a database. `follow`: those that can
   * ask for another tool's history. `log`: the command line alone.
   */
  readonly of: 'folder' | 'database' | 'follow' | 'log'
  /** The commands on which it has an effect, if not on all that take it: one set of flags serves all. */
  readonly usedBy?: readonly string[]
}

/** Those that change the ledger, under its lock. */
const runs = ['up', 'down', 'adopt', 'baseline', 'follow', 'repair']
/** Those that let the app's role log in. */
const publishers = ['up', 'adopt', 'baseline', 'follow']

export const options = {
  databaseUrl: {
    of: 'database',
    flag: 'database-url',
    variable: 'DATABASE_URL',
    kind: 'url',
    help: "the connection: the owner's, and for `gate` and `wait` the app's; also DATABASE_URL_FILE, or PGHOST, PGPORT, PGUSER, PGDATABASE, PGPASSWORD, PGPASSWORD_FILE, PGSSLMODE",
  },
  dir: {
    of: 'folder',
    flag: 'dir',
    variable: 'SCHEMAGATE_DIR',
    kind: 'text',
    placeholder: 'FOLDER',
    default: 'migrator/migrations',
    help: 'the folder of migrations; in the image /migrations',
  },
  layout: {
    of: 'folder',
    flag: 'layout',
    variable: 'SCHEMAGATE_LAYOUT',
    kind: 'layout',
    placeholder: 'TOOL',
    help: "the tool whose rules the folder follows, if its files do not tell; `native` for schemagate's own rules",
  },
  ignore: {
    of: 'folder',
    flag: 'ignore',
    variable: 'SCHEMAGATE_IGNORE',
    kind: 'list',
    placeholder: 'GLOB',
    help: 'files to leave out of that folder',
  },
  schema: {
    of: 'database',
    flag: 'schema',
    variable: 'SCHEMAGATE_SCHEMA',
    kind: 'name',
    default: 'schemagate',
    help: 'where the ledger lives',
  },
  connectTimeout: {
    of: 'database',
    flag: 'connect-timeout',
    variable: 'SCHEMAGATE_CONNECT_TIMEOUT',
    kind: 'duration',
    default: '60s',
    help: 'how long to wait for Postgres to answer',
  },
  lockWait: {
    of: 'database',
    usedBy: runs,
    flag: 'lock-wait',
    variable: 'SCHEMAGATE_LOCK_WAIT',
    kind: 'duration',
    default: '5m',
    help: 'how long to wait for another migrator',
  },
  lockTimeout: {
    of: 'database',
    usedBy: runs,
    flag: 'lock-timeout',
    variable: 'SCHEMAGATE_LOCK_TIMEOUT',
    kind: 'duration',
    default: '2s',
    help: 'the longest that one statement waits for a table lock, and one attempt for all of its locks',
  },
  lockRetries: {
    of: 'database',
    usedBy: runs,
    flag: 'lock-retries',
    variable: 'SCHEMAGATE_LOCK_RETRIES',
    kind: 'count',
    default: '20',
    help: 'how often a migration is retried after that, with growing pauses',
  },
  statementTimeout: {
    of: 'database',
    usedBy: [...runs, 'verify'],
    flag: 'statement-timeout',
    variable: 'SCHEMAGATE_STATEMENT_TIMEOUT',
    kind: 'duration',
    default: '0',
    help: 'the longest that one statement runs; 0 is no limit',
  },
  appRole: {
    of: 'database',
    usedBy: publishers,
    flag: 'app-role',
    variable: 'SCHEMAGATE_APP_ROLE',
    kind: 'text',
    placeholder: 'ROLE',
    help: 'the role that the app logs in with, created before the first migration and allowed to log in after a successful run; its password is in SCHEMAGATE_APP_PASSWORD or SCHEMAGATE_APP_PASSWORD_FILE',
  },
  appPassword: {
    of: 'database',
    usedBy: publishers,
    variable: 'SCHEMAGATE_APP_PASSWORD',
    kind: 'secret',
    help: "the password of the app's role",
  },
  appSchemas: {
    of: 'database',
    usedBy: publishers,
    flag: 'app-schemas',
    onlyWith: ['app-role'],
    variable: 'SCHEMAGATE_APP_SCHEMAS',
    kind: 'list',
    placeholder: 'SCHEMA',
    help: "the schemas in which the app's role is given rights; all but those of ledgers if not given",
  },
  onOlderApps: {
    of: 'database',
    usedBy: ['up', 'down'],
    flag: 'on-older-apps',
    variable: 'SCHEMAGATE_ON_OLDER_APPS',
    kind: 'choice',
    choices: ['refuse', 'drain', 'ignore'],
    default: 'drain',
    help: 'what to do about running apps that do not know a breaking migration: refuse the run, drain them, or ignore them',
  },
  drainTimeout: {
    of: 'database',
    usedBy: ['up', 'down'],
    flag: 'drain-timeout',
    variable: 'SCHEMAGATE_DRAIN_TIMEOUT',
    kind: 'duration',
    default: '30s',
    help: 'how long to wait until those apps have disconnected, before the run is refused',
  },
  onForeignTables: {
    of: 'database',
    usedBy: ['up', 'plan', 'status', 'check', 'wait'],
    flag: 'on-foreign-tables',
    variable: 'SCHEMAGATE_ON_FOREIGN_TABLES',
    kind: 'choice',
    choices: ['refuse', 'run'],
    default: 'refuse',
    help: 'what `up` does with an empty ledger on a database that has tables or the history of another tool',
  },
  follow: {
    of: 'follow',
    flag: 'follow',
    variable: 'SCHEMAGATE_FOLLOW',
    kind: 'tool',
    placeholder: 'TOOL',
    help: 'the tool that migrates the database, and goes on doing so: its history is compared, instead of the ledger',
  },
  history: {
    of: 'follow',
    flag: 'history',
    onlyWith: ['follow', 'manifest'],
    variable: 'SCHEMAGATE_HISTORY',
    kind: 'text',
    placeholder: 'SCHEMA.TABLE',
    help: "that history's table, where it is not the tool's usual one",
  },
  logLevel: {
    of: 'log',
    flag: 'log-level',
    variable: 'LOG_LEVEL',
    kind: 'choice',
    choices: ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
    default: 'info',
    help: "pino's levels",
  },
  logFormat: {
    of: 'log',
    flag: 'log-format',
    variable: 'LOG_FORMAT',
    kind: 'choice',
    choices: ['pretty', 'json'],
    help: 'pretty on a terminal, else json',
  },
} as const satisfies Readonly<Record<string, CommonOption>>
