// Why a database takes no writes: a standby, or a setting, and where that was made.
// https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-DEFAULT-TRANSACTION-READ-ONLY

import { quoteIdent } from '../../gate/postgres/quote.ts'

interface ReadOnlyState {
  readonly standby: boolean
  readonly setting: string
  readonly source: string
  readonly sourcefile: string | null
  readonly sourceline: number | null
  readonly role: string
  readonly database: string
}

// where a file is known only to those who may read settings, it is null
const stateSql = `select pg_catalog.pg_is_in_recovery() as standby, s.setting, s.source, s.sourcefile, s.sourceline,
       session_user as role, pg_catalog.current_database() as database
  from pg_catalog.pg_settings s where s.name = 'default_transaction_read_only'`

/** What makes a session read-only, in a sentence, and another with the way out. */
export async function whyReadOnly(session: {
  query<Row extends object>(text: string): Promise<{ rows: Row[] }>
}): Promise<string> {
  const { rows } = await session.query<ReadOnlyState>(stateSql)
  const state = rows[0]!
  if (state.standby)
    return 'This server is a standby. Connect to the primary, or name all hosts in the URL: the one that takes writes is then looked for.'
  if (state.setting !== 'on') return 'Its session was made read-only. Connect to Postgres itself, not through a pooler.'
  const { where, wayOut } = madeBy(state)
  return `default_transaction_read_only is on, set ${where}. ${wayOut}`
}

function madeBy({ source, sourcefile, sourceline, ...names }: ReadOnlyState): { where: string; wayOut: string } {
  const name = 'default_transaction_read_only'
  const role = quoteIdent(names.role)
  const database = quoteIdent(names.database)
  // a session of that role or database is read-only itself; ALTER SYSTEM is let through, and no transaction may hold it
  const by = (statement: string, reset = `begin read write; alter ${statement} reset ${name}; commit`) => ({
    where: `by \`alter ${statement} set\``,
    wayOut: `Find out why, and take it back: ${reset}`,
  })
  switch (source) {
    case 'database':
      return by(`database ${database}`)
    case 'user':
      return by(`role ${role}`)
    case 'database user':
      return by(`role ${role} in database ${database}`)
    case 'global':
      return by('role all')
    case 'client':
      return { where: 'by this connection', wayOut: 'Take it out of DATABASE_URL (options) and PGOPTIONS.' }
    case 'configuration file':
      if (sourcefile?.endsWith('/postgresql.auto.conf'))
        return by('system', `alter system reset ${name}; select pg_reload_conf()`)
      return {
        where: sourcefile ? `in ${sourcefile}, line ${sourceline}` : "in the server's configuration",
        wayOut: 'Find out why (a provider sets it when the disk is full), correct it there, and reload.',
      }
    default:
      return { where: `by the server's start (${source})`, wayOut: 'Find out why, and start it without.' }
  }
}
