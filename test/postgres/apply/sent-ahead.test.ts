// A migration is sent while the server is at work on the one before it, and is run only if that one has committed.

import { describe, expect } from 'vitest'
import { readTarget } from '../../../gate/postgres/target.ts'
import { silent } from '../../../migrator/log.ts'
import { Session } from '../../../migrator/postgres/session.ts'
import { schemagate, start } from '../../helpers/cli.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { folder, write } from '../../helpers/migrations.ts'
import { tcpProxy } from '../../helpers/tcp-proxy.ts'

/** What a sequence gives is not given back by a rollback: it tells how often the file was begun. */
const counted = "select nextval('begun'); create table second ();"

/** Ends when the test lets go of the lock. */
const waits = 'select pg_advisory_xact_lock(7); create table first ();'

async function begun(database: ScratchDatabase): Promise<number> {
  const { rows } = await database.query<{ times: number }>(
    'select case when is_called then last_value::int else 0 end as times from begun',
  )
  return rows[0]!.times
}

function statuses({ lines }: { lines: readonly { [field: string]: unknown }[] }): Record<string, unknown> {
  const migrations = lines.at(-1)?.migrations as { name: string; status: string }[]
  return Object.fromEntries(migrations.map(({ name, status }) => [name, status]))
}

/** An `up` behind a proxy; `onSecond` is awaited before the second migration goes on to the server. */
async function upWith(database: ScratchDatabase, dir: string, onSecond: () => Promise<void>, ...args: string[]) {
  const proxy = await tcpProxy(database.url, {
    onMessage: async ({ sql }) => {
      if (sql?.includes('create table second')) await onSecond()
      return undefined
    },
  })
  const env = { DATABASE_URL: proxy.url(database.url), SCHEMAGATE_ON_FOREIGN_TABLES: 'run' }
  return { proxy, run: start(['up', '--dir', dir, ...args], { env }) }
}

test('a migration is sent before the one in front of it has ended', async ({ database }) => {
  await database.query('create sequence begun')
  const holder = await database.connect()
  await holder.query('select pg_advisory_lock(7)')
  const dir = await folder({ '1_first.sql': waits, '2_second.sql': counted })
  const release = async () => {
    await holder.query('select pg_advisory_unlock(7)')
  }
  const { run } = await upWith(database, dir, release, '--lock-timeout', '20s', '--lock-retries', '0')
  const result = await run.ended
  expect(result.code, result.stdout).toBe(0)
  expect(await begun(database)).toBe(1)
})

test('nothing is sent past a message that waits itself, as for the answer to a heartbeat', async ({ database }) => {
  const target = readTarget(database.url, {}, undefined, [])!
  const { signal } = new AbortController()
  const session = await Session.open({ target, timeout: 10_000, signal, log: silent, applicationName: 'test' })
  const answered = session.query('select pg_sleep(0.2)')
  const first = session.script('create temp table first ()')
  const second = session.scriptBehind(first, 'insert into first default values')
  await Promise.all([answered, first.done, second.done])
  expect([first.tags, second.tags]).toEqual([['CREATE TABLE'], ['INSERT 0 1']])
  session.close()
})

describe('nothing of it is run where the one in front', () => {
  for (const [what, sql] of [
    ['fails', 'create table first (); select 1/0;'],
    ['cannot be parsed', 'create table first (); selec 1;'],
    [
      'fails at its commit',
      'create table first (id int references parent deferrable initially deferred); insert into first values (1);',
    ],
    ['is cancelled', 'create table first (); select pg_cancel_backend(pg_backend_pid()); select pg_sleep(10);'],
  ] as const)
    test(what, async ({ database }) => {
      await database.query('create sequence begun; create table parent (id int primary key)')
      const dir = await folder({ '1_first.sql': sql, '2_second.sql': counted })
      const env = { DATABASE_URL: database.url, SCHEMAGATE_ON_FOREIGN_TABLES: 'run' }
      const failed = await schemagate(['up', '--dir', dir], { env })
      expect(failed.code, failed.stdout).not.toBe(0)
      expect(statuses(failed)).toEqual({ '1_first': 'failed', '2_second': 'not-reached' })
      expect(failed.stdout).not.toContain('no transaction in progress')
      expect(failed.stderr).toBe('')
      expect(await begun(database)).toBe(0)
      await write(dir, { '1_first.sql': 'create table first ();' })
      const result = await schemagate(['up', '--dir', dir], { env })
      expect(result.code, result.stdout).toBe(0)
      expect(await begun(database)).toBe(1)
    })
})

test('it is run once where the one in front succeeds at its second attempt', async ({ database }) => {
  await database.query('create sequence begun; create table busy ()')
  const holder = await database.connect()
  await holder.query('begin; lock table busy in access exclusive mode')
  const dir = await folder({ '1_first.sql': 'alter table busy add id int;', '2_second.sql': counted })
  const { run } = await upWith(database, dir, async () => {}, '--lock-timeout', '200ms', '--lock-retries', '100')
  await eventually(() => expect(run.lines.map(({ event }) => event)).toContain('clash'), { timeout: 30_000 })
  await holder.query('rollback')
  const result = await run.ended
  expect(result.code, result.stdout).toBe(0)
  expect(statuses(result)).toEqual({ '1_first': 'applied', '2_second': 'applied' })
  expect(await begun(database)).toBe(1)
})

test('nothing is sent behind one whose failure came together with the end of the one before it', async ({
  database,
}) => {
  const holder = await database.connect()
  await holder.query('select pg_advisory_lock(7)')
  const files = {
    '1_first.sql': waits,
    // the server tells only when it runs that this needs steps
    '2_commits.sql': 'create procedure p() language plpgsql as $$ begin commit; end $$; call p();',
    '3_last.sql': 'create table three ();',
  }
  let held = false
  const proxy = await tcpProxy(database.url, {
    onMessage: async ({ sql }) => {
      if (!sql?.includes('create procedure p()') || held) return undefined
      held = true
      // both answers are held, and then given at once
      setTimeout(() => proxy.pause(), 100)
      setTimeout(() => void holder.query('select pg_advisory_unlock(7)'), 200)
      setTimeout(() => proxy.resume(), 600)
      return undefined
    },
  })
  const args = ['up', '--dir', await folder(files), '--lock-timeout', '20s', '--lock-retries', '0']
  const result = await schemagate(args, { env: { DATABASE_URL: proxy.url(database.url) } })
  expect(held).toBe(true)
  expect(result.code, result.stdout).toBe(0)
  expect(statuses(result)).toEqual({ '1_first': 'applied', '2_commits': 'applied', '3_last': 'applied' })
})

test('it is run after one whose statement the server wants outside of a transaction', async ({ database }) => {
  await database.query(`create sequence begun;
    create procedure committing() language plpgsql as $$ begin create table first (); commit; end $$`)
  const dir = await folder({ '1_first.sql': 'call committing();', '2_second.sql': counted })
  const env = { DATABASE_URL: database.url, SCHEMAGATE_ON_FOREIGN_TABLES: 'run' }
  const result = await schemagate(['up', '--dir', dir], { env })
  expect(result.code, result.stdout).toBe(0)
  expect(await begun(database)).toBe(1)
})

test('a run that is told to stop counts what the server had committed by then', async ({ database }) => {
  await database.query('create sequence begun')
  const holder = await database.connect()
  await holder.query('select pg_advisory_lock(7)')
  const dir = await folder({ '1_first.sql': waits, '2_second.sql': counted, '3_third.sql': 'create table third ();' })
  const sent = Promise.withResolvers<void>()
  const { run, proxy } = await upWith(database, dir, async () => sent.resolve(), '--lock-timeout', '20s')
  await sent.promise
  await eventually(async () => {
    const { rows } = await database.query(
      "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
    )
    expect(rows).toHaveLength(1)
  })
  proxy.pause()
  await holder.query('select pg_advisory_unlock(7)')
  await eventually(async () => {
    const { rows } = await database.query<{ there: boolean }>("select to_regclass('second') is not null as there")
    expect(rows).toEqual([{ there: true }])
  })
  const { made } = proxy.connections
  run.kill('SIGTERM')
  // the request to cancel what the server does
  await eventually(() => expect(proxy.connections.made).toBeGreaterThan(made))
  proxy.resume()
  const result = await run.ended
  expect(result.code, result.stdout).toBe(143)
  expect(statuses(result)).toEqual({ '1_first': 'applied', '2_second': 'applied', '3_third': 'not-reached' })
})
