// A connection string, taken apart as libpq does it, in libpq's names for its parts.
// https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS

import { didYouMean } from '../did-you-mean.ts'

const form =
  /^(?<scheme>[a-z][a-z0-9+._-]*):\/\/(?:(?<userinfo>[^/?]*)@)?(?<hosts>[^/?#]*)(?:\/(?<dbname>[^?#]*))?(?:\?(?<query>[^#]*))?$/i

/** `postgresql+psycopg://` is SQLAlchemy's, `pgx5://` golang-migrate's, `postgis://` Django's. */
const ours = /^(?:postgres(?:ql)?(?:\+[a-z0-9_]+)?|pgx[45]?|postgis)$/i

/** Only a known scheme is repeated in a message: other text there may be a password. */
const others =
  /^(?:mysql|mariadb|sqlite|sqlite3|file|sqlserver|mssql|oracle|mongodb|redis|cockroachdb|clickhouse|https?)$/i

const wayOut =
  'Write postgres://user:password@host:5432/database, with characters such as / ? # @ % in the password percent-encoded.'

const notUrl = (source: string) => `${source} is not a connection string. ${wayOut}`

/** The parts of a connection string. */
export interface UrlParts {
  /** Decoded; what is not there, or is an empty user, password, host, port or database, has no entry. */
  readonly given: ReadonlyMap<string, string>
  /** sqlx's `options[NAME]=VALUE`. */
  readonly options: readonly (readonly [name: string, value: string])[]
}

/** `jdbc:postgresql://` is what it says after the colon. */
function withoutJdbc(url: string): string {
  return url.trim().replace(/^jdbc:(?=postgresql:\/\/)/i, '')
}

/**
 * Reads a connection string. Problems are added to `problems`, and never hold what may be a password.
 * @param source what holds it, for people: a variable or a flag.
 */
export function readUrl(url: string, source: string, problems: string[]): UrlParts | undefined {
  const refuse = (why: string) => {
    problems.push(why)
    return undefined
  }
  const text = withoutJdbc(url)
  const scheme = /^([a-z][a-z0-9+._-]*):/i.exec(text)?.[1] ?? ''
  if (/^prisma(\+postgres)?$/i.test(scheme))
    return refuse(
      `${source} is an address of Prisma's (${scheme}://), not of Postgres. Give the direct connection, postgres://user:password@host:5432/database.`,
    )
  if (others.test(scheme))
    return refuse(`${source} is an address of another kind (${scheme}:), not of Postgres. ${wayOut}`)
  if (/^\s*(?:host|hostaddr|port|dbname|user|password|service|sslmode)\s*=/.test(text))
    return refuse(`${notUrl(source)} This is libpq's other form, keyword=value, which is not read.`)
  // `docker run --env-file` takes them as they are, and so do secrets' files
  if (/^\s*["']/.test(text))
    return refuse(`${notUrl(source)} It stands in quotes, which are a part of it here: remove them.`)
  const groups = form.exec(text)?.groups
  // a password with a bare / or ? in it ends the address early: what follows would pass for a database or a parameter
  if (!groups || !ours.test(groups.scheme!) || groups.dbname?.includes('@')) return refuse(notUrl(source))
  try {
    const [user, ...password] = (groups.userinfo ?? '').split(':')
    const addresses = (groups.hosts ?? '').split(',').map(address => {
      const match = /^(?:\[(?<ipv6>[^\]]+)\]|(?<host>[^:[\]]*))(?::(?<port>\d*))?$/.exec(address)
      if (!match) throw new URIError(address)
      const { ipv6, host, port = '' } = match.groups!
      // the zone of a link-local address, [fe80::1%25eth0]; as it is it cannot be decoded, and is what is meant
      return { host: ipv6?.replace('%25', '%') ?? decodeURIComponent(host!), port }
    })
    const parts: [string, string][] = [
      ['user', decodeURIComponent(user!)],
      ['password', decodeURIComponent(password.join(':'))],
      ['dbname', decodeURIComponent(groups.dbname ?? '')],
      ['host', addresses.map(a => a.host).join(',')],
      ['port', addresses.some(a => a.port) ? addresses.map(a => a.port).join(',') : ''],
    ]
    const given = new Map(parts.filter(([, value]) => value !== ''))
    const options: [string, string][] = []
    const named = new Map<string, string>()
    for (const parameter of groups.query ? groups.query.split('&') : []) {
      const [, key, value] = /^([^=]+)=(.*)$/s.exec(parameter) ?? []
      if (key === undefined || value === undefined) return refuse(notUrl(source))
      const name = decodeURIComponent(key)
      // a plus sign is one, as libpq has it; but around a switch, where it can only be a form's blank
      const decoded = decodeURIComponent(
        name === 'options' ? value.replace(/(^|\+|%20)-c\+/g, blank => blank.replaceAll('+', '%20')) : value,
      )
      const option = /^options\[([\w.]+)\]$/.exec(name)?.[1]
      if (option !== undefined) {
        options.push([option, decoded])
        continue
      }
      if (!/^[\w.-]+$/.test(name)) return refuse(notUrl(source))
      if (named.has(name) && named.get(name) !== decoded)
        problems.push(`${source} has ${name} twice, with different values. Leave one of them out.`)
      named.set(name, decoded)
      given.set(name, decoded)
    }
    // the protocol ends a text there
    if ([...given.values(), ...options.flat()].some(value => value.includes('\0')))
      problems.push(`${source} has a NUL character (%00).`)
    return { given, options }
  } catch {
    return refuse(notUrl(source))
  }
}

/** The message for an unknown parameter; one that may be a part of a password is not repeated. */
export function unknownParameter(url: string, source: string, name: string, known: Iterable<string>): string {
  if (/\?.*@/s.test(url)) return notUrl(source)
  return `${source} has an unknown parameter ${name}.${didYouMean(name.toLowerCase(), known)} A setting of the session is written options=-c NAME=VALUE.`
}

const secretParameters = /[?&](?:password|sslpassword|scram_client_key|scram_server_key|oauth_client_secret)=([^&#]*)/g

/** What may be a password in a connection string, also in one that cannot be read: as written, and decoded. */
export function passwordsIn(url: string): string[] {
  const written = [/^[^/]*:\/\/[^:@]*:(.*)@/s.exec(url)?.[1] ?? '']
  for (const [, value = ''] of url.matchAll(secretParameters)) written.push(value)
  return written.filter(Boolean).flatMap(secret => {
    try {
      return [secret, decodeURIComponent(secret)]
    } catch {
      return [secret]
    }
  })
}
