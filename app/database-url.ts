// Where the database is: one URL, made from DATABASE_URL or from the PG* variables that libpq knows.

import pg from 'pg'
import { hostsInQuery, hostsOf } from '../migrator/gate/index.ts'
import type { Source } from './settings-source.ts'

/** Modes that pg can do as libpq documents them. `allow` and `prefer` mean "try both", which pg cannot. */
const sslModes = ['disable', 'require', 'verify-ca', 'verify-full']

/**
 * The app's database as a URL that pg understands, but for several hosts, which the gate tells apart; what is wrong is
 * reported, never with the password in it.
 */
export function databaseUrl(source: Source): string {
  const isUrlGiven = (source.value('DATABASE_URL') ?? source.value('DATABASE_URL_FILE')) !== undefined
  const text = source.secret('DATABASE_URL')
  if (isUrlGiven && text === undefined) return ''
  const host = source.value('PGHOST')
  if (text === undefined && host === undefined) {
    source.problem('DATABASE_URL, DATABASE_URL_FILE or PGHOST must be set: the app has no database.')
    return ''
  }

  const url = parse(text ?? 'postgresql://')
  if (url === undefined) {
    source.problem(
      'DATABASE_URL is not a URL such as postgresql://user:password@host:5432/name. Are all special characters in the password percent-encoded?',
    )
    return ''
  }
  fillIn(url, source)
  const sslMode = url.searchParams.get('sslmode')
  if (sslMode !== null) {
    if (!sslModes.includes(sslMode))
      source.problem(`sslmode is "${sslMode}", but must be one of ${sslModes.join(', ')}.`)
    // Without this, pg takes `require` for `verify-full`.
    url.searchParams.set('uselibpqcompat', 'true')
  }
  try {
    // Reads the certificates that the URL names; connects to nothing.
    new pg.Client({ connectionString: hostsOf(url.href).urls[0] })
  } catch (error) {
    source.problem(
      `The database's settings cannot be used: ${error instanceof Error ? error.message : 'unknown error'}`,
    )
  }
  return url.href
}

function parse(text: string): URL | undefined {
  try {
    const url = URL.parse(hostsInQuery(text))
    if (url === null || !/^postgres(ql)?:$/.test(url.protocol)) return undefined
    for (const part of [url.username, url.password, url.hostname, url.pathname]) decodeURIComponent(part)
    return url
  } catch {
    return undefined
  }
}

/** Takes from PG* what the URL leaves open, as libpq does: a password may be in a file while the URL is in plain sight. */
function fillIn(url: URL, source: Source): void {
  const given = (name: string, inUrl: string) => inUrl !== '' || url.searchParams.has(name)
  const parts: [name: string, inUrl: string, value: string | undefined][] = [
    ['host', url.hostname, source.value('PGHOST')],
    ['port', url.port, source.value('PGPORT')],
    ['user', url.username, source.value('PGUSER')],
    ['password', url.password, source.secret('PGPASSWORD')],
    ['sslmode', '', source.value('PGSSLMODE')],
    ['sslrootcert', '', source.value('PGSSLROOTCERT')],
    ['target_session_attrs', '', source.value('PGTARGETSESSIONATTRS')],
  ]
  for (const [name, inUrl, value] of parts)
    if (value !== undefined && !given(name, inUrl)) url.searchParams.set(name, value)
  const database = source.value('PGDATABASE')
  if (database !== undefined && url.pathname.length <= 1) url.pathname = `/${encodeURIComponent(database)}`
}
