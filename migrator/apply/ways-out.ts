// Ways out by SQLSTATE: what to do where the file is not, or may not be, what is wrong.
// https://www.postgresql.org/docs/current/errcodes-appendix.html

import { codeOf } from '../../gate/postgres/sqlstate.ts'

interface WayOut {
  /** SQLSTATEs, or their classes (the first two characters). */
  readonly codes: readonly string[]
  /**
   * The server's own source files that raise it, where one SQLSTATE stands for several things. The server sends them with
   * each error; its message is no guide, for it may be in any language (lc_messages).
   */
  readonly from?: readonly string[]
  readonly text: string
}

/** The first that fits counts. */
const ways: readonly WayOut[] = [
  {
    codes: ['0A000', '22023', '58P01'],
    from: ['extension.c', 'dfmgr.c'],
    text: 'The file is not what is wrong: the database server lacks this extension or library, or this version of it. Install its package on the server, or use an image or a plan that has it',
  },
  {
    codes: ['58P01'],
    text: 'The file is not what is wrong: the database server lacks a file. If it belongs to an extension, install its package on the server',
  },
  {
    codes: ['42704'],
    from: ['acl.c', 'user.c'],
    text: 'The server has no such role. Create it before the migration runs (a role belongs to the whole server, and no dump of a single database holds it), or correct its name in the file',
  },
  {
    codes: ['42704', '42883'],
    from: ['parse_type.c', 'parse_func.c', 'parse_oper.c', 'indexcmds.c', 'opclasscmds.c', 'amcmds.c'],
    text: 'If an extension brings it (pg_trgm, citext, uuid-ossp, PostGIS, pgvector): create that extension in this database first, in a schema that is in the search path. Otherwise correct the file',
  },
  {
    codes: ['42704', '22023'],
    from: ['collationcmds.c', 'pg_locale.c'],
    text: 'The server does not have this locale, which comes from its operating system or ICU. Install it on the server, or name another one in the file',
  },
  {
    codes: ['42704'],
    from: ['functioncmds.c', 'proclang.c'],
    text: 'The database does not have this language. Create its extension first (`create extension plpython3u`, say), whose package must be on the server; or correct the file',
  },
  {
    codes: ['42704'],
    from: ['guc.c', 'guc_funcs.c'],
    text: "The server does not know this setting. If a pg_dump of a newer release wrote it (transaction_timeout): take the line out. If it is an application's own: give the database a value first (`alter database ... set`). Otherwise correct its name",
  },
  {
    codes: ['42704'],
    text: 'The database or the server has no such object (a collation, an extension, a tablespace, a text search configuration). Create it first, or correct the file',
  },
  {
    codes: ['22P05'],
    text: "The database's own encoding does not have this character. Take it out of the file (or its name), also out of a comment; or move to a database whose encoding is UTF8",
  },
  {
    codes: ['42501'],
    text: "Grant the right to the migrator's role, or name the owner in DATABASE_URL",
  },
  {
    codes: ['42710', '42P04'],
    from: ['user.c', 'tablespace.c', 'dbcommands.c'],
    text: 'It belongs to the whole server, and another database or an operator may have made it: create it only where it does not exist yet, or take it out of the file',
  },
  {
    codes: ['42P07', '42701', '42710', '42723', '42P06', '42P16'],
    text: 'If something other than schemagate made it: remove it from the database, or take it out of the file. Otherwise correct the file',
  },
  {
    codes: ['23'],
    text: 'Rows that are in the database do not fit. Correct them, in the file before this statement or by hand; or correct the file',
  },
  {
    codes: ['2BP01'],
    text: 'Other objects depend on it, perhaps ones that no migration made; the detail names them. Drop or change those first, or correct the file',
  },
  {
    codes: ['3F000'],
    text: 'The database has no such schema. If something other than these migrations makes it (an init script, a platform such as Supabase or Nhost): make it in this database first. Otherwise create it in a migration before this one, or correct its name. Where the file names none, the search path (of the URL, the role or the database) has none that is there: correct that, or write the schema before the name',
  },
  {
    codes: ['3D000'],
    text: 'The server has no database of this name. A migration runs in databases of several names: use current_database() in a DO block, or take the name out of the file',
  },
  { codes: ['53100'], text: "The database server's disk is full. Make room on it" },
  {
    codes: ['53200'],
    text: 'The database server ran out of memory (or of shared memory for locks: max_locks_per_transaction). Give it more, or lower work_mem and maintenance_work_mem; or split the file',
  },
  { codes: ['53300'], text: 'The database server has no connection left. Close some, or raise max_connections' },
  { codes: ['53'], text: 'The database server reached a limit of its configuration. Raise it' },
  {
    codes: ['25006'],
    text: 'The database takes no writes: this server is a standby, or default_transaction_read_only is on. Connect to the primary, or switch that off',
  },
  {
    codes: ['55P02'],
    text: "The setting belongs in the server's own configuration. Set it there, and take it out of the file",
  },
  {
    codes: ['40001', '40P01', '55P03', '55006'],
    text: 'Another session was in the way, or the transaction itself still used the object. End that session or wait for it, or split the file',
  },
  {
    codes: ['58', 'F0', 'XX'],
    text: 'The database server reports a fault of its own. Look into its log, and at its disk',
  },
  {
    codes: ['08', 'HV'],
    text: 'The file connects to another server (dblink, a foreign table), which did not answer or refused. Look at that server, or correct the file',
  },
  {
    codes: ['P0001'],
    text: 'The file raised it itself, or a trigger or a function of the database did; the context says which. Do as it says, or correct the file',
  },
]

/** What helps against an error of the server's; undefined if that is to correct the file. Without a full stop. */
export function wayOutOf(error: unknown): string | undefined {
  const code = codeOf(error)
  if (code?.length !== 5) return undefined
  const source: unknown = error instanceof Error ? Reflect.get(error, 'file') : undefined
  return ways.find(
    ({ codes, from }) =>
      (codes.includes(code) || codes.includes(code.slice(0, 2))) &&
      (from === undefined || (typeof source === 'string' && from.includes(source))),
  )?.text
}
