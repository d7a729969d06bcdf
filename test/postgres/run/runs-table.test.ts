// The table `runs`: one row for each run that did or tried something, and never the reason for another exit code.

import { expect } from 'vitest'
import { schemagate, start } from '../../helpers/cli.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { folder, write } from '../../helpers/migrations.ts'

const runsOf = async (database: ScratchDatabase) =>
  (
    await database.query(
      'select command, outcome, exit_code as code, applied, ended_at is not null as ended, error from schemagate.runs order by started_at',
    )
  ).rows

test('each run that did or tried something has its row, with when, by whom and what came of it', async ({
  database,
}) => {
  const dir = await folder({ '1_a.sql': 'create table a ();', '2_b.sql': 'create table b ();' })
  const options = { env: { DATABASE_URL: database.url, SCHEMAGATE_DIR: dir } }
  const up = () => schemagate(['up'], options)
  expect((await up()).code).toBe(0)
  expect((await up()).code).toBe(0)
  await write(dir, {
    '3_c.sql': "-- migrate:up\nselect 'postgres://app:not-for-logs@db/x'::int;\n-- migrate:down\nselect 1;",
  })
  expect((await up()).code).toBe(5)
  await write(dir, { '3_c.sql': 'create table c ();\n-- migrate:down\ndrop table c;' })
  await write(dir, { '2_b.sql': 'create table bb ();' })
  expect((await up()).code).toBe(6)
  await schemagate(['repair', '--accept-edited', '2_b'], options)
  expect((await schemagate(['down'], options)).code).toBe(8)

  const rows = await runsOf(database)
  expect(rows).toMatchObject([
    { command: 'up', outcome: 'applied', code: 0, applied: 2, ended: true, error: null },
    { command: 'up', outcome: 'failed', code: 5, applied: 0, ended: true },
    { command: 'up', outcome: 'failed', code: 6, applied: 0, ended: true },
    { command: 'repair', outcome: 'done', code: 0, ended: true, error: null },
    { command: 'down', outcome: 'failed', code: 8, ended: true },
  ])
  expect(rows[1]?.error).toContain('3_c failed at 3_c.sql:2:8')
  expect(rows[1]?.error).not.toContain('not-for-logs')
  const { rows: who } = await database.query(
    `select bool_and(ended_at >= started_at and started_at > now() - interval '5 minutes') as times, max(run_by) as by,
       bool_and(application ~ '^schemagate migrator ' and host <> '' and tool_version <> '') as origin from schemagate.runs`,
  )
  expect(who).toEqual([{ times: true, by: 'postgres', origin: true }])
})

test('one whose migration ended its own connection again and again is recorded with that', async ({ database }) => {
  const ends = "export const up = ({ query }) => query('select pg_terminate_backend(pg_backend_pid())')\n"
  const dir = await folder({ '1_a.sql': 'create table a ();', '2_b.mjs': ends })
  expect((await schemagate(['up'], { env: { DATABASE_URL: database.url, SCHEMAGATE_DIR: dir } })).code).toBe(5)
  expect(await runsOf(database)).toMatchObject([
    {
      outcome: 'failed',
      code: 5,
      applied: 1,
      ended: true,
      error: expect.stringContaining('lost its connection 11 times'),
    },
  ])
})

test('a run that is killed leaves a row without an end, and the next one that works marks it as interrupted', async ({
  database,
}) => {
  const dir = await folder({ '1_a.sql': 'create table a (); select pg_sleep(60);' })
  const options = { env: { DATABASE_URL: database.url, SCHEMAGATE_DIR: dir } }
  const run = start(['up'], options)
  await eventually(async () =>
    expect(await runsOf(database)).toMatchObject([{ outcome: 'running', code: null, ended: false }]),
  )
  run.kill('SIGKILL')
  await run.ended
  await write(dir, { '1_a.sql': 'create table a ();' })
  expect((await schemagate(['up'], options)).code).toBe(0)
  expect(await runsOf(database)).toMatchObject([
    { outcome: 'interrupted', code: null, ended: false },
    { outcome: 'applied', code: 0, applied: 1, ended: true },
  ])
})

test('a run that is told to stop says so in its row', async ({ database }) => {
  const dir = await folder({ '1_a.sql': 'create table a (); select pg_sleep(60);' })
  const run = start(['up'], { env: { DATABASE_URL: database.url, SCHEMAGATE_DIR: dir } })
  await eventually(async () => {
    const { rows } = await database.query(
      "select from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()",
    )
    expect(rows).toHaveLength(1)
  })
  run.kill('SIGTERM')
  expect((await run.ended).code).toBe(143)
  expect(await runsOf(database)).toMatchObject([{ outcome: 'interrupted', code: 143, ended: true }])
})

test('a row that cannot be written changes no exit code and hides no error', async ({ database }) => {
  const dir = await folder({ '1_a.sql': 'create table a ();' })
  const options = { env: { DATABASE_URL: database.url, SCHEMAGATE_DIR: dir } }
  expect((await schemagate(['up'], options)).code).toBe(0)
  await database.query(`create function refuse() returns trigger language plpgsql as $$ begin raise 'no runs here'; end $$;
    create trigger refuse before insert or update on schemagate.runs for each row execute function refuse()`)
  await write(dir, { '2_b.sql': 'create table b ();' })
  const good = await schemagate(['up'], options)
  expect(good.code, good.stdout).toBe(0)
  expect(good.stdout).toContain('could not write to the table runs: no runs here')
  await write(dir, { '3_c.sql': 'select 1/0;' })
  const bad = await schemagate(['up'], options)
  expect(bad.code).toBe(5)
  expect(bad.stdout).toContain('division by zero')
})
