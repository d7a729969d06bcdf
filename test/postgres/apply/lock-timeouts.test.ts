// A migration never blocks the living for long: it waits for a lock a little, steps back, and says who is in the way.

import { expect } from 'vitest'
import { schemagate, start } from '../../helpers/cli.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { folder } from '../../helpers/migrations.ts'
import { idleInTransaction, nothingLeft, untilItRuns, untilItWaits } from '../../helpers/session-watch.ts'

/** A client that reads and writes a table all the time, and remembers the longest time it had to wait. */
async function traffic(database: ScratchDatabase) {
  const client = await database.connect()
  let going = true
  let longest = 0
  let requests = 0
  const work = (async () => {
    while (going) {
      const begun = performance.now()
      await client.query("insert into busy (note) values ('x')")
      await client.query('select count(*) from busy where id > (select max(id) from busy) - 10')
      longest = Math.max(longest, performance.now() - begun)
      requests += 2
      await new Promise(resolve => setTimeout(resolve, 5))
    }
  })()
  return {
    get requests() {
      return requests
    },
    async stop() {
      going = false
      await work
      return { longest, requests }
    },
  }
}

const busy = 'create table busy (id int generated always as identity primary key, note text)'
const lockTimeout = 500
/** For the machine: two cores, and everything else that runs on them. */
const margin = 1_000

test('a client that uses the table all the time never waits longer than the lock timeout while a migration wants the table', async ({
  database,
}) => {
  await database.query(busy)
  const dir = await folder({ '0001_alter.sql': 'alter table busy add column extra int;' })
  const idle = await idleInTransaction(database, 'select count(*) from busy')
  const client = await traffic(database)
  const run = start(['up', '--dir', dir, '--lock-timeout', `${lockTimeout}ms`, '--lock-retries', '50'], {
    env: { DATABASE_URL: database.url, SCHEMAGATE_ON_FOREIGN_TABLES: 'run' },
  })
  const clashes = () => run.lines.filter(line => line.event === 'clash')
  await eventually(() => expect(clashes().length).toBeGreaterThanOrEqual(4), { timeout: 30_000 })
  const before = client.requests
  await eventually(() => expect(client.requests).toBeGreaterThan(before + 20))
  await idle.client.query('commit')
  const { code, stdout } = await run.ended
  const { longest, requests } = await client.stop()
  console.log(
    `the living: ${requests} requests, the longest took ${Math.round(longest)} ms, ${clashes().length} clashes`,
  )
  expect(code, stdout).toBe(0)
  expect(longest).toBeLessThan(lockTimeout + margin)
  // the one who is in the way is named, with what an operator needs to find it
  const named = clashes().find(line => line.msg?.includes(`pid ${idle.pid}`))
  expect(named?.msg).toContain('idle in transaction')
  expect(named?.blockers).toEqual([
    expect.objectContaining({ pid: idle.pid, application: 'test', state: 'idle in transaction' }),
  ])
  const { rows } = await database.query(
    "select count(*)::int as n from pg_attribute where attrelid = 'busy'::regclass and attname = 'extra'",
  )
  expect(rows).toEqual([{ n: 1 }])
})

test('a migration that cannot get its lock after all retries ends with exit 10, names the blocker and changes nothing', async ({
  database,
}) => {
  await database.query(busy)
  const dir = await folder({
    '0001_ok.sql': 'create table ok (a int);',
    '0002_alter.sql': 'create table made (a int); alter table busy add column extra int;',
    '0003_later.sql': 'create table later (a int);',
  })
  const idle = await idleInTransaction(database, 'select count(*) from busy')
  const args = ['up', '--dir', dir, '--lock-timeout', '300ms', '--lock-retries', '2']
  const result = await schemagate(args, { env: { DATABASE_URL: database.url, SCHEMAGATE_ON_FOREIGN_TABLES: 'run' } })
  expect(result.code, result.stdout).toBe(10)
  expect(result.lines.filter(line => line.event === 'clash')).toHaveLength(2)
  const error = result.lines.find(line => line.level === 'error')
  expect(error?.msg).toMatch(new RegExp(`0002_alter could not get its locks in 3 attempts.*pid ${idle.pid} `, 's'))
  expect(result.lines.at(-1)).toMatchObject({
    event: 'run',
    outcome: 'failed',
    applied: 1,
    notReached: 1,
    exitCode: 10,
  })
  const { rows } = await database.query(
    "select name from schemagate.ledger union all select relname from pg_class where relname in ('made', 'later')",
  )
  expect(rows).toEqual([{ name: '0001_ok' }])
  await idle.client.query('rollback')
  expect(
    (await schemagate(args, { env: { DATABASE_URL: database.url, SCHEMAGATE_ON_FOREIGN_TABLES: 'run' } })).code,
  ).toBe(0)
})

test.for([
  ['alter table', 'alter table busy add column extra int;'],
  ['create index concurrently', 'create index concurrently on busy (note);'],
] as const)(
  'a prepared transaction, which has no session, is named with what ends it: %s',
  async ([, sql], { database }) => {
    await database.query(busy)
    const client = await database.connect()
    const gid = `left ${database.name}`
    await client.query("begin; insert into busy (note) values ('x')")
    await client.query(`prepare transaction '${gid}'`)
    try {
      const dir = await folder({ '0001_busy.sql': sql })
      const { code, lines, stdout } = await schemagate(
        ['up', '--dir', dir, '--lock-timeout', '2s', '--lock-retries', '0'],
        { env: { DATABASE_URL: database.url, SCHEMAGATE_ON_FOREIGN_TABLES: 'run' } },
      )
      expect(code, stdout).toBe(10)
      const error = lines.find(line => line.level === 'error')?.msg
      expect(error).toContain(`Blocked by: the prepared transaction '${gid}' (user postgres, prepared `)
      expect(error).toContain('ROLLBACK PREPARED')
    } finally {
      await client.query(`rollback prepared '${gid}'`)
    }
  },
)

test('of a blocker that this role may not look into, the message has what it may see, and what ends it', async ({
  database,
}) => {
  const owner = database.role('owner')
  await database.query(`create role ${owner} login password 'owner'; grant create on database ${database.name} to ${owner};
    grant create on schema public to ${owner}; ${busy}; alter table busy owner to ${owner}`)
  const dir = await folder({ '0001_alter.sql': 'alter table busy add column extra int;' })
  const idle = await idleInTransaction(database, 'select count(*) from busy')
  const result = await schemagate(['up', '--dir', dir, '--lock-timeout', '300ms', '--lock-retries', '1'], {
    env: { DATABASE_URL: database.urlFor(owner, 'owner'), SCHEMAGATE_ON_FOREIGN_TABLES: 'run' },
  })
  expect(result.code, result.stdout).toBe(10)
  const error = result.lines.find(line => line.level === 'error')
  expect(error?.msg).toMatch(new RegExp(`Blocked by: pid ${idle.pid} \\([^)]*\\)\\. It was rolled back`))
  expect(error?.msg).toContain(`End that session (select pg_terminate_backend(${idle.pid}))`)
  await idle.client.query('rollback')
})

test('a migration that is chosen as the victim of a deadlock is tried again', async ({ database }) => {
  await database.query(
    'create table a (x int); create table b (x int); create table tally (step text); alter database ' +
      database.name +
      " set deadlock_timeout = '2s'",
  )
  const dir = await folder({
    '0001_both.sql':
      "insert into tally values ('once'); lock table a in exclusive mode; lock table b in exclusive mode;",
  })
  // the other side looks for deadlocks much later, so that the migration is the one that finds it
  const other = await idleInTransaction(database, "set local deadlock_timeout = '1min'; lock table b in exclusive mode")
  const run = start(['up', '--dir', dir, '--lock-timeout', '30s'], {
    env: { DATABASE_URL: database.url, SCHEMAGATE_ON_FOREIGN_TABLES: 'run' },
  })
  await untilItWaits(database, await untilItRuns(database, /lock table b/))
  await other.client.query('lock table a in exclusive mode')
  await other.client.query('commit')
  const { code, lines, stdout } = await run.ended
  expect(code, stdout).toBe(0)
  expect(lines.find(line => line.event === 'clash')?.err).toMatchObject({ code: '40P01' })
  expect((await database.query('select * from tally')).rows).toEqual([{ step: 'once' }])
})

test('a serialisation failure is tried again', async ({ database }) => {
  await database.query('create table account (balance int); insert into account values (1)')
  const dir = await folder({
    '0001_add.sql': 'begin isolation level repeatable read;\nupdate account set balance = balance + 10;\ncommit;\n',
  })
  const other = await idleInTransaction(database, 'update account set balance = balance + 100')
  const run = start(['up', '--dir', dir, '--lock-timeout', '30s'], {
    env: { DATABASE_URL: database.url, SCHEMAGATE_ON_FOREIGN_TABLES: 'run' },
  })
  await untilItWaits(database, await untilItRuns(database, /update account/))
  await other.client.query('commit')
  const { code, lines, stdout } = await run.ended
  expect(code, stdout).toBe(0)
  expect(lines.find(line => line.event === 'clash')?.err).toMatchObject({ code: '40001' })
  expect((await database.query('select balance from account')).rows).toEqual([{ balance: 111 }])
})

test('a statement that takes too long ends with exit 5 by the flag, and by the mark of its own file', async ({
  createDatabase,
}) => {
  const sleeps = {
    '0001_t.sql': 'create table t (a int);',
    '0002_slow.sql': 'create table u (a int);\nselect pg_sleep(30);\n',
  }
  const marked = { ...sleeps, '0002_slow.sql': `-- schemagate:statement-timeout 3s\n${sleeps['0002_slow.sql']}` }
  for (const [files, args] of [
    [sleeps, ['--statement-timeout', '3s']],
    [marked, []],
    [marked, ['--statement-timeout', '10m']],
  ] as const) {
    const database = await createDatabase()
    const result = await schemagate(['up', '--dir', await folder(files), ...args], {
      env: { DATABASE_URL: database.url, SCHEMAGATE_ON_FOREIGN_TABLES: 'run' },
    })
    expect(result.code, result.stdout).toBe(5)
    const error = result.lines.find(line => line.level === 'error')
    expect(error).toMatchObject({ migration: '0002_slow' })
    expect(error?.msg).toMatch(/statement timeout.*57014.*--statement-timeout/s)
    const { rows } = await database.query("select name, to_regclass('u') as u from schemagate.ledger")
    expect(rows).toEqual([{ name: '0001_t', u: null }])
    await nothingLeft(database)
  }
})

test('the lock timeout of a file is its own, whatever the run has', async ({ database }) => {
  await database.query(busy)
  const dir = await folder({
    '0001_alter.sql': '-- schemagate:lock-timeout 200ms\nalter table busy add column extra int;',
  })
  await idleInTransaction(database, 'select count(*) from busy')
  const result = await schemagate(['up', '--dir', dir, '--lock-timeout', '5m', '--lock-retries', '0'], {
    env: { DATABASE_URL: database.url, SCHEMAGATE_ON_FOREIGN_TABLES: 'run' },
  })
  expect(result.code, result.stdout).toBe(10)
})

// pg_dump writes that line first: without a limit the whole application would queue behind the ALTER.
test.for([
  ['in one transaction', 'SET lock_timeout = 0;\nalter table busy add column extra int;'],
  [
    'in a block of its own',
    "begin;\nset local lock_timeout to '0s'; /* as dumped */\nalter table busy add extra int;\ncommit;",
  ],
  ['in steps', '-- migrate:up transaction:false\nset lock_timeout = 0;\nalter table busy add column extra int;'],
] as const)('a file that lifts the lock timeout does not, %s', async ([, text], { database }) => {
  await database.query(busy)
  const dir = await folder({ '0001_alter.sql': text })
  await idleInTransaction(database, 'select count(*) from busy')
  const result = await schemagate(['up', '--dir', dir, '--lock-timeout', '200ms', '--lock-retries', '0'], {
    env: { DATABASE_URL: database.url, SCHEMAGATE_ON_FOREIGN_TABLES: 'run' },
    timeout: 20_000,
  })
  expect(result.code, result.stdout).toBe(10)
})
