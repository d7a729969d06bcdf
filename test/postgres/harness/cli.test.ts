// How tests run the command-line tool: as a user would, in an environment that says nothing else.

import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, vi } from 'vitest'
import { schemagate, start } from '../../helpers/cli.ts'
import { test } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { folder } from '../../helpers/migrations.ts'

test('a run gives its exit code, its output and its log lines', async ({ database }) => {
  const dir = await folder({ '0001_a.sql': 'create table a (id int);' })
  const run = await schemagate(['up', '--dir', dir], { env: { DATABASE_URL: database.url } })
  expect(run).toMatchObject({ code: 0, signal: null })
  expect(run.lines.at(-1)).toMatchObject({ event: 'run', applied: 1, exitCode: 0 })
  expect((await database.query("select to_regclass('a') is not null as made")).rows).toEqual([{ made: true }])
})

test("nothing of the caller's environment reaches the tool", async ({ database }) => {
  vi.stubEnv('DATABASE_URL', 'postgres://nobody@127.0.0.1:1/nowhere')
  vi.stubEnv('PGHOST', '127.0.0.2')
  vi.stubEnv('SCHEMAGATE_NONSENSE', 'an unknown variable is an error')
  try {
    const dir = await folder({ '0001_a.sql': 'select 1;' })
    const flags = ['--dir', dir, '--database-url', database.url, '--format', 'json']
    const { code, stdout } = await schemagate(['status', ...flags])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ state: 'empty', database: { name: database.name } })
  } finally {
    vi.unstubAllEnvs()
  }
})

test('a run can be watched and killed in the middle', async ({ database }) => {
  const dir = await folder({ '0001_slow.sql': 'select pg_sleep(600);' })
  const run = start(['up', '--dir', dir], { env: { DATABASE_URL: database.url } })
  const asleep = "select 1 from pg_stat_activity where datname = $1 and wait_event = 'PgSleep'"
  await eventually(async () => expect((await database.query(asleep, [database.name])).rowCount).toBe(1))
  run.kill('SIGKILL')
  expect(await run.ended).toMatchObject({ code: null, signal: 'SIGKILL' })
})

test('a run that takes too long is killed, and fails the test', async ({ database }) => {
  const dir = await folder({ '0001_slow.sql': 'select pg_sleep(600);' })
  const run = start(['up', '--dir', dir], { env: { DATABASE_URL: database.url }, timeout: 1_000 })
  await expect(run.ended).rejects.toThrow('did not end within 1000 ms')
  expect(run.child.signalCode).toBe('SIGKILL')
})

let leftBehind = ''

test('a folder of migrations has the files it was given, in folders of their own', async () => {
  leftBehind = await folder({ 'one/up.sql': 'select 1;', 'two.sql': 'select 2;' })
  await access(join(leftBehind, 'one/up.sql'))
})

test('and is gone after the test', async () => {
  expect(leftBehind).not.toBe('')
  await expect(access(leftBehind)).rejects.toMatchObject({ code: 'ENOENT' })
})

test('eventually waits for what becomes true, and reports the last failure of what does not', async () => {
  let asked = 0
  expect(await eventually(() => (++asked < 3 ? Promise.reject(new Error('not yet')) : asked))).toBe(3)
  const never = () => {
    throw new Error(`asked ${++asked} times`)
  }
  await expect(eventually(never, { timeout: 100, interval: 10 })).rejects.toThrow(
    /still so after 100 ms[\s\S]*asked \d+ times/,
  )
})
