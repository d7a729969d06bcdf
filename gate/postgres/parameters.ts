// The parameters of connection strings, those of libpq and of other drivers, and how each is treated.
// https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS

import { sessionAttributes } from './hosts.ts'

/**
 * How a parameter is treated. `read`: it does what libpq documents; of its `values`, if it has a list, one must be
 * given. `only`: the values that match are what happens in any case, others are not supported. `setting`: a setting of the
 * session. `limit`: such a setting that a migrator makes itself. `path`: the session's search_path. `same`: another name
 * of a parameter of libpq's. `passed`: it concerns another driver, and is passed over with a line in the log. `refused`:
 * it would change what happens, and is not done.
 */
export type Rule =
  | { readonly does: 'read'; readonly values?: readonly string[] }
  | { readonly does: 'only'; readonly values: RegExp; readonly why: string }
  | { readonly does: 'setting'; readonly setting: string }
  | { readonly does: 'limit'; readonly why: string }
  | { readonly does: 'path' }
  | { readonly does: 'same'; readonly as: string }
  | { readonly does: 'passed'; readonly why: string }
  | { readonly does: 'refused'; readonly why: string }

/** What `sslmode` may be. */
export const sslModes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const
const tlsVersions = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const

const read: Rule = { does: 'read' }
const oneOf = (...values: string[]): Rule => ({ does: 'read', values })
const only = (values: RegExp, why: string): Rule => ({ does: 'only', values, why })
const setting = (name: string): Rule => ({ does: 'setting', setting: name })
const limit = (why: string): Rule => ({ does: 'limit', why })
const path: Rule = { does: 'path' }
const same = (as: string): Rule => ({ does: 'same', as })
const passed = (why: string): Rule => ({ does: 'passed', why })
const refused = (why: string): Rule => ({ does: 'refused', why })

const noGss = 'GSSAPI is not spoken here'
const noOauth = refused('OAuth is not spoken here. Log in with a password or a certificate.')
const noKeys = refused('a login with the keys of SCRAM is not done here. Give the password.')

const ofLibpq: Record<string, Rule> = {
  host: read,
  hostaddr: read,
  port: read,
  dbname: read,
  user: read,
  password: read,
  passfile: read,
  require_auth: read,
  channel_binding: oneOf('disable', 'prefer', 'require'),
  connect_timeout: read,
  client_encoding: only(
    /^(utf-?8|unicode|auto)$/i,
    'SQL is sent as UTF-8. Write client_encoding=UTF8, or leave it out.',
  ),
  options: read,
  application_name: passed('the names of sessions are what migrators and gates know one another by'),
  fallback_application_name: passed('the names of sessions are what migrators and gates know one another by'),
  keepalives: oneOf('0', '1'),
  keepalives_idle: read,
  keepalives_interval: read,
  keepalives_count: read,
  tcp_user_timeout: only(
    /^0*$/,
    "it cannot be set on this side. The server's own is set with options=-c tcp_user_timeout=MILLISECONDS; on this side keepalives_idle, keepalives_interval and keepalives_count can be set.",
  ),
  replication: only(
    /^(false|off|no|0)$/i,
    'a connection for replication runs no migrations and answers no queries. Leave it out.',
  ),
  gssencmode: only(/^(disable|prefer)$/, `${noGss}. Leave it out, and use TLS (sslmode).`),
  sslmode: oneOf(...sslModes),
  requiressl: oneOf('0', '1'),
  sslnegotiation: oneOf('postgres', 'direct'),
  sslcompression: only(/^0$/, 'TLS is never compressed here. Leave it out.'),
  sslcert: read,
  sslkey: read,
  sslkeylogfile: refused('the keys of TLS are never written down here. Leave it out.'),
  sslpassword: read,
  sslcertmode: only(
    /^(allow|disable)$/,
    'whether the server asked for a certificate cannot be known here. Have it asked for in pg_hba.conf (clientcert=verify-full), and leave sslcertmode=require out.',
  ),
  sslrootcert: read,
  sslcrl: read,
  sslcrldir: read,
  sslsni: only(/^1$/, "the host's name is always sent with TLS. Name the host by its address, or leave it out."),
  requirepeer: refused('who owns the server of a Unix socket cannot be known here. Leave it out, or use TLS.'),
  ssl_min_protocol_version: oneOf(...tlsVersions),
  ssl_max_protocol_version: oneOf(...tlsVersions),
  min_protocol_version: only(/^3\.0$/, 'protocol 3.0 is spoken. Write min_protocol_version=3.0, or leave it out.'),
  max_protocol_version: only(/^(3\.0|3\.2|latest)$/, 'it must be 3.0, 3.2 or latest.'),
  krbsrvname: passed(noGss),
  gsslib: passed(noGss),
  gssdelegation: passed(noGss),
  scram_client_key: noKeys,
  scram_server_key: noKeys,
  service: refused('service files are not read. Write the address into the URL.'),
  servicefile: refused('service files are not read. Write the address into the URL.'),
  target_session_attrs: oneOf(...sessionAttributes),
  load_balance_hosts: oneOf('disable', 'random'),
  oauth_issuer: noOauth,
  oauth_client_id: noOauth,
  oauth_client_secret: noOauth,
  oauth_scope: noOauth,
}

const settings = [
  ...[
    'timezone',
    'datestyle',
    'intervalstyle',
    'client_min_messages',
    'extra_float_digits',
    'bytea_output',
    'work_mem',
  ],
  ...[
    'maintenance_work_mem',
    'role',
    'standard_conforming_strings',
    'default_tablespace',
    'default_table_access_method',
  ],
  ...['default_toast_compression', 'default_transaction_isolation', 'default_transaction_read_only', 'row_security'],
  ...['default_transaction_deferrable', 'session_replication_role', 'check_function_bodies', 'synchronous_commit'],
  ...['lc_messages', 'lc_monetary', 'lc_numeric', 'lc_time', 'geqo', 'jit', 'plan_cache_mode', 'temp_tablespaces'],
]

const ofSessions: Record<string, Rule> = {
  ...Object.fromEntries(settings.map(name => [name, setting(name)])),
  statement_timeout: limit('say it with --statement-timeout (SCHEMAGATE_STATEMENT_TIMEOUT), or in the file'),
  lock_timeout: limit('say it with --lock-timeout (SCHEMAGATE_LOCK_TIMEOUT), or in the file'),
  idle_in_transaction_session_timeout: limit('leave it out'),
  idle_session_timeout: limit('leave it out'),
  transaction_timeout: limit('leave it out'),
  search_path: path,
  currentSchema: path,
  schema: path,
  schema_search_path: path,
}

const anotherDriver = 'it is for another driver'
const itsPool = 'it is for the pool or the cache of another driver'

/** By driver or tool, so that a reader finds what is missing. */
const passedOver: readonly (readonly [why: string, names: readonly string[]])[] = [
  // Prisma; what hosts of Postgres write into URLs for it
  [itsPool, ['pgbouncer', 'connection_limit', 'pool_timeout', 'socket_timeout', 'statement_cache_size', 'supa']],
  [itsPool, ['workaround', 'single_use_connections']],
  // pgx
  [itsPool, ['pool_max_conns', 'pool_min_conns', 'pool_min_idle_conns', 'pool_max_conn_lifetime', 'pool_mode']],
  [itsPool, ['pool_max_conn_lifetime_jitter', 'pool_max_conn_idle_time', 'pool_health_check_period']],
  [itsPool, ['statement_cache_capacity', 'description_cache_capacity', 'statement_cache_mode']],
  [anotherDriver, ['default_query_exec_mode', 'min_read_buffer_size', 'prefer_simple_protocol']],
  // lib/pq
  [anotherDriver, ['binary_parameters', 'disable_prepared_binary_result']],
  // JDBC, Flyway, Liquibase
  [itsPool, ['prepareThreshold', 'preparedStatementCacheQueries', 'preparedStatementCacheSizeMiB', 'preferQueryMode']],
  [
    itsPool,
    ['databaseMetadataCacheFields', 'databaseMetadataCacheFieldsMiB', 'defaultRowFetchSize', 'maxResultBuffer'],
  ],
  [anotherDriver, ['ApplicationName', 'assumeMinServerVersion', 'autosave', 'binaryTransfer', 'cleanupSavepoints']],
  [anotherDriver, ['disableColumnSanitiser', 'escapeSyntaxCallMode', 'hostRecheckSeconds', 'logServerErrorDetail']],
  [anotherDriver, ['logUnclosedConnections', 'loggerLevel', 'loggerFile', 'reWriteBatchedInserts', 'stringtype']],
  [
    anotherDriver,
    ['receiveBufferSize', 'sendBufferSize', 'socketTimeout', 'tcpKeepAlive', 'tcpNoDelay', 'unknownLength'],
  ],
  [anotherDriver, ['adaptiveFetch', 'adaptiveFetchMinimum', 'adaptiveFetchMaximum', 'cancelSignalTimeout']],
  // asyncpg, SQLAlchemy, Django, Rails, Ecto, Doctrine
  [itsPool, ['prepared_statement_cache_size', 'max_cached_statement_lifetime', 'max_cacheable_statement_size']],
  [
    itsPool,
    ['pool_size', 'max_overflow', 'pool_recycle', 'pool_pre_ping', 'conn_max_age', 'conn_health_checks', 'pool'],
  ],
  [itsPool, ['min_size', 'max_size', 'checkout_timeout', 'reaping_frequency', 'idle_timeout', 'prepared_statements']],
  [anotherDriver, ['command_timeout', 'async_fallback', 'executemany_mode', 'serverVersion']],
  // postgres.js, node-postgres, sqlx
  [itsPool, ['max', 'min', 'max_lifetime', 'prepare', 'max_pipeline', 'idleTimeoutMillis', 'connectionTimeoutMillis']],
  [itsPool, ['statement-cache-capacity']],
  [anotherDriver, ['fetch_types', 'query_timeout', 'uselibpqcompat', 'binary', 'keepAlive']],
  // golang-migrate: how it locks and cuts files
  [anotherDriver, ['x-multi-statement', 'x-multi-statement-max-size', 'x-lock-strategy', 'x-lock-table']],
]

const ledgerHere = 'the ledger is a table of its own; --schema says in which schema. Leave it out.'
const filesOnly = 'certificates are read from files: sslcert, sslkey, sslrootcert.'

const ofOthers: Record<string, Rule> = {
  ...Object.fromEntries(passedOver.flatMap(([why, names]) => names.map(name => [name, passed(why)]))),
  // read together with sslmode, in sslMode()
  ssl: read,
  keepalives_retries: same('keepalives_count'),
  encoding: same('client_encoding'),
  charset: same('client_encoding'),
  connectTimeout: same('connect_timeout'),
  loginTimeout: same('connect_timeout'),
  channelBinding: same('channel_binding'),
  gssEncMode: same('gssencmode'),
  sslNegotiation: same('sslnegotiation'),
  TimeZone: setting('timezone'),
  DateStyle: setting('datestyle'),
  sslaccept: only(/^accept_invalid_certs$/, 'write sslmode=verify-full, with sslrootcert=FILE or sslrootcert=system.'),
  sslidentity: refused(filesOnly),
  sslinline: only(/^(false|0)$/, filesOnly),
  sslfactory: refused('write sslmode=verify-full, with sslrootcert=FILE or sslrootcert=system.'),
  targetServerType: refused('write target_session_attrs=primary, standby or prefer-standby.'),
  loadBalanceHosts: refused('write load_balance_hosts=random.'),
  'x-migrations-table': refused(ledgerHere),
  'x-migrations-table-quoted': refused(ledgerHere),
  'x-statement-timeout': refused('write --statement-timeout (SCHEMAGATE_STATEMENT_TIMEOUT), or leave it out.'),
}

/** All that is known, by name. */
export const parameters: ReadonlyMap<string, Rule> = new Map(Object.entries({ ...ofOthers, ...ofSessions, ...ofLibpq }))

/**
 * The variables that stand for parameters which a URL leaves out.
 * https://www.postgresql.org/docs/current/libpq-envars.html
 */
export const variables: Readonly<Record<string, string>> = {
  PGHOST: 'host',
  PGHOSTADDR: 'hostaddr',
  PGPORT: 'port',
  PGDATABASE: 'dbname',
  PGUSER: 'user',
  PGPASSFILE: 'passfile',
  PGREQUIREAUTH: 'require_auth',
  PGCHANNELBINDING: 'channel_binding',
  PGSERVICE: 'service',
  PGOPTIONS: 'options',
  PGAPPNAME: 'application_name',
  PGSSLMODE: 'sslmode',
  PGREQUIRESSL: 'requiressl',
  PGSSLNEGOTIATION: 'sslnegotiation',
  PGSSLCOMPRESSION: 'sslcompression',
  PGSSLCERT: 'sslcert',
  PGSSLKEY: 'sslkey',
  PGSSLCERTMODE: 'sslcertmode',
  PGSSLROOTCERT: 'sslrootcert',
  PGSSLCRL: 'sslcrl',
  PGSSLCRLDIR: 'sslcrldir',
  PGSSLSNI: 'sslsni',
  PGREQUIREPEER: 'requirepeer',
  PGSSLMINPROTOCOLVERSION: 'ssl_min_protocol_version',
  PGSSLMAXPROTOCOLVERSION: 'ssl_max_protocol_version',
  PGGSSENCMODE: 'gssencmode',
  PGKRBSRVNAME: 'krbsrvname',
  PGGSSLIB: 'gsslib',
  PGGSSDELEGATION: 'gssdelegation',
  PGCONNECT_TIMEOUT: 'connect_timeout',
  PGCLIENTENCODING: 'client_encoding',
  PGTARGETSESSIONATTRS: 'target_session_attrs',
  PGLOADBALANCEHOSTS: 'load_balance_hosts',
  PGMINPROTOCOLVERSION: 'min_protocol_version',
  PGMAXPROTOCOLVERSION: 'max_protocol_version',
  PGDATESTYLE: 'datestyle',
  PGTZ: 'timezone',
  PGGEQO: 'geqo',
}
