// Several hosts in one connection string: pg knows one, libpq tries them in order until a server suits.
// https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-MULTIPLE-HOSTS

export const sessionAttributes = ['any', 'read-write', 'read-only', 'primary', 'standby', 'prefer-standby'] as const

/** libpq's `target_session_attrs`: which kind of server is wanted. */
export type SessionAttributes = (typeof sessionAttributes)[number]

/**
 * What is wanted where nothing is said. libpq takes any server; of several hosts most are standbys, where a migrator
 * cannot work and an app cannot write.
 */
export function defaultAttributes(hosts: number): SessionAttributes {
  return hosts > 1 ? 'read-write' : 'any'
}

/** The rounds through all hosts, each with what it wants: a standby may be preferred, and then any server will do. */
export function rounds(attributes: SessionAttributes): readonly Exclude<SessionAttributes, 'prefer-standby'>[] {
  return attributes === 'prefer-standby' ? ['standby', 'any'] : [attributes]
}

/** What a server says of its kind. */
export interface ServerKind {
  readonly standby: boolean
  readonly read_only: boolean
}

/** The columns of a query that asks for it. */
export const serverKindColumns = `pg_catalog.pg_is_in_recovery() as standby, pg_catalog.current_setting('transaction_read_only') = 'on' as read_only`

/** The server answers, but is not of the kind that is wanted. */
export class WrongServerError extends Error {}

/** @throws WrongServerError if a server of this kind is not `wanted`. */
export function requireKind(
  { standby, read_only: readOnly }: ServerKind,
  wanted: Exclude<SessionAttributes, 'prefer-standby'>,
): void {
  const suits = { any: true, 'read-write': !readOnly, 'read-only': readOnly, primary: !standby, standby }
  if (suits[wanted]) return
  const kind = standby ? 'a standby' : readOnly ? 'a read-only primary' : 'a primary'
  throw new WrongServerError(`the server is ${kind}, not ${wanted} (target_session_attrs)`)
}

/** A connection string, taken apart. */
export interface Hosts {
  /** One connection string for each host, in their order. */
  readonly urls: readonly [string, ...string[]]
  readonly attributes: SessionAttributes
}

const form =
  /^(?<start>postgres(?:ql)?:\/\/(?:[^/?#]*@)?)(?<authority>[^/?#]*)(?<path>[^?#]*)(?:\?(?<query>[^#]*))?(?<end>.*)$/s

/**
 * Takes a connection string apart; one with a single host is left as it is.
 * @throws TypeError if its ports do not go with its hosts, or for an unknown target_session_attrs.
 */
export function hostsOf(url: string): Hosts {
  const { start, authority = '', path, query = '', end } = form.exec(url.trim())?.groups ?? {}
  const parameters = new URLSearchParams(query)
  const named = authority.split(',').map(splitAddress)
  const hosts =
    parameters
      .get('host')
      ?.split(',')
      .map(host => (host.includes(':') ? `[${host}]` : encodeURIComponent(host))) ?? named.map(({ host }) => host)
  const ports = parameters.get('port')?.split(',') ?? named.map(({ port }) => port)
  if (hosts.length > 1 && ports.length !== 1 && ports.length !== hosts.length)
    throw new TypeError(`The connection string has ${hosts.length} hosts but ${ports.length} ports.`)
  const attributes = parameters.get('target_session_attrs') || defaultAttributes(hosts.length)
  if (!isAttributes(attributes))
    throw new TypeError(`target_session_attrs is "${attributes}", but must be one of ${sessionAttributes.join(', ')}.`)
  const rest = query.split('&').filter(parameter => !/^(host|port)=/.test(parameter))
  const single = (host: string, i: number) => {
    const port = ports.length === 1 ? ports[0] : ports[i]
    return `${start}${host || 'localhost'}${port ? `:${port}` : ''}${path}?${rest.join('&')}${end}`
  }
  const [first, ...more] = hosts.length > 1 ? hosts.map(single) : [url]
  return { urls: [first!, ...more], attributes }
}

/** The same connection string in a form that `URL` can read, whose authority has room for one host: all are in `host`. */
export function hostsInQuery(url: string): string {
  const { start, authority = '', path, query = '', end } = form.exec(url.trim())?.groups ?? {}
  if (!authority.includes(',')) return url
  const named = authority.split(',').map(splitAddress)
  const parameters = new URLSearchParams(query)
  const own = (name: string, values: string[]) => {
    if (!parameters.has(name) && values.some(value => value !== '')) parameters.set(name, values.join(','))
  }
  own(
    'host',
    named.map(({ host }) => decodeURIComponent(host.replace(/^\[(.*)\]$/, '$1'))),
  )
  own(
    'port',
    named.map(({ port }) => port),
  )
  return `${start}localhost${path}?${parameters}${end}`
}

function splitAddress(address: string): { host: string; port: string } {
  const [, host = '', port = ''] = /^(\[.*\]|[^:]*)(?::(\d*))?$/.exec(address) ?? []
  return { host, port }
}

function isAttributes(value: string): value is SessionAttributes {
  return sessionAttributes.some(known => known === value)
}
