// A migration that takes long shows how far it is: on a terminal with a line that moves, elsewhere with a line each ten seconds.

import pg from 'pg'
import { expect } from 'vitest'
import { start } from '../../helpers/cli.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { folder } from '../../helpers/migrations.ts'
import { noPgbouncer, pgbouncer, pgbouncerPath } from '../../helpers/pgbouncer.ts'
import { idleInTransaction } from '../../helpers/session-watch.ts'
import { hasTerminal, noTerminal, startOnTerminal } from '../../helpers/terminal.ts'

/**
 * A table of a few blocks, and a function that stops at its 600th row until the test has unlocked the number that
 * `app.gate` says.
 */
const gates = `
create table t (a int primary key, b text);
insert into t select i, repeat('x', 50) from generate_series(1, 1000) i;
analyze t;
create function gate(a int) returns int language plpgsql immutable as $$ begin
  if a = 600 and current_setting('app.gate', true) <> '' then
    while not pg_try_advisory_lock_shared(current_setting('app.gate')::int) loop perform pg_sleep(0.01); end loop;
    perform pg_advisory_unlock_shared(current_setting('app.gate')::int);
  end if;
  return a;
end $$;`

const env = ({ url }: ScratchDatabase, more: Readonly<Record<string, string>> = {}) => ({
  env: { DATABASE_URL: url, SCHEMAGATE_ON_FOREIGN_TABLES: 'run', ...more },
})

/** Closes the gates of these numbers; each is opened by itself. */
async function closeGates(database: ScratchDatabase, count: number): Promise<(gate: number) => Promise<unknown>> {
  await database.query(gates)
  const holder = await database.connect()
  await holder.query('select pg_advisory_lock(i) from generate_series(1, $1) i', [count])
  return gate => holder.query('select pg_advisory_unlock($1)', [gate])
}

/** Has a pooler in transaction mode open so many connections to the server, of which a client then has one after another. */
async function openServers(url: string, count: number): Promise<void> {
  const clients = Array.from({ length: count }, () => new pg.Client({ connectionString: url }))
  await Promise.all(clients.map(client => client.connect()))
  await Promise.all(clients.map(client => client.query('begin')))
  await Promise.all(clients.map(client => client.query('rollback').then(() => client.end())))
}

const patient = { timeout: 20_000 }

test('a terminal has one line that moves, in the words of the server, and nothing of it stays', async ({
  database,
  skip,
}) => {
  if (!hasTerminal) skip(noTerminal)
  const steps = [
    [
      'create index concurrently t_gate on t (gate(a))',
      /building index: scanning table, \d+ %; CREATE INDEX CONCURRENTLY t_gate on t/,
    ],
    ['reindex index t_gate', /building index: scanning table, \d+ %; REINDEX t_gate on t/],
    ['cluster t using t_pkey', /rebuilding index; CLUSTER t using/],
    ['vacuum full t', /rebuilding index; VACUUM FULL t/],
    ['analyze t', /computing statistics; ANALYZE t/],
    ['insert into copied values (600)', /waiting \(Timeout: PgSleep\); one of \d+ statements|insert into copied/],
  ] as const
  const openGate = await closeGates(database, steps.length)
  const sql = steps.map(([statement], i) => `set app.gate = '${i + 1}';\n${statement};`)
  const dir = await folder({ '0001_long.sql': sql.join('\n') })
  await database.query('create table copied (a int, b int generated always as (gate(a)) stored)')
  const run = startOnTerminal(['up', '--dir', dir], 120, env(database))
  for (const [i, [, words]] of steps.entries()) {
    await eventually(() => expect(run.output.split('\r\u001B[K').at(-1)).toMatch(words), patient)
    await openGate(i + 1)
  }
  const { code, output } = await run.ended
  expect(code, output).toBe(0)
  const frames = output.split('\r\u001B[K')
  expect(frames.filter(frame => /^0001_long: .* s; step \d of \d; /.test(frame)).length).toBeGreaterThan(10)
  // what stays on the screen: the lines of the log, each whole
  const lines = output
    .trim()
    .split('\r\n')
    .map(line => line.split('\r\u001B[K').at(-1))
  for (const line of lines) expect(line).toMatch(/^\[\d\d:\d\d:\d\d\.\d{3}\]/)
  expect(lines.join('\n')).not.toContain('%')
  for (const frame of frames)
    expect(frame.split('\r\n')[0]!.length).toBeLessThan(frame.startsWith('0001') ? 120 : 1_000)
})

test('in the pause before the next attempt no statement is said to be under way', async ({ database, skip }) => {
  if (!hasTerminal) skip(noTerminal)
  await database.query('create table busy (a int)')
  const holder = await idleInTransaction(database, 'select count(*) from busy')
  const dir = await folder({ '0001_alter.sql': 'alter table busy add column b int;' })
  const run = startOnTerminal(['up', '--dir', dir, '--lock-timeout', '600ms'], 120, env(database))
  await eventually(() => expect(run.output).toMatch(/0001_alter: [\d.]+ s; between statements/), patient)
  await holder.client.query('rollback')
  const { code, output } = await run.ended
  expect(code, output).toBe(0)
  expect(output).not.toMatch(/between statements; /)
})

test('a phase tells how long the rest of it takes', async ({ database, skip }) => {
  if (!hasTerminal) skip(noTerminal)
  await database.query(`create table v as select i, repeat('x', 500) as x from generate_series(1, 600) i`)
  await database.query('delete from v where i % 2 = 0')
  // four tenths of a second for each of forty pages that VACUUM changes
  const slow = 'set vacuum_cost_delay = 100;\nset vacuum_cost_limit = 1;\n'
  const dir = await folder({ '0001_long.sql': `${slow}vacuum v;\n` })
  const run = startOnTerminal(['up', '--dir', dir], 120, env(database))
  await eventually(() => expect(run.output).toMatch(/scanning heap, \d+ %, about \d s left; VACUUM v\b/), patient)
  const { code, output } = await run.ended
  expect(code, output).toBe(0)
})

test('elsewhere a line comes after ten seconds: as JSON with figures, for people in words, also behind a pooler', async ({
  createDatabase,
  skip,
}) => {
  if (!pgbouncerPath) skip(noPgbouncer)
  const index = 'create index t_gate on t (gate(a));'
  // more than the server reads ahead of the gate
  const rows = Array.from({ length: 40_000 }, (_, i) => i + 1).join('\n')
  const copy = `create table copied (a int, b int generated always as (gate(a)) stored);\ncopy copied (a) from stdin;\n${rows}\n\\.\n`
  const ofGate = { PGOPTIONS: '-c app.gate=1' }

  const [indexing, copying, pooled] = await Promise.all([createDatabase(), createDatabase(), createDatabase()])
  const gates = await Promise.all([indexing, copying, pooled].map(database => closeGates(database, 1)))
  const pooler = await pgbouncer(pooled.url, { poolSize: 9, settings: { server_round_robin: 1 } })
  await openServers(pooler.url(pooled.url), 8)
  const up = async (sql: string, options: ReturnType<typeof env>) =>
    start(['up', '--dir', await folder({ '0001_long.sql': sql })], options)
  const runs = [
    await up(index, env(indexing, ofGate)),
    await up(copy, env(copying, ofGate)),
    await up(
      `set local app.gate = '1';\n${index}`,
      env(pooled, { DATABASE_URL: pooler.url(pooled.url), LOG_FORMAT: 'pretty' }),
    ),
  ] as const

  const words = /INFO: 0001_long: 1\d s; building index: scanning table, \d+ %; CREATE INDEX on t\n/
  await eventually(() => {
    for (const run of [runs[0], runs[1]])
      expect(run.lines.filter(line => line.event === 'progress').length).toBeGreaterThan(0)
    expect(runs[2].output).toMatch(words)
  }, patient)
  for (const openGate of gates) await openGate(1)
  for (const run of runs) expect((await run.ended).code, run.output).toBe(0)

  const [indexed, copied] = runs.map(run => run.lines.find(line => line.event === 'progress'))
  expect(indexed).toEqual({
    level: 'info',
    time: expect.any(String),
    event: 'progress',
    migration: '0001_long',
    elapsedMs: expect.any(Number),
    // the index has no name for others before its transaction is committed
    statement: 'create index t_gate on t (gate(a))',
    phase: 'building index: scanning table',
    percent: expect.any(Number),
    msg: expect.stringMatching(/^0001_long: 1\d s; building index: scanning table, \d+ %; create index t_gate on t/),
  })
  expect(indexed?.elapsedMs).toBeGreaterThanOrEqual(10_000)
  // it stands at the 600th of a thousand rows
  expect(Math.round(Number(indexed?.percent) / 10)).toBeOneOf([5, 6])

  expect(copied).toMatchObject({ statement: 'copy copied (a) from stdin', phase: 'copying' })
  expect(copied?.percent).toBeGreaterThan(5)
  expect(copied?.percent).toBeLessThan(70)
  expect(copied?.rows).toBeLessThan(1_000)

  // for people the message says it all
  expect(runs[2].output).not.toMatch(/elapsedMs|percent:/)
})
