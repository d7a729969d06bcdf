// The run lock's key can be taken by any session that may connect: a role that may not write the ledger holds up no run, and
// takes no part in a drain.

import { escapeIdentifier } from 'pg'
import { describe, expect } from 'vitest'
import { doBlock } from '../../../gate/postgres/quote.ts'
import { ownState } from '../../../gate/postgres/sqlstate.ts'
import { announce, migratorName } from '../../../gate/protocol/announcement.ts'
import { runLockKey } from '../../../gate/protocol/run-lock-key.ts'
import { passedOverMode, takeForTransaction, takeWithKey } from '../../../migrator/run/run-lock-sql.ts'
import { schemagate, start } from '../../helpers/cli.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { folder, write } from '../../helpers/migrations.ts'
import { noPgbouncer, pgbouncer, pgbouncerPath } from '../../helpers/pgbouncer.ts'
import { tcpProxy } from '../../helpers/tcp-proxy.ts'
import { manifest } from '../gate/fixtures.ts'

const files = {
  '1_tally.sql': 'create table tally (step text not null);',
  '2_plain.sql': `insert into tally values ('2_plain');`,
  '3_index.sql': `insert into tally values ('3_index');\ncreate index concurrently tally_step on tally (step);`,
  '4_code.ts': `export const up = ({ query }) => query("insert into tally values ('4_code')")\n`,
}
const key = runLockKey('schemagate').join(', ')

/** A session of a role that may connect, and has no right on anything. */
async function stranger(database: ScratchDatabase) {
  const user = database.role('stranger')
  await database.query(`create role ${escapeIdentifier(user)} login password 'x'`)
  return database.connect({ user, password: 'x' })
}

async function tally(database: ScratchDatabase) {
  const { rows } = await database.query<{ step: string }>('select step from tally order by step')
  return rows.map(({ step }) => step)
}

const upOf = (url: string, dir: string) => ({
  args: ['up', '--dir', dir, '--lock-wait', '20s', '--drain-timeout', '20s'],
  options: { env: { DATABASE_URL: url, SCHEMAGATE_ON_FOREIGN_TABLES: 'run' } },
})

describe('a stranger who holds the run lock’s key', () => {
  test.for(['pg_advisory_lock', 'pg_advisory_lock_shared'])(
    'with %s is named and passed over, by the first run and by the next',
    async (lock, { database }) => {
      const it = await stranger(database)
      await it.query(`set application_name = '${migratorName} host 1'`)
      await it.query(`select ${lock}(${key})`)
      const dir = await folder(files)
      const { args, options } = upOf(database.url, dir)
      const first = await schemagate(args, options)
      expect([first.code, first.stderr]).toEqual([0, ''])
      const named = first.lines.filter(({ event }) => event === 'lock-passed-over')
      expect(named).toHaveLength(1)
      expect(named[0]?.msg).toMatch(new RegExp(`user ${database.role('stranger')}.* may not write the ledger`))
      await write(dir, { '5_more.sql': `insert into tally values ('5_more');` })
      expect((await schemagate(args, options)).code).toBe(0)
      expect(await tally(database)).toEqual(['2_plain', '3_index', '4_code', '5_more'])
      // nothing to do, nothing to lock, no holder to name
      expect((await schemagate(args, options)).lines.some(({ event }) => event === 'lock-passed-over')).toBe(false)
    },
  )

  test('does not let two runs in at once, neither while he holds it nor after', async ({ database }) => {
    const it = await stranger(database)
    await it.query(`select pg_advisory_lock(${key})`)
    await database.query('create table go ()')
    const wait = `for (;;) { if ((await query("select to_regclass('public.went') is not null as went")).rows[0].went) break; await new Promise(r => setTimeout(r, 20)) }`
    const dir = await folder({
      ...files,
      '5_long.ts': `// migrate:up transaction:false\nexport const up = async ({ query }) => { await query("insert into tally values ('5_long')"); ${wait} }\n`,
    })
    const { args, options } = upOf(database.url, dir)
    const runs = [start(args, options), start(args, options), start(args, options)]
    await eventually(async () => expect(await tally(database)).toContain('5_long'), { timeout: 30_000 })
    // the key is free now: who takes it sees that a run is at work all the same
    await it.end()
    const late = start(args, options)
    const keyHolders = async () =>
      (
        await database.query(
          `select from pg_locks l join pg_database d on d.oid = l.database where datname = $1 and locktype = 'advisory' and granted`,
          [database.name],
        )
      ).rowCount
    await eventually(() => expect(late.lines.some(({ event }) => event === 'lock-wait')).toBe(true), {
      timeout: 30_000,
    })
    await eventually(async () => expect(await keyHolders()).toBe(0), { interval: 5 })
    expect(await tally(database)).toEqual(['2_plain', '3_index', '4_code', '5_long'])
    await database.query('create table went ()')
    const ended = await Promise.all([...runs, late].map(run => run.ended))
    expect(ended.map(({ code }) => code)).toEqual([0, 0, 0, 0])
    expect(await tally(database)).toEqual(['2_plain', '3_index', '4_code', '5_long'])
  })

  test('is passed over by a run that loses the connection which holds the lock in the key’s place', async ({
    database,
  }) => {
    const it = await stranger(database)
    await it.query(`select pg_advisory_lock(${key})`)
    const dir = await folder({
      ...files,
      '5_long.ts': `export const up = async ({ query }) => {\n  await query("insert into tally values ('5_long')")\n  for (;;) {\n    if ((await query("select to_regclass('public.went') is not null as went")).rows[0].went) break\n    await new Promise(r => setTimeout(r, 20))\n  }\n}\n`,
    })
    const { args, options } = upOf(database.url, dir)
    const run = start(args, options)
    const keepers = async () =>
      (
        await database.query<{ pid: number }>(
          `select pid from pg_locks l join pg_database d on d.oid = l.database where datname = $1 and mode = 'ShareUpdateExclusiveLock' and granted and relation = to_regclass('schemagate.manifest')`,
          [database.name],
        )
      ).rows
    const applied = () => run.lines.filter(({ event }) => event === 'applied').length
    await eventually(() => expect(applied()).toBe(4), { timeout: 30_000 })
    const [keeper] = await keepers()
    await database.query('select pg_terminate_backend($1)', [keeper?.pid])
    await eventually(async () => expect((await keepers())[0]?.pid ?? keeper?.pid).not.toBe(keeper?.pid))
    await database.query('create table went ()')
    const { code, lines } = await run.ended
    expect(code).toBe(0)
    expect(lines.some(({ msg }) => String(msg).includes('lost the connection'))).toBe(true)
    expect(await tally(database)).toEqual(['2_plain', '3_index', '4_code', '5_long'])
  })

  test.skipIf(pgbouncerPath === undefined)(
    `is passed over behind a pooler as well${pgbouncerPath ? '' : ` (skipped: ${noPgbouncer})`}`,
    async ({ database }) => {
      const it = await stranger(database)
      await it.query(`select pg_advisory_lock(${key})`)
      const pooler = await pgbouncer(database.url)
      const dir = await folder({ '1_tally.sql': files['1_tally.sql'], '2_plain.sql': files['2_plain.sql'] })
      const { args, options } = upOf(pooler.url(database.url), dir)
      const runs = await Promise.all([1, 2, 3].map(() => schemagate(args, options)))
      expect(runs.map(({ code }) => code)).toEqual([0, 0, 0])
      expect(runs.some(({ lines }) => lines.some(({ event }) => event === 'lock-passed-over'))).toBe(true)
      expect(await tally(database)).toEqual(['2_plain'])
    },
  )
})

describe('the statements that make sure of the lock in a transaction', () => {
  const ledger = async (database: ScratchDatabase) => {
    const { args, options } = upOf(database.url, await folder({ '1_tally.sql': files['1_tally.sql'] }))
    expect((await schemagate(args, options)).code).toBe(0)
  }
  const busy = { code: ownState.lockBusy }

  test('keep two out of each other that pass the key over, and one that gets it', async ({ database }) => {
    await ledger(database)
    const it = await stranger(database)
    await it.query(`select pg_advisory_lock(${key})`)
    const [one, other] = [await database.connect(), await database.connect()]
    const [taken, withKey] = [takeForTransaction('schemagate'), takeWithKey('schemagate')].map(sql => doBlock(sql))
    await one.query(`begin; ${taken}`)
    await expect(other.query(taken!)).rejects.toMatchObject(busy)
    await it.query(`select pg_advisory_unlock(${key})`)
    for (const sql of [taken, withKey]) await expect(other.query(sql!)).rejects.toMatchObject(busy)
    await one.query('commit')
    for (const sql of [taken, withKey]) await other.query(sql!)
  })

  test('raise where the connection is gone that holds the lock in the key’s place, or an owner has the key', async ({
    database,
  }) => {
    await ledger(database)
    const [run, keeper, owner] = [await database.connect(), await database.connect(), await database.connect()]
    const { rows } = await keeper.query<{ pid: number }>('select pg_backend_pid() as pid')
    const taken = doBlock(takeForTransaction('schemagate', rows[0]!.pid))
    await keeper.query(`begin; lock table schemagate.manifest in ${passedOverMode} mode`)
    await run.query(taken)
    await owner.query(`select pg_advisory_lock(${key})`)
    await expect(run.query(taken)).rejects.toMatchObject(busy)
    await owner.query(`select pg_advisory_unlock(${key})`)
    await run.query(taken)
    await keeper.query('rollback')
    await expect(run.query(taken)).rejects.toMatchObject(busy)
  })
})

test('a migration that lets go of all advisory locks leaves none of those after it without the run lock', async ({
  database,
}) => {
  const held = `insert into held select current_setting('app.step'), count(*) from pg_locks
    where locktype = 'advisory' and objsubid = 2 and pid = pg_backend_pid();`
  const dir = await folder({
    '1_first.sql': 'create table held (step text, locks int); select pg_advisory_unlock_all();',
    '2_plain.sql': `set local app.step = '2_plain'; ${held}`,
    '3_steps.sql': `set app.step = '3_steps'; ${held} create index concurrently held_step on held (step);`,
    '4_code.mjs': `export const up = ({ query }) => query(${JSON.stringify(`set local app.step = '4_code'; ${held}`)})`,
  })
  const { args, options } = upOf(database.url, dir)
  const result = await schemagate(args, options)
  expect(result.code, result.stdout).toBe(0)
  const { rows } = await database.query('select step, locks > 0 as has from held order by step')
  expect(rows).toEqual(['2_plain', '3_steps', '4_code'].map(step => ({ step, has: true })))
})

test('an owner of the ledger who holds the key is waited for, also one who takes the owner’s role', async ({
  database,
}) => {
  const [owner, member] = ['owner', 'member'].map(name => escapeIdentifier(database.role(name))) as [string, string]
  await database.query(
    `create role ${owner} login password 'x'; create role ${member} login password 'x' noinherit in role ${owner};
     grant create on database ${database.name} to ${owner}; grant all on schema public to ${owner}`,
  )
  const url = database.urlFor(database.role('owner'), 'x')
  const dir = await folder({ '1_tally.sql': files['1_tally.sql'] })
  expect((await schemagate(['up', '--dir', dir], { env: { DATABASE_URL: url } })).code).toBe(0)
  const it = await database.connect({ user: database.role('member'), password: 'x' })
  await it.query(`select pg_advisory_lock(${key})`)
  await write(dir, { '2_plain.sql': files['2_plain.sql'] })
  const run = await schemagate(['up', '--dir', dir, '--lock-wait', '300ms'], { env: { DATABASE_URL: url } })
  expect(run.code).toBe(4)
  expect(run.stdout).toContain(database.role('member'))
})

test('who calls himself an app and cannot read the ledger is named, and takes no part in a drain', async ({
  database,
}) => {
  const dir = await folder({ '1_tally.sql': files['1_tally.sql'] })
  const env = { DATABASE_URL: database.url, SCHEMAGATE_DIR: dir }
  expect((await schemagate(['up'], { env })).code).toBe(0)
  await write(dir, { '2_break.sql': '-- schemagate:breaking\nalter table tally rename to count;' })
  const it = await stranger(database)
  await it.query(`set application_name = ${escapeIdentifier(announce(manifest('1_tally')))}`)
  const refused = await schemagate(['up', '--on-older-apps', 'refuse', '--to', '1_tally'], { env })
  expect(refused.code).toBe(0)
  const run = await schemagate(['up', '--drain-timeout', '1s'], { env })
  expect(run.code).toBe(0)
  const named = run.lines.filter(({ event }) => event === 'drain-passed-over')
  expect(named).toHaveLength(1)
  expect(named[0]?.msg).toContain(database.role('stranger'))

  // the same name of a role that may read it, if only by SET ROLE, counts
  const reader = escapeIdentifier(database.role('reader'))
  await database.query(
    `create role ${reader}; grant usage on schema schemagate to ${reader}; grant select on schemagate.ledger to ${reader};
     alter role ${escapeIdentifier(database.role('stranger'))} noinherit; grant ${reader} to ${escapeIdentifier(database.role('stranger'))}`,
  )
  await write(dir, { '3_break.sql': '-- schemagate:breaking\nalter table count rename to tally;' })
  const counted = await schemagate(['up', '--drain-timeout', '300ms'], { env })
  expect(counted.code).toBe(8)
  expect(counted.stdout).toContain(database.role('stranger'))
})

test('a run that waits asks who holds the lock once in a while, and for the lock often', async ({ database }) => {
  const holder = await database.connect()
  await holder.query(`select pg_advisory_lock(${key})`)
  const proxy = await tcpProxy(database.url)
  const { args, options } = upOf(proxy.url(database.url), await folder(files))
  const run = start(args, options)
  const asked = (what: RegExp) => proxy.messages.filter(({ sql }) => what.test(sql ?? ''))
  const tries = () => asked(/pg_try_advisory_lock\(/).length
  await eventually(() => expect(tries()).toBeGreaterThan(25), { timeout: 15_000 })
  expect(asked(/as legitimate/).length).toBeLessThan(tries() / 4)
  await holder.query(`select pg_advisory_unlock(${key})`)
  const ended = await run.ended
  expect(ended.code, ended.stdout).toBe(0)
  expect(ended.stdout).toMatch(/waiting for another migrator: pid \d+/)
})
