// Migrations that cannot run in a transaction: whatever an interruption leaves behind, the next `up` puts it right.

import { expect } from 'vitest'
import { type CliResult, type RunningCli, schemagate, start } from '../../helpers/cli.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { indexesOf, indexOid } from '../../helpers/indexes.ts'
import { folder } from '../../helpers/migrations.ts'
import { idleInTransaction, nothingLeft, untilItRuns, untilItWaits } from '../../helpers/session-watch.ts'
import { tcpProxy } from '../../helpers/tcp-proxy.ts'

const table =
  'create table t (id int primary key, a int, b text); insert into t select i, i % 7, i::text from generate_series(1, 500) i'

function up(database: ScratchDatabase, dir: string, ...args: string[]): Promise<CliResult> {
  return schemagate(['up', '--dir', dir, ...args], {
    env: { DATABASE_URL: database.url, SCHEMAGATE_ON_FOREIGN_TABLES: 'run' },
  })
}

function startUp(database: ScratchDatabase, dir: string): RunningCli {
  return start(['up', '--dir', dir, '--lock-timeout', '2m'], {
    env: { DATABASE_URL: database.url, SCHEMAGATE_ON_FOREIGN_TABLES: 'run' },
  })
}

async function ledger(database: ScratchDatabase) {
  const { rows } = await database.query('select name, state, journal from schemagate.ledger order by position')
  return rows
}

const messages = (result: CliResult, event: string) =>
  result.lines.filter(line => line.event === event).map(line => line.msg)

/** Kills a run outright while a statement of its waits for a client's transaction; then that client goes. */
async function killWhileWaiting(
  database: ScratchDatabase,
  dir: string,
  statement: RegExp,
  holds: string,
): Promise<void> {
  const holder = await idleInTransaction(database, holds)
  const run = startUp(database, dir)
  await untilItWaits(database, await untilItRuns(database, statement))
  run.kill('SIGKILL')
  await run.ended
  // the server notices by itself, although the statement still waits
  await nothingLeft(database, 10_000)
  await holder.client.query('rollback')
}

test('an INVALID index that a killed CREATE INDEX CONCURRENTLY left is dropped and built again', async ({
  database,
}) => {
  await database.query(table)
  const dir = await folder({ '0001_index.sql': 'create index concurrently t_a on t (a);' })
  await killWhileWaiting(database, dir, /create index/, 'update t set a = 0 where id = 1')
  expect(await indexesOf(database, 't')).toContainEqual({ name: 't_a', valid: false })
  expect(await ledger(database)).toMatchObject([{ name: '0001_index', state: 'running' }])
  const result = await up(database, dir)
  expect(result.code, result.stdout).toBe(0)
  expect(messages(result, 'leftovers')).toEqual([expect.stringMatching(/dropped the INVALID index .*t_a/)])
  expect(await indexesOf(database, 't')).toEqual([
    { name: 't_a', valid: true },
    { name: 't_pkey', valid: true },
  ])
  expect(await ledger(database)).toEqual([{ name: '0001_index', state: 'applied', journal: null }])
})

test('an INVALID index without a name of its own is recognised, dropped and built again', async ({ database }) => {
  await database.query(`${table}; create index on t (a)`)
  const dir = await folder({ '0001_index.sql': 'create index concurrently on t (a);' })
  await killWhileWaiting(database, dir, /create index/, 'update t set a = 0 where id = 1')
  expect(await indexesOf(database, 't')).toContainEqual({ name: 't_a_idx1', valid: false })
  const result = await up(database, dir)
  expect(result.code, result.stdout).toBe(0)
  expect(await indexesOf(database, 't')).toEqual([
    { name: 't_a_idx', valid: true },
    { name: 't_a_idx1', valid: true },
    { name: 't_pkey', valid: true },
  ])
})

test("REINDEX CONCURRENTLY's leftover copies are dropped, and it is done again", async ({ database }) => {
  await database.query(`${table}; create index t_a on t (a); create index t_b on t (b)`)
  const dir = await folder({ '0001_reindex.sql': 'reindex table concurrently t;' })
  await killWhileWaiting(database, dir, /reindex/, 'update t set a = 0 where id = 1')
  expect((await indexesOf(database, 't')).some(({ name, valid }) => name.endsWith('_ccnew') && !valid)).toBe(true)
  const result = await up(database, dir)
  expect(result.code, result.stdout).toBe(0)
  expect(messages(result, 'leftovers').join()).toMatch(/_ccnew/)
  expect(await indexesOf(database, 't')).toEqual([
    { name: 't_a', valid: true },
    { name: 't_b', valid: true },
    { name: 't_pkey', valid: true },
  ])
})

test('an index half-way dropped is dropped', async ({ database }) => {
  await database.query(`${table}; create index t_a on t (a)`)
  const dir = await folder({ '0001_drop.sql': 'drop index concurrently t_a;' })
  await killWhileWaiting(database, dir, /drop index/, 'select count(*) from t')
  expect(await indexesOf(database, 't')).toContainEqual({ name: 't_a', valid: false })
  const result = await up(database, dir)
  expect(result.code, result.stdout).toBe(0)
  expect(await indexesOf(database, 't')).toEqual([{ name: 't_pkey', valid: true }])
})

test('a statement that failed is not taken for done by the next run, although what it drops is not there', async ({
  database,
}) => {
  await database.query(table)
  for (const sql of ['drop index concurrently t_a;', 'drop database not_there;', 'drop subscription not_there;']) {
    const dir = await folder({ '0001_drop.sql': sql })
    for (const time of ['first', 'second']) expect((await up(database, dir)).code, `${sql} ${time}`).toBe(5)
    expect(await ledger(database)).toEqual([])
  }
})

test('DETACH PARTITION CONCURRENTLY that was interrupted half-way is finalised', async ({ database }) => {
  await database.query(
    'create table p (k int) partition by range (k); create table p1 partition of p for values from (0) to (10)',
  )
  const dir = await folder({ '0001_detach.sql': 'alter table p detach partition p1 concurrently;' })
  await killWhileWaiting(database, dir, /detach/, 'select count(*) from p')
  const detaching = () => database.query('select inhdetachpending as pending from pg_inherits')
  expect((await detaching()).rows).toEqual([{ pending: true }])
  const result = await up(database, dir)
  expect(result.code, result.stdout).toBe(0)
  expect(messages(result, 'leftovers')).toEqual([expect.stringContaining('finalised')])
  expect((await detaching()).rows).toEqual([])
})

test('an index that the server finished after the run was cut off is not built twice', async ({ database }) => {
  await database.query(table)
  const dir = await folder({
    '0001_named.sql': 'create index concurrently t_a on t (a);',
    '0002_unnamed.sql': 'create index concurrently on t (b);',
  })
  for (const [statement, name] of [
    ['create index concurrently t_a', 't_a'],
    ['create index concurrently on t', 't_b_idx'],
  ] as const) {
    let run: RunningCli | undefined
    const proxy = await tcpProxy(database.url, {
      onMessage: ({ sql }) => {
        if (!sql?.startsWith(statement)) return 'forward'
        // the answer is that it is done, and it is lost
        run?.kill('SIGKILL')
        return 'cut-after-answer'
      },
    })
    run = start(['up', '--dir', dir], {
      env: { DATABASE_URL: proxy.url(database.url), SCHEMAGATE_ON_FOREIGN_TABLES: 'run' },
    })
    await run.ended
    await proxy.close()
    await eventually(async () => expect(await indexesOf(database, 't')).toContainEqual({ name, valid: true }))
    const built = await indexOid(database, name)
    const result = await up(database, dir, '--to', name === 't_a' ? '0001_named' : '0002_unnamed')
    expect(result.code, result.stdout).toBe(0)
    expect(messages(result, 'leftovers')).toEqual([expect.stringMatching(/finished before; not built again/)])
    expect(await indexOid(database, name)).toBe(built)
  }
  expect(await indexesOf(database, 't')).toEqual(['t_a', 't_b_idx', 't_pkey'].map(name => ({ name, valid: true })))
})

test('a database that CREATE DATABASE made without anybody hearing of it is not made twice', async ({
  admin,
  database,
}) => {
  const made = `${database.name}_made`
  const dir = await folder({ '0001_database.sql': `create database ${made} template template0;` })
  try {
    const proxy = await tcpProxy(database.url, {
      onMessage: ({ sql }) => (sql?.startsWith('create database') ? 'cut-after-answer' : 'forward'),
    })
    const result = await schemagate(['up', '--dir', dir], {
      env: { DATABASE_URL: proxy.url(database.url), SCHEMAGATE_ON_FOREIGN_TABLES: 'run' },
    })
    expect(result.code, result.stdout).toBe(0)
    expect(messages(result, 'leftovers')).toEqual([expect.stringContaining(`${made} was made before`)])
  } finally {
    await admin.query(`drop database if exists ${made}`)
  }
})

test('CREATE INDEX CONCURRENTLY IF NOT EXISTS does not take an INVALID index of that name for its own', async ({
  database,
}) => {
  await database.query(table)
  const client = await database.connect()
  await expect(client.query('create unique index concurrently t_a on t (a)')).rejects.toThrow(
    'could not create unique index',
  )
  expect(await indexesOf(database, 't')).toContainEqual({ name: 't_a', valid: false })
  const result = await up(
    database,
    await folder({ '0001_index.sql': 'create index concurrently if not exists t_a on t (a);' }),
  )
  expect(result.code, result.stdout).toBe(0)
  expect(await indexesOf(database, 't')).toEqual(['t_a', 't_pkey'].map(name => ({ name, valid: true })))
})

test('a unique index that cannot be built leaves no INVALID index, with or without a name, and the next run builds it', async ({
  createDatabase,
}) => {
  for (const [sql, name] of [
    ['create unique index concurrently t_a on t (a);', 't_a'],
    ['create unique index concurrently on t (a);', 't_a_idx'],
  ] as const) {
    const database = await createDatabase()
    await database.query(table)
    const dir = await folder({ '0001_unique.sql': sql })
    const failed = await up(database, dir)
    expect(failed.code, failed.stdout).toBe(5)
    expect(failed.lines.find(line => line.level === 'error')?.msg).toMatch(
      /0001_unique failed.*23505.*Nothing of 0001_unique/s,
    )
    expect(await indexesOf(database, 't')).toEqual([{ name: 't_pkey', valid: true }])
    expect(await ledger(database)).toEqual([])
    await database.query('update t set a = id')
    expect((await up(database, dir)).code).toBe(0)
    expect(await indexesOf(database, 't')).toEqual([name, 't_pkey'].map(index => ({ name: index, valid: true })))
  }
})

test('an INVALID index that cannot be dropped yet is remembered, and put right by the next run', async ({
  createDatabase,
}) => {
  for (const [sql, name] of [
    ['create index concurrently t_a on t (a);', 't_a'],
    ['create index concurrently on t (a);', 't_a_idx'],
  ] as const) {
    const database = await createDatabase()
    await database.query(table)
    const dir = await folder({ '0001_index.sql': sql })
    // a writer that does not end: neither can the index be built, nor what is left of it be dropped
    const writer = await idleInTransaction(database, 'update t set a = 0 where id = 1')
    const failed = await up(database, dir, '--lock-timeout', '300ms', '--lock-retries', '1')
    expect(failed.code, failed.stdout).toBe(10)
    expect(failed.lines.find(line => line.level === 'error')?.msg).toContain(`pid ${writer.pid} `)
    expect(await indexesOf(database, 't')).toEqual([
      { name, valid: false },
      { name: 't_pkey', valid: true },
    ])
    expect(await ledger(database)).toMatchObject([{ name: '0001_index', state: 'running' }])
    await writer.client.query('commit')
    const result = await up(database, dir)
    expect(result.code, result.stdout).toBe(0)
    expect(await indexesOf(database, 't')).toEqual([name, 't_pkey'].map(index => ({ name: index, valid: true })))
    expect(await ledger(database)).toEqual([{ name: '0001_index', state: 'applied', journal: null }])
  }
})
