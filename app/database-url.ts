// Where the database is: one URL, made from DATABASE_URL or from the PG* variables that libpq knows.

import pg from 'pg'
import { hostsInQuery, hostsOf } from 'schemagate-gate'
import { variables } from '../gate/postgres/parameters.ts'
import { readTarget, type Target } from '../gate/postgres/target.ts'
import { plainUrl } from '../gate/postgres/url.ts'
import type { Source } from './settings-source.ts'

/** Modes that pg can do as libpq documents them. `allow` and `prefer` mean "try both", which pg cannot. */
const sslModes = ['disable', 'require', 'verify-ca', 'verify-full']

/**
 * The app's database as a URL that pg understands, but for several hosts, which the gate tells apart. It means what the
 * migrator reads in it: both read it by the same table. What is wrong is reported, never with the password in it.
 */
export function databaseUrl(source: Source): string {
  const isUrlGiven = (source.value('DATABASE_URL') ?? source.value('DATABASE_URL_FILE')) !== undefined
  const text = source.secret('DATABASE_URL')
  if (isUrlGiven && text === undefined) return ''
  if (text === undefined && (source.value('PGHOST') ?? source.value('PGHOSTADDR')) === undefined) {
    source.problem('DATABASE_URL, DATABASE_URL_FILE or PGHOST must be set: the app has no database.')
    return ''
  }
  const problems: string[] = []
  const env = Object.fromEntries(Object.keys(variables).map(name => [name, source.value(name)]))
  const target = readTarget(text, env, undefined, problems, 'app')
  const url = target && parse(text ?? 'postgresql://')
  if (url === undefined) {
    for (const problem of problems) source.problem(problem)
    if (problems.length === 0) source.problem('DATABASE_URL cannot be read as a URL.')
    return ''
  }
  for (const note of target?.notes ?? []) source.note(note)
  fillIn(url, source)
  settle(url, target!, source)
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
    const url = URL.parse(hostsInQuery(plainUrl(text)))
    if (url === null) return undefined
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
    ['sslrootcert', '', source.value('PGSSLROOTCERT')],
    ['sslcert', '', source.value('PGSSLCERT')],
    ['sslkey', '', source.value('PGSSLKEY')],
    ['sslnegotiation', '', source.value('PGSSLNEGOTIATION')],
    ['channel_binding', '', source.value('PGCHANNELBINDING')],
    ['require_auth', '', source.value('PGREQUIREAUTH')],
    ['target_session_attrs', '', source.value('PGTARGETSESSIONATTRS')],
  ]
  for (const [name, inUrl, value] of parts)
    if (value !== undefined && !given(name, inUrl)) url.searchParams.set(name, value)
  const database = url.searchParams.get('dbname') ?? source.value('PGDATABASE')
  if (database && (url.pathname.length <= 1 || url.searchParams.has('dbname')))
    url.pathname = `/${encodeURIComponent(database)}`
}

/** Writes what was read in the terms that pg has, and reports what it has none for. */
function settle({ searchParams }: URL, target: Target, source: Source): void {
  const asked = (...names: string[]) => names.some(name => searchParams.has(name))
  const isModeAsked = asked('sslmode', 'ssl') || source.value('PGSSLMODE') !== undefined
  let mode: string = target.sslMode
  if (mode === 'prefer' && !isModeAsked && target.authentication?.channelBinding === 'require') mode = 'require'
  if (mode !== 'prefer' || isModeAsked) {
    if (!sslModes.includes(mode)) source.problem(`sslmode is "${mode}", but must be one of ${sslModes.join(', ')}.`)
    searchParams.set('sslmode', mode)
    // Without this, pg takes `require` for `verify-full`.
    searchParams.set('uselibpqcompat', 'true')
  }
  for (const name of ['ssl', 'requiressl', 'sslcertmode', 'dbname']) searchParams.delete(name)
  // Node's own authorities, which are those that nothing is said of.
  if (target.sslRootCert === 'system') searchParams.delete('sslrootcert')
  if (target.sslCert === false) for (const name of ['sslcert', 'sslkey']) searchParams.delete(name)
  if (target.options !== undefined) searchParams.set('options', target.options)

  const notDone: readonly (readonly [name: string, isAsked: boolean])[] = [
    ['hostaddr', asked('hostaddr') || source.value('PGHOSTADDR') !== undefined],
    ['passfile', asked('passfile')],
    ['load_balance_hosts=random', target.shuffled === true],
    ['sslpassword', target.sslPassword !== undefined],
    ['sslcrl', target.sslCrl !== undefined],
    ['sslcrldir', target.sslCrlDir !== undefined],
    ['ssl_min_protocol_version', target.sslMinVersion !== undefined],
    ['ssl_max_protocol_version', target.sslMaxVersion !== undefined],
  ]
  for (const [name, isAsked] of notDone)
    if (isAsked) source.problem(`${name} is not done by the app's pool of connections. Leave it out for the app.`)
  for (const name of ['connect_timeout', 'keepalives', 'keepalives_idle', 'keepalives_interval', 'keepalives_count'])
    if (asked(name)) source.note(`${name} in DATABASE_URL is passed over: the app's pool has limits of its own.`)
}
