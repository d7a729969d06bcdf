// What of a file is sent, and how: the up part and nothing else; in a transaction wherever the server takes it in one.

import { beforeAll, describe, expect } from 'vitest'
import { createMigrator } from '../../../migrator/index.ts'
import { loadParser } from '../../../migrator/sql/parse.ts'
import { planSql } from '../../../migrator/sql/steps.ts'
import { test } from '../../helpers/database.ts'
import { folder } from '../../helpers/migrations.ts'
import { tcpProxy } from '../../helpers/tcp-proxy.ts'

beforeAll(loadParser)

/** One statement of every kind that has, or seems to have, to do with transactions. */
const statements = [
  'create index on t (id)',
  'create index concurrently on t (id)',
  'create unique index concurrently if not exists i2 on t (id)',
  'drop index i',
  'drop index concurrently i',
  'drop index concurrently if exists none',
  'reindex index i',
  'reindex index concurrently i',
  'reindex (concurrently) table t',
  'reindex (concurrently false) table t',
  'reindex table t',
  'reindex schema public',
  'reindex (verbose) database DATABASE',
  'vacuum',
  'vacuum full t',
  'analyze',
  'analyze t',
  'cluster t using i',
  'cluster',
  'alter system set work_mem = default',
  'alter system reset work_mem',
  'create database other_db',
  'drop database if exists none',
  'alter database DATABASE set work_mem = default',
  'alter database DATABASE set tablespace pg_default',
  "create tablespace ts location '/nowhere'",
  'drop tablespace if exists ts',
  'alter table p detach partition p1',
  'alter table p detach partition p1 concurrently',
  'alter table p detach partition p1 finalize',
  'alter type e add value if not exists $$b$$',
  'discard all',
  'discard temp',
  'create subscription s connection $$dbname=none$$ publication p with (connect = false)',
  'create subscription s connection $$dbname=none$$ publication p',
  'drop subscription there',
  'truncate t',
  'lock table t in access exclusive mode',
  'refresh materialized view m',
  'refresh materialized view concurrently m',
  'set session characteristics as transaction read only',
  'prepare q as select 1',
  'do $$ begin perform 1; end $$',
  'checkpoint',
  'listen x',
  'load $$plpgsql$$',
  'create table "concurrently" (vacuum int, "begin" int)',
  "comment on table t is 'create index concurrently; vacuum; begin'",
]

test('a statement is run outside of a transaction exactly where the server refuses it inside of one', async ({
  database,
}) => {
  const client = await database.connect()
  await client.query(`
    create type e as enum ('a');
    create table t (id int primary key);
    create index i on t (id);
    alter table t cluster on i;
    create table p (id int) partition by range (id);
    create table p1 partition of p for values from (0) to (1);
    create materialized view m as select id from t;
    create unique index on m (id);
    create subscription there connection 'dbname=none' publication p with (connect = false)`)
  const wrong: string[] = []
  let refused = 0
  for (const statement of statements) {
    const sql = statement.replace('DATABASE', database.name)
    await client.query('begin')
    const code = await client.query(sql).then(
      () => undefined,
      error => error.code,
    )
    await client.query('rollback')
    const forbidden = code === '25001'
    refused += Number(forbidden)
    const plan = planSql(sql, true)
    // DISCARD ALL is left out, since it would let the run lock go
    const alone = plan?.transaction === false
    if (alone !== forbidden) wrong.push(`${sql}: the server says ${code}, the plan ${JSON.stringify(plan)}`)
  }
  // a database with a subscription that has a slot cannot be dropped
  await client.query('alter subscription there set (slot_name = none); drop subscription there')
  expect(wrong).toEqual([])
  expect(refused).toBeGreaterThan(15)
})

describe('what is sent', () => {
  test('is the up part as it is written, in one message, and nothing of the down part', async ({ database }) => {
    const proxy = await tcpProxy(database.url)
    const up = `\n\ncreate table a (id int); -- é "x" 'y'\n/* $$ */ insert into a values (1)\n`
    const dir = await folder({ '1_a.sql': `-- about\n-- migrate:up${up}-- migrate:down\ndrop table a; -- never\n` })
    expect(await createMigrator({ databaseUrl: proxy.url(database.url), dir }).up()).toMatchObject({ exitCode: 0 })
    const sent = proxy.messages.flatMap(({ sql }) => sql ?? [])
    expect(sent.filter(sql => sql.includes('create table a'))).toHaveLength(1)
    const message = sent.find(sql => sql.includes('create table a'))!
    expect(message).toContain(up.trim())
    expect(message).toMatch(/^begin\b.*\bcall "schemagate"\.record_applied\(.*commit$/s)
    expect(sent.join('\n')).not.toMatch(/drop table a|never|migrate:down/)
  })

  test('is each step by itself where a statement forbids a transaction, though no mark says so', async ({
    database,
  }) => {
    const proxy = await tcpProxy(database.url)
    const dir = await folder({
      '1_a.sql': 'create table a (id int);\ncreate index concurrently a_id on a (id);\ninsert into a values (1);\n',
      '2_b.down.sql': 'drop index concurrently a_id2;',
      '2_b.up.sql': 'create index concurrently a_id2 on a (id);',
    })
    const migrator = createMigrator({ databaseUrl: proxy.url(database.url), dir })
    expect(await migrator.up()).toMatchObject({ exitCode: 0 })
    const sent = proxy.messages.flatMap(({ sql }) => sql?.trim() ?? [])
    expect(sent.filter(sql => sql === 'create index concurrently a_id on a (id)')).toHaveLength(1)
    for (const step of ['create table a', 'insert into a values'])
      expect(sent.filter(sql => sql.startsWith('begin') && sql.includes(step) && sql.endsWith('commit'))).toHaveLength(
        1,
      )
    expect(await migrator.down({ confirmed: true })).toMatchObject({ exitCode: 0, outcome: 'reverted' })
    expect((await database.query(`select relname from pg_class where relname like 'a\\_id%'`)).rows).toEqual([
      { relname: 'a_id' },
    ])
  })
})
