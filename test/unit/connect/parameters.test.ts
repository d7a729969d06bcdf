// Every parameter of a connection string: what it does, or that it is refused, or that it is passed over with a line.

import { expect, test } from 'vitest'
import { parameters, variables } from '../../../gate/postgres/parameters.ts'
import { readTarget } from '../../../gate/postgres/target.ts'

type Env = Readonly<Record<string, string | undefined>>

function read(query: string, env: Env = {}) {
  const problems: string[] = []
  const target = readTarget(`postgres://u:p@h/d?${query}`, env, undefined, problems)
  return { target, problems }
}

/** https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS, of Postgres 18. */
const ofLibpq =
  'host hostaddr port dbname user password passfile require_auth channel_binding connect_timeout client_encoding options application_name fallback_application_name keepalives keepalives_idle keepalives_interval keepalives_count tcp_user_timeout replication gssencmode sslmode requiressl sslnegotiation sslcompression sslcert sslkey sslkeylogfile sslpassword sslcertmode sslrootcert sslcrl sslcrldir sslsni requirepeer ssl_min_protocol_version ssl_max_protocol_version min_protocol_version max_protocol_version krbsrvname gsslib gssdelegation scram_client_key scram_server_key service servicefile target_session_attrs load_balance_hosts oauth_issuer oauth_client_id oauth_client_secret oauth_scope'.split(
    ' ',
  )

/** [what stands in the URL, what the target then has]; `password` and `sslPassword` are looked at besides. */
const does: readonly (readonly [query: string, target: object])[] = [
  ['host=other', { endpoints: [{ host: 'other', port: 5432 }] }],
  ['hostaddr=10.0.0.7', { endpoints: [{ host: '10.0.0.7', name: 'h', port: 5432 }] }],
  ['hostaddr=::1&host=', { endpoints: [{ host: '::1', port: 5432 }] }],
  ['port=6432', { endpoints: [{ host: 'h', port: 6432 }] }],
  ['dbname=other', { database: 'other' }],
  ['user=other', { user: 'other' }],
  ['password=a+b', { password: 'a+b' }],
  ['passfile=/run/pass', { passFile: '/run/pass' }],
  ['require_auth=scram-sha-256', { authentication: { methods: new Set(['scram-sha-256']) } }],
  [
    'require_auth=!password,!md5',
    { authentication: { methods: new Set(['gss', 'sspi', 'scram-sha-256', 'oauth', 'none']) } },
  ],
  ['channel_binding=require', { authentication: { channelBinding: 'require' } }],
  ['channel_binding=disable', { authentication: { channelBinding: 'disable' } }],
  ['channelBinding=require', { authentication: { channelBinding: 'require' } }],
  ['connect_timeout=3', { connectTimeout: 3_000 }],
  ['connectTimeout=3', { connectTimeout: 3_000 }],
  ['loginTimeout=3', { connectTimeout: 3_000 }],
  ['connect_timeout=-1', { connectTimeout: 0 }],
  ['client_encoding=utf8', {}],
  ['encoding=unicode', {}],
  ['charset=UTF-8', {}],
  ['options=-c%20geqo%3Doff', { options: '-c geqo=off' }],
  ['options=-c+geqo%3Doff+-c+TimeZone%3DEtc/GMT+5', { options: '-c geqo=off -c TimeZone=Etc/GMT+5' }],
  ['options[geqo]=off&options[app.x]=a%20b', { options: '-c geqo=off -c app.x=a\\ b' }],
  ['keepalives=0', { keepAlive: { on: false } }],
  ['keepalives_idle=9', { keepAlive: { on: true, idle: 9 } }],
  ['keepalives_interval=8', { keepAlive: { interval: 8 } }],
  ['keepalives_count=7', { keepAlive: { count: 7 } }],
  ['keepalives_retries=7', { keepAlive: { count: 7 } }],
  ['tcp_user_timeout=0', {}],
  ['replication=false', {}],
  ['gssencmode=prefer', {}],
  ['gssEncMode=disable', {}],
  ['sslmode=verify-full', { sslMode: 'verify-full' }],
  ['ssl=true', { sslMode: 'require' }],
  ['ssl=1', { sslMode: 'require' }],
  ['ssl=on', { sslMode: 'require' }],
  ['ssl=no-verify', { sslMode: 'require' }],
  ['ssl=require', { sslMode: 'require' }],
  ['ssl=verify-full', { sslMode: 'verify-full' }],
  ['ssl=false', { sslMode: 'disable' }],
  ['ssl=0', { sslMode: 'disable' }],
  ['ssl=true&sslmode=verify-full', { sslMode: 'verify-full' }],
  ['requiressl=1', { sslMode: 'require' }],
  ['requiressl=0', { sslMode: 'prefer' }],
  ['sslmode=require&sslnegotiation=direct', { sslDirect: true }],
  ['sslNegotiation=postgres', { sslDirect: false }],
  ['sslcompression=0', {}],
  ['sslcert=/c', { sslCert: '/c' }],
  ['sslcert=/c&sslcertmode=disable', { sslCert: false }],
  ['sslcertmode=allow', { sslCert: undefined }],
  ['sslkey=/k', { sslKey: '/k' }],
  ['sslpassword=hush', { sslPassword: 'hush' }],
  ['sslrootcert=/r', { sslRootCert: '/r' }],
  ['sslrootcert=system', { sslRootCert: 'system', sslMode: 'verify-full' }],
  ['sslcrl=/l', { sslCrl: '/l' }],
  ['sslcrldir=/l', { sslCrlDir: '/l' }],
  ['sslsni=1', {}],
  ['ssl_min_protocol_version=TLSv1.3', { sslMinVersion: 'TLSv1.3' }],
  ['ssl_max_protocol_version=TLSv1.2', { sslMaxVersion: 'TLSv1.2' }],
  ['min_protocol_version=3.0', {}],
  ['max_protocol_version=latest', {}],
  ['target_session_attrs=primary', { sessionAttributes: 'primary' }],
  ['load_balance_hosts=random', { shuffled: true }],
  ['sslaccept=accept_invalid_certs', {}],
  ['sslinline=false', {}],
  // other tools' search paths
  ['search_path=app,public', { options: '-c search_path=app,public' }],
  ['search_path=%22$user%22,%20app', { options: '-c search_path="$user",\\ app' }],
  ['currentSchema=app', { options: '-c search_path=app' }],
  ['schema_search_path=app', { options: '-c search_path=app' }],
  ['schema=My%20App', { options: '-c search_path="My\\ App"' }],
  ['schema=public', { options: '-c search_path="public"' }],
  ['search_path=app&schema=app&options=-c%20geqo%3Doff', { options: '-c geqo=off -c search_path=app' }],
]

/** [what stands in the URL, what the problem says] */
const refused: readonly (readonly [query: string, problem: RegExp])[] = [
  ['hostaddr=db', /"db" in hostaddr is not an address/],
  ['hostaddr=10.0.0.1,10.0.0.2', /1 hosts but 2 in hostaddr/],
  ['require_auth=kerberos', /require_auth is "kerberos", but must list some of password, md5/],
  ['require_auth=md5,!password', /either all/],
  ['channel_binding=yes', /channel_binding is "yes", but must be one of disable, prefer, require/],
  ['channel_binding=', /channel_binding is ""/],
  ['channel_binding=require&sslmode=disable', /needs TLS/],
  ['channel_binding=require&ssl=false', /needs TLS/],
  ['connect_timeout=soon', /connect_timeout is "soon"/],
  ['client_encoding=LATIN1', /UTF8/],
  ['encoding=latin1', /UTF8/],
  ['keepalives=maybe', /keepalives is "maybe"/],
  ['keepalives_idle=x', /keepalives_idle is "x"/],
  ['keepalives_interval=x', /keepalives_interval/],
  ['keepalives_count=x', /keepalives_count/],
  ['tcp_user_timeout=500', /options=-c tcp_user_timeout/],
  ['replication=database', /replication in DATABASE_URL/],
  ['gssencmode=require', /GSSAPI/],
  ['sslmode=no-verify', /sslmode is "no-verify"/],
  ['sslmode=', /sslmode is ""/],
  ['sslmode=disable&ssl=true', /ask for require/],
  ['sslmode=prefer&requiressl=1', /ask for require/],
  ['sslmode=disable&sslrootcert=system', /needs TLS/],
  ['ssl=maybe', /ssl is "maybe"/],
  ['requiressl=yes', /requiressl is "yes"/],
  ['sslnegotiation=direct', /needs sslmode=require/],
  ['sslnegotiation=never', /sslnegotiation is "never"/],
  ['sslcompression=1', /never compressed/],
  ['sslkeylogfile=/x', /sslkeylogfile/],
  ['sslcertmode=require', /pg_hba\.conf/],
  ['sslsni=0', /always sent/],
  ['requirepeer=postgres', /Unix socket/],
  ['ssl_min_protocol_version=SSLv3', /TLSv1\.2/],
  ['ssl_min_protocol_version=TLSv1.3&ssl_max_protocol_version=TLSv1.2', /higher/],
  ['ssl_max_protocol_version=4', /ssl_max_protocol_version is "4"/],
  ['min_protocol_version=3.2', /protocol 3\.0/],
  ['max_protocol_version=2', /3\.0, 3\.2 or latest/],
  ['scram_client_key=a', /Give the password/],
  ['scram_server_key=a', /Give the password/],
  ['service=shop', /service files/],
  ['servicefile=/x', /service files/],
  ['target_session_attrs=master', /target_session_attrs is "master"/],
  ['load_balance_hosts=yes', /load_balance_hosts is "yes"/],
  ['oauth_issuer=a', /OAuth/],
  ['oauth_client_id=a', /OAuth/],
  ['oauth_client_secret=a', /OAuth/],
  ['oauth_scope=a', /OAuth/],
  ['search_path=', /search_path in DATABASE_URL is empty/],
  ['search_path=a&schema=b', /two search paths/],
  ['sslmode=require&sslmode=disable', /sslmode twice/],
  // limits that a migrator makes itself
  ['statement_timeout=5000', /--statement-timeout/],
  ['lock_timeout=5000', /--lock-timeout/],
  ['idle_in_transaction_session_timeout=5000', /its own/],
  ['idle_session_timeout=5000', /its own/],
  ['transaction_timeout=5000', /its own/],
  // other drivers'
  ['sslaccept=strict', /verify-full/],
  ['sslidentity=/x.p12', /sslcert/],
  ['sslinline=true', /sslcert/],
  ['sslfactory=org.x', /verify-full/],
  ['targetServerType=primary', /target_session_attrs/],
  ['loadBalanceHosts=true', /load_balance_hosts/],
  ['x-migrations-table=x', /--schema/],
  ['x-migrations-table-quoted=1', /--schema/],
  ['x-statement-timeout=5', /--statement-timeout/],
  // not known
  ['sslmod=require', /unknown parameter sslmod\. Did you mean sslmode\?/],
  ['SSLMODE=require', /Did you mean sslmode\?/],
  ['channel_bindings=require', /Did you mean channel_binding\?/],
  ['serach_path=app', /Did you mean search_path\?/],
  ['shcema=app', /Did you mean schema\?/],
  ['zzzzzzzz=1', /unknown parameter zzzzzzzz\. A setting of the session is written options=-c NAME=VALUE/],
  ['sslmode', /not a connection string/],
]

test.for(does)('%s does what it says', ([query, expected]) => {
  const { target, problems } = read(query)
  expect(problems).toEqual([])
  expect(target?.notes).toEqual([])
  expect({ ...target, password: target?.password, sslPassword: target?.sslPassword }).toMatchObject(expected)
})

test.for(refused)('%s is refused', ([query, problem]) => {
  const { target, problems } = read(query)
  expect(target).toBeUndefined()
  expect(problems).toEqual([expect.stringMatching(problem)])
})

const of = (kind: string) => [...parameters].flatMap(([name, rule]) => (rule.does === kind ? [name] : []))

test.for(of('setting'))('%s is a setting of the session', name => {
  expect(read(`${name}=a%5Cb`)).toMatchObject({ problems: [], target: { options: `-c ${name.toLowerCase()}=a\\\\b` } })
})

test.for(of('passed'))('%s is passed over with a line in the log', name => {
  const { target, problems } = read(`${name}=1`)
  expect(problems).toEqual([])
  expect(target?.notes).toEqual([expect.stringMatching(`^${name} in DATABASE_URL is passed over: .+\\.$`)])
  expect({ ...target, notes: [] }).toEqual({ ...read('').target })
})

test('this table has every parameter of libpq and every other that is known', () => {
  const tested = new Set([...does, ...refused].flatMap(([query]) => query.split('&').map(part => part.split('=')[0]!)))
  for (const kind of ['setting', 'passed']) for (const name of of(kind)) tested.add(name)
  expect([...parameters.keys()].filter(name => !tested.has(name))).toEqual([])
  expect(ofLibpq.filter(name => !parameters.has(name))).toEqual([])
})

/** https://www.postgresql.org/docs/current/libpq-envars.html; PGSERVICEFILE and PGSYSCONFDIR say nothing without PGSERVICE. */
const libpqVariables =
  'PGHOST PGHOSTADDR PGPORT PGDATABASE PGUSER PGPASSFILE PGREQUIREAUTH PGCHANNELBINDING PGSERVICE PGOPTIONS PGAPPNAME PGSSLMODE PGREQUIRESSL PGSSLNEGOTIATION PGSSLCOMPRESSION PGSSLCERT PGSSLKEY PGSSLCERTMODE PGSSLROOTCERT PGSSLCRL PGSSLCRLDIR PGSSLSNI PGREQUIREPEER PGSSLMINPROTOCOLVERSION PGSSLMAXPROTOCOLVERSION PGGSSENCMODE PGKRBSRVNAME PGGSSLIB PGGSSDELEGATION PGCONNECT_TIMEOUT PGCLIENTENCODING PGTARGETSESSIONATTRS PGLOADBALANCEHOSTS PGMINPROTOCOLVERSION PGMAXPROTOCOLVERSION PGDATESTYLE PGTZ PGGEQO'.split(
    ' ',
  )

test("each of libpq's variables stands for a parameter", () => {
  expect(Object.keys(variables).toSorted()).toEqual(libpqVariables.toSorted())
  for (const name of Object.values(variables)) expect(parameters.has(name), name).toBe(true)
})

test.for([
  [{ PGREQUIRESSL: '1' }, { sslMode: 'require' }],
  [{ PGREQUIRESSL: '1', PGSSLMODE: 'disable' }, { sslMode: 'disable' }],
  [{ PGCHANNELBINDING: 'require' }, { authentication: { channelBinding: 'require' } }],
  [{ PGHOSTADDR: '10.0.0.7' }, { endpoints: [{ host: '10.0.0.7', name: 'h' }] }],
  [
    { PGSSLCERT: '/c', PGSSLKEY: '/k' },
    { sslCert: '/c', sslKey: '/k' },
  ],
  [{ PGOPTIONS: '-c geqo=off', PGTZ: 'UTC' }, { options: '-c timezone=UTC -c geqo=off' }],
  [{ PGCONNECT_TIMEOUT: '3' }, { connectTimeout: 3_000 }],
  [{ PGPASSFILE: '/p' }, { passFile: '/p' }],
  [{ PGAPPNAME: 'cron' }, { notes: [expect.stringContaining('PGAPPNAME is passed over')] }],
] as const)('%o fills in what the URL leaves out', ([env, expected]) => {
  expect(read('', env)).toMatchObject({ problems: [], target: expected })
})

test('a variable that cannot be followed is a problem, unless the URL says it otherwise', () => {
  const problem = (env: Env) => read('', env).problems.join()
  expect(problem({ PGSERVICE: 'shop' })).toContain('PGSERVICE: service files are not read')
  expect(problem({ PGREQUIREPEER: 'postgres' })).toContain('PGREQUIREPEER')
  expect(problem({ PGCLIENTENCODING: 'LATIN1' })).toContain('PGCLIENTENCODING')
  expect(problem({ PGSSLMODE: 'disable', PGCHANNELBINDING: 'require' })).toContain('needs TLS')
  expect(read('client_encoding=UTF8', { PGCLIENTENCODING: 'LATIN1' }).problems).toEqual([])
  for (const query of ['ssl=false', 'requiressl=0', 'sslmode=prefer'])
    expect(read(query, { PGREQUIRESSL: '1', PGSSLMODE: 'require' }).target?.sslMode, query).toMatch(/disable|prefer/)
})

test.for([
  'postgresql+psycopg://u:p@h/d',
  'postgresql+asyncpg://u:p@h/d',
  'postgres+pg8000://u:p@h/d',
  'pgx5://u:p@h/d',
  'pgx://u:p@h/d',
  'postgis://u:p@h/d',
  'jdbc:postgresql://h/d?user=u&password=p',
])('%s is an address of Postgres', url => {
  const problems: string[] = []
  const target = readTarget(url, {}, undefined, problems)
  expect(problems).toEqual([])
  expect({ ...target, password: target?.password }).toMatchObject({
    ...{ user: 'u', password: 'p', database: 'd' },
    endpoints: [{ host: 'h', port: 5432 }],
  })
})

test.for([
  ['prisma://accelerate.example/?api_key=hush', /Prisma's \(prisma:\/\/\).*direct connection/],
  ['prisma+postgres://localhost/?api_key=hush', /Prisma's/],
  ['mysql://u:hush@h/d', /another kind \(mysql:\)/],
  ['sqlite:hush.db', /another kind \(sqlite:\)/],
  ['host=h user=u password=hush', /keyword=value/],
  ["'postgres://u:hush@h/d'", /It stands in quotes, which are a part of it here: remove them/],
  ['jdbc:postgresql:hush', /not a connection string/],
  ['postgres://u:12?hush=x@h/d', /not a connection string/],
] as const)('%s is not, and is told as what it is', ([url, message]) => {
  const problems: string[] = []
  expect(readTarget(url, {}, undefined, problems)).toBeUndefined()
  expect(problems).toEqual([expect.stringMatching(message)])
  expect(problems.join()).not.toContain('hush')
})
