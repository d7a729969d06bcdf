// None of the operators and functions in schemagate's own statements is one that a stranger in `public` could take.

import { expect } from 'vitest'
import { schemagate } from '../../helpers/cli.ts'
import { test } from '../../helpers/database.ts'
import { folder, write } from '../../helpers/migrations.ts'
import { strangers } from '../../helpers/strangers.ts'

test("operators and functions of strangers in public are none of schemagate's", { timeout: 300_000 }, async ({
  database,
}) => {
  await database.query(strangers)
  const dir = await folder({
    '1_a.sql': '-- migrate:up\ncreate table a (id int primary key, n int);\n-- migrate:down\ndrop table a;',
    '2_b.sql': 'create index concurrently b on a (id);\n-- migrate:down\ndrop index concurrently b;',
    'R__v.sql': 'create or replace view v as select 1 as one;',
  })
  const env = {
    ...{ DATABASE_URL: database.url, SCHEMAGATE_DIR: dir },
    ...{ SCHEMAGATE_APP_ROLE: database.role('app'), SCHEMAGATE_APP_PASSWORD: 'secret' },
  }
  const failed: string[] = []
  const ended = async (expected: number, args: string[], others = {}) => {
    const { code, stdout, stderr } = await schemagate(args, { env: { ...env, ...others } })
    const said = stdout + stderr
    if (code !== expected || said.includes('a stranger')) failed.push(`${args.join(' ')} (${code}): ${said}`)
  }
  const run = (...args: string[]) => ended(0, args)
  for (const verb of ['plan', 'up', 'up', 'check', 'status']) await run(verb)
  await run('verify', '--ignore', 'operator *', '--ignore', 'function *')
  await write(dir, {
    '3_c.ts': `// migrate:up transaction:false
    export async function up({ query, batch }: { query: (sql: string) => Promise<unknown>; batch: (options: object) => Promise<unknown> }) {
      await query('insert into a select pg_catalog.generate_series(1, 30)')
      await batch({ table: 'a', key: 'id', size: 10, set: 'n = 1' })
    }`,
    '4_d.sql': '-- migrate:up\nselect 1;\n-- migrate:down\nselect 1;',
  })
  await run('up')
  await run('down', '--yes')
  await run('baseline', '4_d')
  await write(dir, { '2_b.sql': 'create index concurrently b on a (id);' })
  await run('repair', '--accept-edited', '2_b')
  await write(dir, { '5_e.sql': 'select * from nowhere;' })
  await ended(5, ['up'])
  // tables that something else has made
  await ended(6, ['up', '--schema', 'another'])
  await database.query('alter default privileges grant select on tables to public')
  await ended(5, ['up', '--schema', 'another', '--on-foreign-tables', 'run'])
  await database.query(`create table public.ar_internal_metadata (); create table public.schema_migrations (version varchar);
    insert into public.schema_migrations values ('20240101000000')`)
  const followed = {
    SCHEMAGATE_DIR: await folder({
      'db/migrate/20240101000000_users.rb': 'class Users < ActiveRecord::Migration[8.0]\nend',
    }),
    SCHEMAGATE_SCHEMA: 'followed',
  }
  for (const verb of ['follow', 'follow', 'check', 'status']) await ended(0, [verb, '--follow', 'rails'], followed)
  expect(failed).toEqual([])
})
