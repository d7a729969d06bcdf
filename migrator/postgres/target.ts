// Which database: a connection string or libpq's variables, read into what pg needs.
// https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING

import { userInfo } from 'node:os'
import { defaultAttributes, type SessionAttributes, sessionAttributes } from '../gate/hosts.ts'
import { nearest } from '../nearest.ts'

export const sslModes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const
export type SslMode = (typeof sslModes)[number]

export interface Endpoint {
  readonly host: string
  readonly port: number
  /** The name that `host` is one address of; a certificate is made out to it. */
  readonly name?: string
}

/** A database and how to reach it. `password` is not enumerable, so that no log and no inspection shows it. */
export interface Target {
  /** Tried in this order, as libpq does. */
  readonly endpoints: readonly [Endpoint, ...Endpoint[]]
  readonly user: string
  readonly database: string
  readonly password?: string | undefined
  readonly sslMode: SslMode
  readonly sslRootCert?: string | undefined
  readonly sslCert?: string | undefined
  readonly sslKey?: string | undefined
  readonly sessionAttributes: SessionAttributes
  /** libpq's `options`: `-c name=value` for the session. */
  readonly options?: string | undefined
}

type Env = Readonly<Record<string, string | undefined>>

/** The PG* variables that name a database; one of them is enough to mean it. */
const libpqVariables = ['PGHOST', 'PGPORT', 'PGUSER', 'PGDATABASE', 'PGPASSWORD', 'PGPASSWORD_FILE'] as const

/** True if the environment names a database in libpq's way. */
export function hasLibpqVariables(env: Env): boolean {
  return libpqVariables.some(name => env[name] !== undefined && env[name] !== '')
}

/**
 * Reads a connection string, with libpq's variables for what it leaves out; without one, the variables alone.
 * Problems are added to `problems`, and never hold any of the string, since it may hold a password.
 */
export function readTarget(
  url: string | undefined,
  env: Env,
  password: string | undefined,
  problems: string[],
): Target | undefined {
  const before = problems.length
  const fields = url === undefined ? {} : parseUrl(url, problems)
  const get = (field: string, variable: string): string | undefined => fields[field] || env[variable] || undefined

  const hosts = (get('host', 'PGHOST') ?? 'localhost').split(',')
  const ports = (get('port', 'PGPORT') ?? '5432').split(',')
  if (ports.length !== 1 && ports.length !== hosts.length)
    problems.push(`The database's address has ${hosts.length} hosts but ${ports.length} ports.`)
  const endpoints = hosts.map((host, i) => {
    const port = (ports.length === 1 ? ports[0]! : (ports[i] ?? '')) || '5432'
    if (!/^\d+$/.test(port) || Number(port) < 1 || Number(port) > 65_535)
      problems.push(`"${port}" is not a port (1 to 65535).`)
    return { host: host || 'localhost', port: Number(port) }
  })

  const sslMode = oneOf(sslModes, get('sslmode', 'PGSSLMODE') ?? 'prefer', 'sslmode', problems)
  const attributes = get('target_session_attrs', 'PGTARGETSESSIONATTRS') ?? defaultAttributes(hosts.length)
  const user = get('user', 'PGUSER') ?? userInfo().username
  const sslRootCert = get('sslrootcert', 'PGSSLROOTCERT')
  const target: Target = {
    endpoints: endpoints as [Endpoint, ...Endpoint[]],
    user,
    database: get('dbname', 'PGDATABASE') ?? user,
    // sslrootcert=system asks for the system's authorities, and for nothing less than verify-full
    sslMode: sslRootCert === 'system' && sslMode !== 'disable' ? 'verify-full' : (sslMode ?? 'prefer'),
    sslRootCert,
    sslCert: get('sslcert', 'PGSSLCERT'),
    sslKey: get('sslkey', 'PGSSLKEY'),
    sessionAttributes: oneOf(sessionAttributes, attributes, 'target_session_attrs', problems) ?? 'any',
    options: get('options', 'PGOPTIONS'),
  }
  Object.defineProperty(target, 'password', { value: fields.password || password, enumerable: false })
  return problems.length === before ? target : undefined
}

const urlForm =
  /^postgres(?:ql)?:\/\/(?:(?<userinfo>[^/?]*)@)?(?<hosts>[^/?#]*)(?:\/(?<dbname>[^?#]*))?(?:\?(?<query>[^#]*))?$/

/** A slip in one of these would go unnoticed, and leave a connection less safe than was meant. */
const weighty = ['sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'target_session_attrs'] as const

/** Parameters of libpq and of other tools that only look like slips. */
const otherParameters = [
  ...['ssl', 'sslpassword', 'sslcrl', 'sslcrldir', 'sslcompression', 'sslsni', 'sslnegotiation', 'sslcertmode'],
  ...['sslaccept', 'sslidentity', 'schema'],
] as const

const notUrl =
  'DATABASE_URL is not a connection string. Write postgres://user:password@host:5432/database, ' +
  'with characters such as / ? # @ % in the password percent-encoded.'

function parseUrl(url: string, problems: string[]): Record<string, string | undefined> {
  const groups = urlForm.exec(url.trim())?.groups
  const query = new URLSearchParams(groups?.query)
  // a password with a bare / or ? in it ends the address early: what follows would pass for a database or a parameter
  if (!groups || groups.dbname?.includes('@') || [...query.keys()].some(key => !/^\w+$/.test(key))) {
    problems.push(notUrl)
    return {}
  }
  try {
    const [user, ...password] = (groups.userinfo ?? '').split(':')
    const addresses = (groups.hosts ?? '').split(',').map(address => {
      const match = /^(?:\[(?<ipv6>[^\]]+)\]|(?<host>[^:[\]]*))(?::(?<port>\d*))?$/.exec(address)
      if (!match) throw new URIError(address)
      return { host: match.groups!.ipv6 ?? decodeURIComponent(match.groups!.host!), port: match.groups!.port ?? '' }
    })
    const fields: Record<string, string | undefined> = {
      user: decodeURIComponent(user!),
      password: decodeURIComponent(password.join(':')),
      dbname: decodeURIComponent(groups.dbname ?? ''),
      host: addresses.map(a => a.host).join(','),
      port: addresses.some(a => a.port) ? addresses.map(a => a.port).join(',') : '',
    }
    for (const [key, value] of query) {
      fields[key] = value
      const guess = nearest(key.toLowerCase(), [...weighty, ...otherParameters])
      if (guess !== key && weighty.some(name => name === guess))
        problems.push(`DATABASE_URL has an unknown parameter ${key}. Did you mean ${guess}?`)
    }
    // the protocol ends a text there
    if (Object.values(fields).some(value => value?.includes('\0')))
      problems.push('DATABASE_URL has a NUL character (%00).')
    if (fields.ssl === 'true') fields.sslmode ??= 'require'
    return fields
  } catch {
    problems.push(notUrl)
    return {}
  }
}

/** What may be a password in a connection string, also in one that cannot be read: as written, and decoded. */
export function passwordsIn(url: string): string[] {
  const written = /^[^:]*:\/\/[^:@]*:(.*)@/s.exec(url)?.[1]
  if (!written) return []
  try {
    return [written, decodeURIComponent(written)]
  } catch {
    return [written]
  }
}

function oneOf<const T extends string>(
  values: readonly T[],
  value: string,
  name: string,
  problems: string[],
): T | undefined {
  const found = values.find(v => v === value)
  if (found === undefined) problems.push(`${name} is "${value}", but must be one of ${values.join(', ')}.`)
  return found
}
