// What a file sets for its session ends with the file.

import { expect } from 'vitest'
import { schemagate } from '../../helpers/cli.ts'
import { test } from '../../helpers/database.ts'
import { folder } from '../../helpers/migrations.ts'
import { noPgbouncer, pgbouncer, pgbouncerPath } from '../../helpers/pgbouncer.ts'
import { on, relations } from '../cli/fixtures.ts'

test.skipIf(pgbouncerPath === undefined)(
  `an advisory lock of a file does not stay with a pooler's process${pgbouncerPath ? '' : ` (skipped: ${noPgbouncer})`}`,
  async ({ database }) => {
    const pooler = await pgbouncer(database.url)
    const dir = await folder({ '1_a.sql': 'select pg_advisory_lock(77);' })
    const result = await schemagate(['up', '--dir', dir], { env: { DATABASE_URL: pooler.url(database.url) } })
    expect(result.code, result.stdout).toBe(0)
    const { rows } = await database.query(
      `select pid from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())`,
    )
    expect(rows).toEqual([])
  },
)

test('session settings of a file do not outlive it', async ({ database }) => {
  const role = database.role('owner')
  await database.query(`create role ${role}; grant ${role} to current_user; grant create on schema public to ${role}`)
  const run = on(
    database,
    await folder({
      '1_set.sql': `create schema other; set search_path to other; set role ${role}; set statement_timeout = 1; set session characteristics as transaction isolation level serializable; set local work_mem = '1MB'; reset role;`,
      '2_seen.sql': `create table seen as select current_user::text as who, current_setting('search_path') as path, current_setting('statement_timeout') as timeout, current_setting('transaction_isolation') as isolation;`,
      '3_steps.sql': `-- migrate:up transaction:false\nset search_path to other;\ncreate table in_other (id int);\nset role ${role};\n`,
      '4_seen.sql':
        'insert into seen select current_user, current_setting($$search_path$$), current_setting($$statement_timeout$$), current_setting($$transaction_isolation$$);',
      '5_code.mjs':
        'export const up = async ({ query }) => { await query("set search_path to other"); await query("create temp table t ()") }',
      '6_seen.sql':
        'insert into seen select current_user, current_setting($$search_path$$), current_setting($$statement_timeout$$), current_setting($$transaction_isolation$$);',
    }),
  )
  const { code, stdout } = await run('up')
  expect(code, stdout).toBe(0)
  const { rows } = await database.query('select distinct * from public.seen')
  expect(rows).toEqual([
    { who: expect.not.stringMatching(role), path: '"$user", public', timeout: '0', isolation: 'read committed' },
  ])
  expect(await relations(database)).toContain('other.in_other')
})
