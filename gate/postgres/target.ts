// Which database: a connection string and libpq's variables, read once for the migrator and for the example's app.
// https://www.postgresql.org/docs/current/libpq-connect.html

import { isIP } from 'node:net'
import { userInfo } from 'node:os'
import { type Authentication, readMethods } from './authentication.ts'
import { defaultAttributes, type SessionAttributes, sessionAttributes } from './hosts.ts'
import { parameters, sslModes, variables } from './parameters.ts'
import { readUrl, unknownParameter } from './url.ts'

/** libpq's `sslmode`. */
export type SslMode = (typeof sslModes)[number]

/** One server of a connection string's. */
export interface Endpoint {
  /** A name, an address, or the folder of a Unix socket. */
  readonly host: string
  readonly port: number
  /** The name that `host` is one address of; a certificate is made out to it. */
  readonly name?: string
}

/** A database and how to reach it. `password` and `sslPassword` are not enumerable, so that no inspection shows them. */
export interface Target {
  /** Tried in this order, as libpq does. */
  readonly endpoints: readonly [Endpoint, ...Endpoint[]]
  /** Tried in random order instead. */
  readonly shuffled?: boolean
  readonly user: string
  readonly database: string
  /** What holds the connection string, for people, where that is not DATABASE_URL. */
  readonly source?: string | undefined
  readonly password?: string | undefined
  /** Where a password is looked up if there is none: libpq's `passfile`. */
  readonly passFile?: string | undefined
  /** How the server may ask for a password: `channel_binding`, `require_auth`. */
  readonly authentication?: Authentication
  /** `sslmode`. The other `ssl…` fields are libpq's parameters of that name; certificates and keys are paths. */
  readonly sslMode: SslMode
  /** `sslnegotiation=direct`: TLS from the first byte. */
  readonly sslDirect?: boolean
  readonly sslRootCert?: string | undefined
  /** Undefined: libpq's default file, where it is there. False: no certificate is sent. */
  readonly sslCert?: string | false | undefined
  readonly sslKey?: string | undefined
  readonly sslPassword?: string | undefined
  readonly sslCrl?: string | undefined
  readonly sslCrlDir?: string | undefined
  readonly sslMinVersion?: string | undefined
  readonly sslMaxVersion?: string | undefined
  /** Which kind of server is wanted: `target_session_attrs`. */
  readonly sessionAttributes: SessionAttributes
  /** The most that one attempt to connect may take, in milliseconds; 0 means no limit. */
  readonly connectTimeout?: number | undefined
  /** The kernel's probes of a silent connection, times in seconds; undefined is the kernel's own default. */
  readonly keepAlive?: {
    on: boolean
    idle?: number | undefined
    interval?: number | undefined
    count?: number | undefined
  }
  /** libpq's `options`: `-c name=value` for the session. */
  readonly options?: string | undefined
  /** Parameters that were ignored, a sentence each, for the log. */
  readonly notes?: readonly string[]
}

/** Variables, as `process.env` has them. */
export type Env = Readonly<Record<string, string | undefined>>

/** The variables that name a database; one of them is enough to mean it. */
const naming = ['PGHOST', 'PGHOSTADDR', 'PGPORT', 'PGUSER', 'PGDATABASE', 'PGPASSWORD', 'PGPASSWORD_FILE', 'PGSERVICE']

/** True if the environment names a database in libpq's way. */
export function hasLibpqVariables(env: Env): boolean {
  return naming.some(name => env[name] !== undefined && env[name] !== '')
}

/**
 * Reads a connection string, with libpq's variables for what it leaves out; without one, the variables alone.
 * Problems are added to `problems`, and never hold a secret of the string's.
 * @param reader a migrator makes its session's limits itself; an app has them from the string.
 * @param source what holds the string, for people, where that is not DATABASE_URL.
 */
export function readTarget(
  url: string | undefined,
  env: Env,
  password: string | undefined,
  problems: string[],
  reader: 'migrator' | 'app' = 'migrator',
  source?: string,
): Target | undefined {
  const before = problems.length
  const found = new Parameters(url, env, problems, reader, source)
  const get = (name: string) => found.get(name)

  const endpoints = endpointsOf(get('host'), get('hostaddr'), get('port'), problems)
  const sslMode = sslModeOf(found, problems)
  const channelBinding = oneOf(['disable', 'prefer', 'require'], get('channel_binding') ?? 'prefer')
  if (channelBinding === 'require' && sslMode === 'disable')
    problems.push('channel_binding=require needs TLS, and sslmode is disable. Write sslmode=require or verify-full.')
  const attributes = get('target_session_attrs') ?? defaultAttributes(endpoints.length)
  const user = get('user') || userInfo().username
  const seconds = (name: string) => wholeNumber(name, get(name), problems)
  const connectTimeout = seconds('connect_timeout')
  const target: Target = {
    endpoints,
    shuffled: get('load_balance_hosts') === 'random',
    user,
    database: get('dbname') || user,
    source,
    passFile: get('passfile') || undefined,
    authentication: { channelBinding: channelBinding ?? 'prefer', methods: readMethods(get('require_auth'), problems) },
    sslMode,
    sslDirect: get('sslnegotiation') === 'direct',
    sslRootCert: get('sslrootcert') || undefined,
    sslCert: get('sslcertmode') === 'disable' ? false : get('sslcert') || undefined,
    sslKey: get('sslkey') || undefined,
    sslCrl: get('sslcrl') || undefined,
    sslCrlDir: get('sslcrldir') || undefined,
    sslMinVersion: get('ssl_min_protocol_version'),
    sslMaxVersion: get('ssl_max_protocol_version'),
    sessionAttributes: oneOf(sessionAttributes, attributes) ?? 'any',
    connectTimeout: connectTimeout === undefined ? undefined : connectTimeout * 1_000,
    keepAlive: {
      on: get('keepalives') !== '0',
      idle: seconds('keepalives_idle'),
      interval: seconds('keepalives_interval'),
      count: seconds('keepalives_count'),
    },
    options: found.options(),
    notes: found.notes,
  }
  if (target.sslDirect && !['require', 'verify-ca', 'verify-full'].includes(sslMode))
    problems.push(`sslnegotiation=direct needs sslmode=require or more, and sslmode is ${sslMode}.`)
  if (target.sslMinVersion && target.sslMaxVersion && target.sslMinVersion > target.sslMaxVersion)
    problems.push('ssl_min_protocol_version is higher than ssl_max_protocol_version.')
  const hide = (name: 'password' | 'sslPassword', value: string | undefined) =>
    Object.defineProperty(target, name, { value, enumerable: false })
  hide('password', get('password') || password)
  hide('sslPassword', get('sslpassword'))
  return problems.length === before ? target : undefined
}

/** A URL overrides a variable by any of these: they say the same thing. */
const overrides: Readonly<Record<string, readonly string[]>> = {
  PGSSLMODE: ['sslmode', 'ssl', 'requiressl'],
  PGREQUIRESSL: ['sslmode', 'ssl', 'requiressl'],
}

/** What was given, parameter by parameter, under libpq's names; each held against the table of parameters. */
class Parameters {
  readonly notes: string[] = []
  readonly #problems: string[]
  readonly #values = new Map<string, string>()
  /** Settings of the session, those of variables first: what comes later wins. */
  readonly #settings: (readonly [name: string, value: string])[] = []
  readonly #later: (readonly [name: string, value: string])[] = []
  readonly #reader: 'migrator' | 'app'
  readonly #source: string
  readonly #inUrl: ReadonlySet<string>

  constructor(
    url: string | undefined,
    env: Env,
    problems: string[],
    reader: 'migrator' | 'app',
    source = 'DATABASE_URL',
  ) {
    this.#problems = problems
    this.#reader = reader
    this.#source = source
    const parts = url === undefined ? undefined : readUrl(url, source, problems)
    this.#inUrl = new Set(parts?.given.keys())
    for (const [variable, name] of Object.entries(variables)) {
      const value = env[variable]
      const inUrl = (overrides[variable] ?? [name]).some(given => this.inUrl(given))
      if (value && !inUrl && !(variable === 'PGREQUIRESSL' && env.PGSSLMODE))
        this.#take(name, value, variable, this.#settings)
    }
    for (const [name, value] of parts?.given ?? []) {
      if (parameters.has(name)) this.#take(name, value, `${name} in ${source}`, this.#later)
      else problems.push(unknownParameter(url!, source, name, parameters.keys()))
    }
    this.#later.push(...(parts?.options ?? []))
  }

  get(name: string): string | undefined {
    return this.#values.get(name)
  }

  inUrl(name: string): boolean {
    return this.#inUrl.has(name)
  }

  /** libpq's `options`, and what other drivers send beside them. */
  options(): string | undefined {
    const written = (list: readonly (readonly [string, string])[]) =>
      list.map(([name, value]) => `-c ${name}=${value.replace(/[\\\s]/g, '\\$&')}`)
    const all = [...written(this.#settings), this.get('options') ?? '', ...written(this.#later)].filter(Boolean)
    return all.length === 0 ? undefined : all.join(' ')
  }

  #take(name: string, value: string, source: string, settings: (readonly [string, string])[]): void {
    const rule = parameters.get(name)!
    const problem = (text: string) => void this.#problems.push(text)
    switch (rule.does) {
      case 'read':
        if (rule.values && !rule.values.includes(value))
          problem(`${name} is "${value}", but must be one of ${rule.values.join(', ')}.`)
        this.#values.set(name, value)
        break
      case 'only':
        if (rule.values.test(value)) this.#values.set(name, value)
        else problem(`${source}: ${rule.why}`)
        break
      case 'same':
        if (!this.#values.has(rule.as)) this.#take(rule.as, value, source, settings)
        break
      case 'setting':
        settings.push([rule.setting, value])
        break
      case 'path':
        this.#takePath(name, value)
        break
      case 'limit':
        if (this.#reader === 'app') settings.push([name, value])
        else problem(`${source}: a migrator's limits are its own; ${rule.why}.`)
        break
      case 'passed':
        this.notes.push(`${source} is passed over: ${rule.why}.`)
        break
      case 'refused':
        problem(`${source}: ${rule.why}`)
    }
  }

  /** Prisma's `schema` is one name as it is; the others are a list as SET takes it. */
  #takePath(name: string, value: string): void {
    if (value === '')
      return void this.#problems.push(`${name} in ${this.#source} is empty. Name a schema, or leave it out.`)
    const path = name === 'schema' ? `"${value.replaceAll('"', '""')}"` : value
    const other = this.#later.find(([setting]) => setting === 'search_path')
    if (other === undefined) this.#later.push(['search_path', path])
    else if (other[1].replaceAll('"', '') !== path.replaceAll('"', ''))
      this.#problems.push(`${this.#source} names two search paths, and ${name} is one of them. Leave one of them out.`)
  }
}

function endpointsOf(
  host: string | undefined,
  hostaddr: string | undefined,
  port: string | undefined,
  problems: string[],
): [Endpoint, ...Endpoint[]] {
  const addresses = hostaddr?.split(',')
  const hosts = host?.split(',') ?? addresses?.map(() => '') ?? ['']
  const ports = port?.split(',') ?? ['']
  if (ports.length !== 1 && ports.length !== hosts.length)
    problems.push(`The database's address has ${hosts.length} hosts but ${ports.length} ports.`)
  if (addresses && addresses.length !== hosts.length)
    problems.push(`The database's address has ${hosts.length} hosts but ${addresses.length} in hostaddr.`)
  const endpoints = hosts.map((name, i): Endpoint => {
    const at = (ports.length === 1 ? ports[0]! : (ports[i] ?? '')) || '5432'
    if (!/^\d+$/.test(at) || Number(at) < 1 || Number(at) > 65_535) problems.push(`"${at}" is not a port (1 to 65535).`)
    const address = addresses?.[i] || undefined
    if (address === undefined) return { host: name || 'localhost', port: Number(at) }
    if (!isIP(address))
      problems.push(`"${address}" in hostaddr is not an address, such as 10.0.0.7. Names go into host.`)
    return { host: address, port: Number(at), ...(name && { name }) }
  })
  return endpoints as [Endpoint, ...Endpoint[]]
}

/** `ssl=VALUE`, the old `requiressl` and `sslmode` together: the strictest wins. */
function sslModeOf(found: Parameters, problems: string[]): SslMode {
  const explicit = oneOf(sslModes, found.get('sslmode') ?? '')
  const wished: (SslMode | undefined)[] = [
    explicit,
    sslOf(found.get('ssl'), problems),
    found.get('requiressl') === '1' ? 'require' : undefined,
  ]
  const modes = wished.filter(mode => mode !== undefined)
  const strongest = modes.toSorted((a, b) => sslModes.indexOf(b) - sslModes.indexOf(a))[0]
  if (explicit !== undefined && strongest !== explicit)
    problems.push(`sslmode is ${explicit}, but ssl or requiressl ask for ${strongest}. Leave one of them out.`)
  // sslrootcert=system asks for the system's authorities, and for nothing less than verify-full
  if (found.get('sslrootcert') !== 'system') return strongest ?? 'prefer'
  // a certificate that a variable names for every connection does not apply to a URL without TLS
  if (strongest === 'disable' && !found.inUrl('sslrootcert')) return 'disable'
  if (strongest === 'disable')
    problems.push('sslrootcert=system needs TLS, and sslmode is disable. Write sslmode=verify-full.')
  return 'verify-full'
}

/** What other drivers call `ssl`. */
function sslOf(value: string | undefined, problems: string[]): SslMode | undefined {
  if (value === undefined) return undefined
  if (/^(true|1|on|yes|no-verify)$/i.test(value)) return 'require'
  if (/^(false|0|off|no)$/i.test(value)) return 'disable'
  const mode = oneOf(sslModes, value)
  if (!mode)
    problems.push(`ssl is "${value}", but must be true (sslmode=require), false or one of ${sslModes.join(', ')}.`)
  return mode
}

function wholeNumber(name: string, value: string | undefined, problems: string[]): number | undefined {
  if (value === undefined || value === '') return undefined
  if (/^\d{1,9}$/.test(value)) return Number(value)
  // libpq: no limit
  if (name === 'connect_timeout' && /^-\d+$/.test(value)) return 0
  problems.push(`${name} is "${value}", but must be a whole number.`)
  return undefined
}

function oneOf<const T extends string>(values: readonly T[], value: string): T | undefined {
  return values.find(known => known === value)
}
