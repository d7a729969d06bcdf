// Limits that are meant for apps do not hit the migrator, wherever they are set; what a migration sets itself is told as that.

import { expect } from 'vitest'
import { schemagate } from '../../helpers/cli.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { folder } from '../../helpers/migrations.ts'
import { nothingLeft } from '../../helpers/session-watch.ts'

/** Each ends what lasts longer than this; the migrations below last longer. */
const short = '300ms'
const limits = [
  'statement_timeout',
  'transaction_timeout',
  'idle_session_timeout',
  'idle_in_transaction_session_timeout',
]

/** Those that this server knows. */
async function known(database: ScratchDatabase): Promise<string[]> {
  const { rows } = await database.query<{ name: string }>('select name from pg_settings where name = any($1)', [limits])
  return rows.map(row => row.name)
}

const slowFiles = {
  '0001_slow.sql': 'create table slow (a int);\nselect pg_sleep(0.2);\nselect pg_sleep(0.2);\n',
  '0002_steps.sql':
    'select pg_sleep(0.4);\ncreate index concurrently slow_a on slow (a);\nselect pg_sleep(0.2); select pg_sleep(0.2);\n',
  '0003_code.ts':
    "export async function up({ query }) {\n  await query('select 1')\n  await new Promise(done => setTimeout(done, 700))\n  await query('insert into slow values (3)')\n}\n",
  '0004_loose.ts':
    "// migrate:up transaction:false\nexport async function up({ query }) {\n  await query('select 1')\n  await new Promise(done => setTimeout(done, 700))\n  await query('insert into slow values (4)')\n}\n",
  '0005_last.sql': 'select pg_sleep(0.4); insert into slow values (5);\n',
}

test.for(['the database', 'the role'] as const)('no limit of %s ends a migration', async (where, { database }) => {
  const owner = database.role('owner')
  await database.query(`create role ${owner} login password 'owner'; grant create on database ${database.name} to ${owner};
    grant create on schema public to ${owner}`)
  const target = where === 'the role' ? `role ${owner}` : `database ${database.name}`
  for (const name of await known(database)) await database.query(`alter ${target} set ${name} = '${short}'`)
  const env = { DATABASE_URL: database.urlFor(owner, 'owner') }
  const dir = await folder(slowFiles)
  const result = await schemagate(['up', '--dir', dir], { env })
  expect(result.code, result.stdout).toBe(0)
  expect(result.lines.filter(line => line.level === 'warn')).toEqual([])
  for (const command of ['status', 'check']) expect((await schemagate([command, '--dir', dir], { env })).code).toBe(0)
  expect((await database.query('select a from slow order by a')).rows.map(row => row.a)).toEqual([3, 4, 5])
})

test('every session of the migrator has its settings, also after a migration has reset them', async ({ database }) => {
  const record = (n: number) =>
    `insert into seen select ${n}, name, setting from pg_settings where name ~ '^(tcp_|client_connection_check|.*_timeout$)';`
  const dir = await folder({
    '0001_seen.sql': `create table seen (n int, name text, setting text); ${record(1)}`,
    '0002_resets.sql': "reset all; set statement_timeout = '1h'; set idle_in_transaction_session_timeout = '1h';",
    '0003_transaction.sql': record(3),
    '0004_steps.sql': `-- migrate:up transaction:false\n${record(4)}`,
    '0005_code.ts': `export const up = ({ query }) => query(${JSON.stringify(record(5))})`,
    '0006_loose.ts': `// migrate:up transaction:false\nexport const up = ({ query }) => query(${JSON.stringify(record(6))})`,
  })
  const result = await schemagate(['up', '--dir', dir, '--statement-timeout', '10m'], {
    env: { DATABASE_URL: database.url },
  })
  expect(result.code, result.stdout).toBe(0)
  const all: Record<string, string> = {
    statement_timeout: '600000',
    lock_timeout: '2000',
    transaction_timeout: '0',
    idle_session_timeout: '20000',
    idle_in_transaction_session_timeout: '20000',
    tcp_keepalives_idle: '5',
    tcp_keepalives_interval: '5',
    tcp_keepalives_count: '3',
    tcp_user_timeout: '18000',
    client_connection_check_interval: '500',
  }
  const { rows } = await database.query<{ name: string }>('select name from pg_settings where name = any($1)', [
    Object.keys(all),
  ])
  const expected = Object.fromEntries(rows.map(({ name }) => [name, all[name]]))
  for (const n of [1, 3, 4, 5, 6]) {
    const { rows: seen } = await database.query('select name, setting from seen where n = $1 and name = any($2)', [
      n,
      Object.keys(all),
    ])
    expect(Object.fromEntries(seen.map(({ name, setting }) => [name, setting])), `migration ${n}`).toEqual(expected)
  }
})

test('a server that refuses a setting is migrated without it, and the log says so once', async ({ database }) => {
  // the function is replaced by one that refuses as a provider's own check would
  await database.query(`alter function pg_catalog.set_config(text, text, boolean) rename to set_config_of_the_server;
    create function pg_catalog.set_config(text, text, boolean) returns text language plpgsql as $$
    begin
      if $1 in ('tcp_user_timeout', 'client_connection_check_interval') then
        raise insufficient_privilege using message = 'permission denied to set parameter "' || $1 || '"';
      end if;
      return pg_catalog.set_config_of_the_server($1, $2, $3);
    end $$`)
  const dir = await folder({
    '0001_t.sql': "create table t as select current_setting('tcp_keepalives_idle') as idle;",
    '0002_steps.sql': 'create index concurrently t_idle on t (idle); select pg_sleep(1.2);',
  })
  const result = await schemagate(['up', '--dir', dir], { env: { DATABASE_URL: database.url } })
  expect(result.code, result.stdout).toBe(0)
  expect((await database.query('select idle from t')).rows).toEqual([{ idle: '5' }])
  const said = result.lines.filter(line => line.event === 'settings').map(line => line.msg)
  expect(said).toEqual([
    expect.stringMatching(/tcp_user_timeout \(permission denied.*client_connection_check_interval/),
  ])
})

test('a limit that a migration sets itself is told as that, once', async ({ createDatabase }) => {
  const own = (setting: string, transaction: boolean) =>
    `${transaction ? '' : '// migrate:up transaction:false\n'}export async function up({ query }) {
      await query("set ${setting} = '200ms'")
      await new Promise(done => setTimeout(done, 900))
      await query('select 1')
    }`
  const cases: [string, string, Record<string, string>][] = [
    ['transaction_timeout', '25P04', { '0001_own.sql': "set transaction_timeout = '200ms'; select pg_sleep(5);" }],
    ['transaction_timeout', '25P04', { '0001_own.ts': own('transaction_timeout', true) }],
    ['idle_session_timeout', '57P05', { '0001_own.ts': own('idle_session_timeout', false) }],
  ]
  for (const [setting, code, files] of cases) {
    const database = await createDatabase()
    if (!(await known(database)).includes(setting)) continue
    const result = await schemagate(['up', '--dir', await folder(files)], { env: { DATABASE_URL: database.url } })
    expect(result.code, result.stdout).toBe(5)
    const error = result.lines.find(line => line.level === 'error')
    expect(error?.msg, setting).toMatch(new RegExp(`${code}.*the migration itself.*take that SET out`, 's'))
    expect(result.lines.filter(line => line.level === 'warn').length, result.stdout).toBeLessThan(2)
    await nothingLeft(database)
  }
})
