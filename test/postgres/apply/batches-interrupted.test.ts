// `context.batch` that is interrupted, and that leaves room for others: kills at random moments, signals, pauses, replicas.

import pg from 'pg'
import { expect, onTestFinished } from 'vitest'
import { schemagate, start } from '../../helpers/cli.ts'
import { test } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { long, seed } from '../../helpers/kill-run.ts'
import { folder } from '../../helpers/migrations.ts'
import { ask, preparedData, replicaPair } from '../../helpers/replication.ts'
import { ownServer } from '../../helpers/server.ts'
import { tcpProxy, type Verdict } from '../../helpers/tcp-proxy.ts'

const rows = 600
const table = `create table t (id int primary key, a int default 0, b int default 0); insert into t select generate_series(1, ${rows})`

/** Two passes, one by `set` and one by a function; each batch takes long enough to be killed in. */
const passes = `// migrate:up transaction:false
export async function up({ batch }) {
  await batch({ table: 't', key: 'id', size: 20, set: 'a = a + 1 + coalesce(length(pg_sleep(0.001)::text), 0)' })
  await batch({ table: 't', key: 'id', size: 20, name: 'second' }, async ({ query, from, to }) => {
    await query('update t set b = b + 1 where id between $1 and $2', [from[0], to[0]])
    await query('select pg_sleep(0.005)')
  })
}
`

const onTables = { SCHEMAGATE_ON_FOREIGN_TABLES: 'run' }

/** A sequence of numbers from 0 to 1 that a seed repeats. */
function random(from: number): () => number {
  let state = from
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return state / 2_147_483_648
  }
}

test(`each row is done once, however often the run is killed (seed ${seed})`, { timeout: 600_000 }, async ({
  database,
}) => {
  const next = random(seed)
  const done = async () => (await database.query<{ n: number }>('select sum(a + b)::int as n from t')).rows[0]!.n
  for (let round = 0; round < (long ? 30 : 1); round++) {
    await database.query(`drop schema if exists schemagate cascade; drop table if exists t; ${table}`)
    const dir = await folder({ '0001.mjs': passes })
    const env = { DATABASE_URL: database.url, ...onTables }
    let kills = 0
    for (;;) {
      const target = (await done()) + Math.ceil(next() * 300)
      const run = start(['up', '--dir', dir], { env })
      let isOver = false
      const ended = run.ended.finally(() => {
        isOver = true
      })
      // at a moment of chance after some rows are done, unless it ends before
      await eventually(async () => expect(isOver || (await done()) >= target).toBe(true), {
        timeout: 30_000,
        interval: 1,
      })
      run.kill('SIGKILL')
      const { code, stdout } = await ended
      if (code === 0) break
      expect(code, stdout).toBe(null)
      kills++
      expect(kills, 'a run that is killed makes no headway').toBeLessThan(60)
    }
    const all = await database.query('select a, b, count(*)::int from t group by 1, 2')
    expect(all.rows).toEqual([{ a: 1, b: 1, count: rows }])
    expect(kills, 'no run was killed').toBeGreaterThan(0)
    expect(await schemagate(['check', '--dir', dir], { env })).toMatchObject({ code: 0 })
  }
})

test('a signal ends it after the batches that are committed, and the next run goes on from there', async ({
  database,
}) => {
  await database.query(table)
  const dir = await folder({ '0001.mjs': passes })
  const env = { DATABASE_URL: database.url, ...onTables }
  const run = start(['up', '--dir', dir], { env })
  await eventually(async () => {
    const { rows } = await database.query('select from t where a = 1')
    expect(rows.length).toBeGreaterThan(0)
  })
  run.kill('SIGTERM')
  expect((await run.ended).code).toBe(143)
  const { rows: done } = await database.query<{ n: number }>('select count(*)::int as n from t where a = 1')
  expect(done[0]!.n % 20).toBe(0)
  const again = await schemagate(['up', '--dir', dir], { env: { ...env, LOG_FORMAT: 'pretty' } })
  expect(again.code, again.stdout).toBe(0)
  expect(again.stdout).toContain(`${done[0]!.n} rows of public.t are done; going on behind them`)
  // the message says it all
  expect(again.stdout).not.toMatch(/^ +(batch|rows):/m)
  const { rows: all } = await database.query('select a, b, count(*)::int from t group by 1, 2')
  expect(all).toEqual([{ a: 1, b: 1, count: rows }])
})

for (const verdict of ['cut-before', 'cut-after', 'cut-after-answer'] as const satisfies readonly Verdict[])
  test(`a connection that is lost over a batch's commit (${verdict}) does no row twice and leaves none out`, async ({
    database,
  }) => {
    await database.query(table)
    const dir = await folder({ '0001.mjs': passes })
    let commits = 0
    const proxy = await tcpProxy(database.url, {
      // of `set` the change and its commit are one message, of a function the commit is one of its own
      onMessage: ({ sql }) =>
        sql?.includes('"batches"') === true || sql?.includes("'batches'") === true
          ? ++commits % 13 === 5
            ? verdict
            : 'forward'
          : 'forward',
    })
    const env = { DATABASE_URL: proxy.url(database.url), ...onTables }
    const { code, stdout } = await schemagate(['up', '--dir', dir], { env })
    expect(code, stdout).toBe(0)
    // it was cut several times, in both passes
    expect(commits).toBeGreaterThanOrEqual((2 * rows) / 20)
    expect(proxy.connections.made).toBeGreaterThan(4)
    const { rows: all } = await database.query('select a, b, count(*)::int from t group by 1, 2')
    expect(all).toEqual([{ a: 1, b: 1, count: rows }])
  })

test('a pause stands between two batches, and none before the first', async ({ database }) => {
  await database.query(`${table}; create table at (moment timestamptz default clock_timestamp())`)
  const body = `await batch({ table: 't', key: 'id', size: ${rows / 3}, pause: '150ms' }, ({ query }) => query('insert into at default values'))`
  const dir = await folder({
    '0001.mjs': `// migrate:up transaction:false\nexport async function up({ batch }) { ${body} }`,
  })
  const { code, stdout } = await schemagate(['up', '--dir', dir], { env: { DATABASE_URL: database.url, ...onTables } })
  expect(code, stdout).toBe(0)
  const gaps = await database.query<{ ms: number }>(
    'select extract(epoch from moment - lag(moment) over (order by moment)) * 1000 as ms from at order by moment offset 1',
  )
  expect(gaps.rows).toHaveLength(2)
  for (const { ms } of gaps.rows) expect(Number(ms)).toBeGreaterThanOrEqual(149)
})

test('no batch begins while a standby is further behind than it may', { timeout: 120_000 }, async () => {
  const { primary, standby, caughtUp } = await replicaPair(
    await preparedData(async server => void (await ask(server, table))),
  )
  await caughtUp()
  const dir = await folder({
    '0001.mjs': `// migrate:up transaction:false
export async function up({ batch }) { await batch({ table: 't', key: 'id', size: 20, pause: 50, maxLag: '300ms', set: 'a = a + 1' }) }`,
  })
  await ask(standby, 'select pg_wal_replay_pause()')
  const run = start(['up', '--dir', dir], { env: { DATABASE_URL: primary.url, ...onTables } })
  await eventually(
    async () =>
      expect(run.output).toContain('its next batch waits for replicas that are more than 300 ms behind: standby'),
    { timeout: 30_000 },
  )
  const [held] = await ask<{ n: number }>(primary, 'select count(*)::int as n from t where a = 1')
  expect(held!.n).toBeLessThan(rows)
  await ask(standby, 'select pg_wal_replay_resume()')
  expect(await run.ended).toMatchObject({ code: 0 })
  await caughtUp()
  const [done] = await ask<{ n: number }>(standby, 'select count(*)::int as n from t where a = 1')
  expect(done!.n).toBe(rows)
})

test('what archives WAL and replays none is no replica to wait for', async () => {
  const server = await ownServer()
  await ask(server, table)
  const archiver = new pg.Client(`${server.url}?replication=true`)
  archiver.on('error', () => {})
  onTestFinished(() => void archiver.connection.stream.destroy())
  await archiver.connect()
  const [at] = await ask<{ lsn: string }>(server, 'select pg_current_wal_flush_lsn() as lsn')
  archiver.query(`START_REPLICATION PHYSICAL ${at!.lsn}`).catch(() => {})
  await eventually(async () =>
    expect(await ask(server, 'select state, replay_lsn from pg_stat_replication')).toEqual([
      { state: 'streaming', replay_lsn: null },
    ]),
  )
  const dir = await folder({
    '0001.mjs': `// migrate:up transaction:false
export async function up({ batch }) { await batch({ table: 't', key: 'id', size: 20, maxLag: '10ms', set: 'a = a + 1' }) }`,
  })
  const result = await schemagate(['up', '--dir', dir], { env: { DATABASE_URL: server.url, ...onTables } })
  expect(result.code, result.stdout).toBe(0)
})

test('what another migrator has finished in between is skipped', async ({ database }) => {
  await database.query(table)
  const dir = await folder({
    '0001.mjs': `// migrate:up transaction:false
export async function up({ batch }) { await batch({ table: 't', key: 'id', size: 400, pause: '2s', set: 'a = a + 1' }) }`,
  })
  const run = start(['up', '--dir', dir], { env: { DATABASE_URL: database.url, ...onTables } })
  const finished = `update schemagate.ledger set state = 'applied', journal = null, run_id = gen_random_uuid() where journal->'batches' <> '{}'`
  await eventually(async () => expect((await database.query(finished)).rowCount).toBe(1), { timeout: 30_000 })
  const { code, lines, stdout } = await run.ended
  expect(code, stdout).toBe(0)
  expect(lines.at(-1)).toMatchObject({ outcome: 'nothing-to-do', skipped: 1 })
})
