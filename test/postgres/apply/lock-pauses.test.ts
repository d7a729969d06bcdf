// While a migration waits for its locks, the others have the table for most of the time, and the migration gets its turn.

import { expect } from 'vitest'
import { start } from '../../helpers/cli.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { folder } from '../../helpers/migrations.ts'
import { idleInTransaction, migratorSessions } from '../../helpers/session-watch.ts'

/** Another client that wants the table every 50 ms, told at once when it would have to wait; from the first such time on. */
async function probes(database: ScratchDatabase, table: string) {
  const client = await database.connect()
  const blocked: boolean[] = []
  let going = true
  const work = (async () => {
    while (going) {
      // a request that would wait behind the migration's fails with NOWAIT, however slow the machine is
      const free = await client.query(`begin; lock table ${table} in access share mode nowait; commit`).then(
        () => true,
        () => client.query('rollback').then(() => false),
      )
      if (!free || blocked.length > 0) blocked.push(!free)
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  })()
  return {
    async stop() {
      going = false
      await work
      // whole rounds of waiting and pausing: up to the beginning of the last wait
      const last = blocked.findLastIndex((now, i) => now && blocked[i - 1] === false)
      const rounds = blocked.slice(0, last)
      return { count: rounds.length, share: rounds.filter(Boolean).length / rounds.length }
    },
  }
}

test('others are kept waiting for no more than a third of the time, and the migration gets its turn', async ({
  database,
}) => {
  await database.query('create table busy (a int)')
  const dir = await folder({ '0001_alter.sql': 'alter table busy add column b int;' })
  const reader = await idleInTransaction(database, 'select from busy')
  const probing = await probes(database, 'busy')
  const run = start(['up', '--dir', dir, '--lock-timeout', '500ms'], {
    env: { DATABASE_URL: database.url, SCHEMAGATE_ON_FOREIGN_TABLES: 'run' },
  })
  await eventually(() => expect(run.lines.filter(line => line.event === 'clash').length).toBe(4), { timeout: 40_000 })
  const { count, share } = await probing.stop()
  console.log(`others were blocked in ${Math.round(share * 100)} % of ${count} probes while a migration waited`)
  expect(count).toBeGreaterThan(20)
  expect(share).toBeLessThan(1 / 3)
  await reader.client.query('commit')
  const { code, stdout } = await run.ended
  expect(code, stdout).toBe(0)
})

test('a migration gets its turn on a table with short transactions all the time and a long reader that comes and goes', async ({
  database,
}) => {
  await database.query('create table busy (a int)')
  const dir = await folder({ '0001_alter.sql': 'alter table busy add column b int;' })
  let going = true
  const client = async (hold: number, rest: number) => {
    const session = await database.connect()
    while (going) {
      await session.query('begin; insert into busy (a) values (1); select count(*) from busy')
      await new Promise(resolve => setTimeout(resolve, hold))
      await session.query('commit')
      await new Promise(resolve => setTimeout(resolve, rest))
    }
  }
  const clients = [client(1_500, 300), client(5, 1), client(20, 5)]
  const run = start(['up', '--dir', dir, '--lock-timeout', '500ms'], {
    env: { DATABASE_URL: database.url, SCHEMAGATE_ON_FOREIGN_TABLES: 'run' },
  })
  const { code, stdout, lines } = await run.ended
  going = false
  await Promise.all(clients)
  expect(code, stdout).toBe(0)
  console.log(`its turn came after ${lines.filter(line => line.event === 'clash').length} clashes`)
})

/** Releases one lock after another, each when the migration has waited for it for so long: less than its lock timeout. */
async function releaseInTurn(
  database: ScratchDatabase,
  holders: { client: { query(sql: string): unknown } }[],
  ms: number,
) {
  for (const { client } of holders) {
    await eventually(
      async () => {
        const [migrator] = await migratorSessions(database)
        const { rows } = await database.query<{ age: number }>(
          'select extract(epoch from clock_timestamp() - waitstart)::float8 * 1000 as age from pg_locks where pid = $1 and not granted',
          [migrator?.pid],
        )
        expect(rows[0]?.age ?? 0).toBeGreaterThan(ms)
      },
      { timeout: 30_000, interval: 10 },
    )
    await client.query('commit')
  }
}

const three = ['alter table a add x int', 'alter table b add x int', 'alter table c add x int']

test.for([
  ['in one transaction', '0001_three.sql', `${three.join(';\n')};`],
  [
    'as code',
    '0001_three.ts',
    `export async function up({ query }) {\n${three.map(sql => `  await query('${sql}')\n`).join('')}}`,
  ],
] as const)('the lock timeout bounds all waits of an attempt together, %s', async ([, file, text], { database }) => {
  await database.query('create table a (i int); create table b (i int); create table c (i int)')
  const dir = await folder({ [file]: text })
  const holders = []
  for (const table of ['a', 'b', 'c']) holders.push(await idleInTransaction(database, `select from ${table}`))
  const run = start(['up', '--dir', dir, '--lock-timeout', '4s'], {
    env: { DATABASE_URL: database.url, SCHEMAGATE_ON_FOREIGN_TABLES: 'run' },
  })
  await releaseInTurn(database, holders.slice(0, 1), 1_200)
  await eventually(() => expect(run.lines.some(line => line.event === 'clash')).toBe(true), { timeout: 30_000 })
  const clash = run.lines.find(line => line.event === 'clash')
  expect(clash?.msg).toMatch(/its waits for locks added up to more than the lock timeout; rolled back, attempt 2 of 21/)
  expect(clash?.blockers).toEqual([expect.objectContaining({ pid: holders[1]?.pid })])
  run.kill('SIGKILL')
})

test('the waits of CREATE INDEX CONCURRENTLY for other transactions, which block no other session, are bounded one by one', async ({
  database,
}) => {
  await database.query('create table t (a int)')
  const dir = await folder({ '0001_index.sql': 'create index concurrently t_a on t (a);' })
  const writers = [
    await idleInTransaction(database, 'insert into t values (1)'),
    await idleInTransaction(database, 'insert into t values (2)'),
  ]
  const run = start(['up', '--dir', dir, '--lock-timeout', '2s'], {
    env: { DATABASE_URL: database.url, SCHEMAGATE_ON_FOREIGN_TABLES: 'run' },
  })
  await releaseInTurn(database, writers, 1_200)
  const { code, stdout, lines } = await run.ended
  expect(code, stdout).toBe(0)
  expect(lines.filter(line => line.event === 'clash')).toEqual([])
})
