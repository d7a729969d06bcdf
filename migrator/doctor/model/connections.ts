// To which databases a service connects, as its environment and its command tell.

import { valueIn } from '../compose/interpolate.ts'
import type { Service } from '../compose/service.ts'
import type { Step } from '../startup/step.ts'

/** A host that a service names as its database's. */
export interface Connection {
  /** Lower case; empty where only a database is named. */
  readonly host: string
  readonly port: string | undefined
  /** Undefined where it cannot be told. */
  readonly database: string | undefined
  readonly user: string | undefined
  /** `sure`: a Postgres URL or a PG* variable; `maybe`: a variable that names some host. */
  readonly kind: 'sure' | 'maybe'
}

const scheme =
  /\b(?:jdbc:|r2dbc:|sqlalchemy:)?(?:postgres(?:ql)?|postgis|pgsql|ecto|psql|timescale|timescaledb|asyncpg)(?:\+\w+)?:(?:\/\/|(?=\w+:\d))/gi

/** Variables whose value is a host, if it is one of the stack. */
const hostKey =
  /(HOST|HOSTS|HOSTNAME|SERVER|SERVERNAME|ADDR|ADDRESS|ENDPOINT|SEEDS|WRITER|READER|_URL|URI|DSN|CONN\w*|__HOST)$|^(DB|DATABASE|POSTGRES|PG)$/i
/** Variables that can only be a Postgres server's. */
const postgresHostKey =
  /(^|_)(PG_?HOST|POSTGRES\w*_HOST(NAME)?|POSTGRES\w*_(SERVER|ADDR|ADDRESS|SEEDS)|PSQL_HOST|POSTGRESQL?__HOST)$/i
const databaseKey =
  /(^|_)(PG_?DATABASE|PG_?DBNAME|POSTGRES(QL)?_?(DB|DATABASE|DBNAME|DB_NAME)|(DB|DATABASE)_?(NAME|DATABASE|DB|DBNAME|SCHEMA_NAME)|DBNAME|POSTGRESDB_DATABASE|SQL_DATABASE|DB_URL_DATABASE)$|__NAME$/i
const userKey =
  /(^|_)(PG_?USER|POSTGRES(QL)?_?(USER|USERNAME)|(DB|DATABASE)_?(USER|USERNAME|USER_NAME|LOGIN)|DBUSER|POSTGRESDB_USER|SQL_USER)$|__USER$/i

/** `-dbname shop`, and no URL. */
const databaseOption = /\s--?(?:db[-_]?name|database)[= ]["']?([\w.${}-]+)(?=["'\s]|$)/i

/** What the environment and the commands say. @param hosts the names of the stack's services, lower case */
export function connectionsOf(service: Service, steps: readonly Step[], hosts: ReadonlySet<string>): Connection[] {
  const found: Connection[] = []
  const environment = Object.entries(service.environment)
  const databases = environment.filter(([key, value]) => databaseKey.test(key) && value !== '' && !value.includes('/'))
  const users = environment.filter(([key, value]) => userKey.test(key) && value !== '')
  const [database, user] = [databases[0]?.[1], users[0]?.[1]]
  for (const [key, value] of environment) {
    const expanded = expandOwn(value, service.environment)
    const urls = [...urlsIn(expanded), ...inJson(expanded)]
    if (urls.length > 0) found.push(...urls)
    else if (hostKey.test(key) || /:\d{4,5}\b/.test(value)) {
      for (const [host, port] of hostsIn(value)) {
        const isPostgres = postgresHostKey.test(key)
        if (!hosts.has(host) && !isPostgres) continue
        const kind = isPostgres ? 'sure' : 'maybe'
        found.push({ host, port, database: nearest(databases, key), user: nearest(users, key), kind })
      }
    }
  }
  const texts = [
    ...steps.map(step => step.text),
    ...[service.command, service.entrypoint].flat().filter(text => text !== undefined),
  ]
  for (const text of texts) {
    const expanded = expandOwn(text, service.environment)
    found.push(...urlsIn(expanded))
    for (const [, host = ''] of expanded.matchAll(
      /(?:\s-h(?!ost)\s*|--?(?:db[-_]|database[-_.]|pg[-_]?|postgres[-_])?(?:host|address|addr|server)[= ])["']?([\w.-]+)/gi,
    )) {
      const named = databaseOption.exec(expanded)?.[1] ?? database
      if (hosts.has(host.toLowerCase()))
        found.push({ host: host.toLowerCase(), port: undefined, database: named, user, kind: 'maybe' })
    }
    for (const [, host = '', port] of expanded.matchAll(/(?<![\w.-])([\w.-]+):(5432)\b/g)) {
      if (hosts.has(host.toLowerCase())) found.push({ host: host.toLowerCase(), port, database, user, kind: 'maybe' })
    }
  }
  return found
}

/** The value of the variable whose name has the most in common with another's at its beginning: DB_NAME goes with DB_HOST. */
function nearest(variables: readonly (readonly [name: string, value: string])[], other: string): string | undefined {
  const common = (name: string) => {
    const end = [...name].findIndex((character, i) => character !== other[i])
    return end < 0 ? name.length : end
  }
  return variables.toSorted(([a], [b]) => common(b) - common(a))[0]?.[1]
}

/** A variable that other variables of the same service make up: Compose leaves it, and an entrypoint puts it together. */
function expandOwn(text: string, environment: Service['environment']): string {
  return text.replace(/\$\{?(\w+)\}?/g, (all, name) => {
    const value = valueIn(environment, name)
    return value === undefined || value.includes('$') ? all : value
  })
}

/** Every Postgres URL or connection string in a text. */
function urlsIn(text: string): Connection[] {
  const found: Connection[] = []
  for (const match of text.matchAll(scheme)) {
    const rest = text.slice(match.index + match[0].length).split(/[\s"'`;]/, 1)[0]!
    const connection = parseAuthority(rest)
    if (connection) found.push(connection)
  }
  if (found.length > 0) return found
  const libpq = /(?:^|[\s"'])host\s*=\s*([\w.${}-]+)/i.exec(text)
  const dotNet = /(?:^|;)\s*(?:Host|Server)\s*=\s*([\w.${}-]+)/i.exec(text)
  const host = libpq?.[1] ?? dotNet?.[1]
  // a connection string of another database has no word of these
  if (host === undefined || !/\b(dbname|user|sslmode|username|database|port)\s*=/i.test(text)) return []
  if (/\b(Uid|Initial Catalog|TrustServerCertificate)\b/i.test(text)) return []
  const database = /\b(?:dbname|database)\s*=\s*([^\s;"']+)/i.exec(text)?.[1]
  const user = /\b(?:user|username|user id)\s*=\s*([^\s;"']+)/i.exec(text)?.[1]
  return [{ host: host.toLowerCase(), port: /\bport\s*=\s*(\d+)/i.exec(text)?.[1], database, user, kind: 'sure' }]
}

/** Objects inside of objects. */
const deepestJson = 20

/** `{"host": "db", "dbname": "shop"}`, each such object: of Postgres, if its host is; other servers are named so, too. */
function inJson(text: string): Connection[] {
  const found: Connection[] = []
  const note = (object: string) => {
    const connection = inObject(object)
    if (connection) found.push(connection)
    return 'null'
  }
  let rest = text
  for (let depth = 0, before = ''; depth < deepestJson && rest !== before; depth++) {
    before = rest
    // those that hold no other, from the inside out; a variable is none
    rest = rest.replace(/(?<!\$)\{(?:\$\{[^{}]*\}|[^{}])*\}/g, note)
  }
  note(rest)
  return found
}

function inObject(text: string): Connection | undefined {
  const value = (names: string) =>
    new RegExp(`"(?:${names})"\\s*:\\s*"?((?:\\$\\{[^{}]*\\}|[^\\s",}])+)`, 'i').exec(text)?.[1]
  const host = value('host|hostname|server')
  if (host === undefined) return undefined
  const [port, database, user] = [value('port'), value('dbname|database|db|name'), value('user|username')]
  return { host: host.toLowerCase(), port, database, user, kind: 'maybe' }
}

/** A password may hold `@`, and sometimes a slash: the host is behind the last `@` that a host can follow. */
function parseAuthority(rest: string): Connection | undefined {
  const guarded = rest.replace(/\$\{[^}]*\}/g, all => all.replaceAll(/[/@:?]/g, '_'))
  const at = guarded.lastIndexOf('@')
  const user = at < 0 ? undefined : rest.slice(0, at).split(':')[0]
  const place = guarded.slice(at + 1)
  const [, authority = '', path = '', query = ''] = /^([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/.exec(place) ?? []
  const [host = '', port] = authority.split(',')[0]!.split(':')
  const inQuery = /(?:^|&)host=([\w.-]+)/.exec(query)?.[1]
  const name = (host || inQuery || '').toLowerCase()
  if (name === '' && path === '') return undefined
  return { host: name, port, database: path === '' ? undefined : path, user, kind: 'sure' }
}

/** `db`, `db:5432`, `tcp://db:5432`, `db1,db2`. */
function hostsIn(value: string): (readonly [host: string, port: string | undefined])[] {
  if (value.length > 300 || value.includes(' ')) return []
  return value.split(',').flatMap(part => {
    const [, host = '', port] =
      /^(?:[a-z][\w+.-]*:\/\/)?(?:[^@/]*@)?([\w.-]+|\$\{\w+\})(?::(\d+))?(?:\/.*)?$/i.exec(part) ?? []
    return host === '' ? [] : [[host.toLowerCase(), port] as const]
  })
}
