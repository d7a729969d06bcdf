// The app's role in a database that is not its migrator's alone: other services, other tools, roles and rights from before.

import { expect } from 'vitest'
import { announce } from '../../../gate/protocol/announcement.ts'
import { createMigrator } from '../../../migrator/index.ts'
import { schemagate } from '../../helpers/cli.ts'
import { test } from '../../helpers/database.ts'
import { folder } from '../../helpers/migrations.ts'
import { manifest } from '../gate/fixtures.ts'
import { attempt, DENIED, owned, password } from './fixtures.ts'

test('two services in one database: each app in its own schema, and no app in any ledger', {
  timeout: 120_000,
}, async ({ database }) => {
  const one = await owned(database)
  const other = database.role('app2')
  const options = { role: other, schema: 'ledger2', schemas: ['s2'] }
  expect(await one.up({ '1_a.sql': 'create schema s1; create table s1.a (i int)' })).toMatchObject({ exitCode: 0 })
  const dir = await folder({
    '1_a.sql': 'create schema s2; create table s2.a (i int); create schema s3; create table s3.a (i int)',
    '2_b.sql': `create schema if not exists s2; create table public.p (i int); create table s2.b (i int); revoke delete on s2.b from ${other}`,
  })
  const second = createMigrator({ databaseUrl: one.url, dir, schema: options.schema, onForeignTables: 'run' })
  const appRole = { name: other, password, schemas: options.schemas }
  expect(await second.up({ appRole })).toMatchObject({ exitCode: 0 })
  expect(await one.rights(other)).toEqual([
    'ledger2: U',
    'ledger2.ledger: r',
    'ledger2.ledger_version: r',
    'ledger2.manifest: r',
    's2: U',
    's2.a: darw',
    's2.b: arw',
  ])
  // a third ledger, in the schema where the first app has default privileges
  const third = createMigrator({
    databaseUrl: one.url,
    dir: await folder({ '1_x.sql': 'create table x (i int)' }),
    schema: 'public',
    onForeignTables: 'run',
  })
  expect(await third.up({ appRole: { name: database.role('app3'), password } })).toMatchObject({ exitCode: 0 })
  // from the first moment on, and not only after the first app's own next run
  const first = await one.connect()
  for (const table of ['public.ledger', 'public.manifest', 'public.schemagate_app_roles'])
    expect([table, await attempt(first, `delete from ${table}`)]).toEqual([table, DENIED])
  await one.query(one.named('grant all on ledger2.ledger to @app, public'))
  expect(await one.up({})).toMatchObject({ exitCode: 0 })
  for (const role of [one.role, other, database.role('app3')]) {
    const as = await one.connect(role)
    for (const table of [
      'schemagate.ledger',
      'ledger2.ledger',
      'ledger2.manifest',
      'public.ledger',
      'public.schemagate_app_roles',
    ])
      expect([role, table, await attempt(as, `delete from ${table}`)]).toEqual([role, table, DENIED])
  }
  const as = await one.connect()
  expect(await attempt(as, 'insert into s1.a values (1)')).toBe('done')
  expect(await attempt(as, 'select from s2.a')).toBe(DENIED)
  expect(await attempt(await one.connect(database.role('app3')), 'insert into x values (1)')).toBe('done')
})

test.for(['public', 'shop'])(
  'a ledger in the schema %s leaves the other tables there to the app',
  async (schema, { database }) => {
    const own = await owned(database)
    await own.up(
      {
        '1_a.sql': `create table ${schema}.a (i int)`,
        '2_b.sql': `create table ${schema}.b (i int); revoke delete on ${schema}.b from @app`,
      },
      { schema },
    )
    const as = await own.connect()
    expect(await attempt(as, `insert into ${schema}.a values (1); insert into ${schema}.b values (1)`)).toBe('done')
    for (const sql of [
      `delete from ${schema}.b`,
      `delete from ${schema}.ledger`,
      `update ${schema}.manifest set run_id = run_id`,
    ])
      expect([sql, await attempt(as, sql)]).toEqual([sql, DENIED])
    expect(await attempt(as, `select from ${schema}.ledger, ${schema}.manifest`)).toBe('done')
    expect(await own.up({}, { schema })).toMatchObject({ outcome: 'nothing-to-do', exitCode: 0 })
  },
)

test('what other tools have made is not given, and what is on the search path is', async ({ database }) => {
  const own = await owned(database)
  const owner = await own.connectOwner()
  await owner.query('create schema hdb_catalog; create table hdb_catalog.t (i int); create table old (i int)')
  expect(await own.up({ '1_a.sql': 'create table a (i int)' })).toMatchObject({ exitCode: 0 })
  await owner.query('create schema drizzle; create table drizzle.t (i int)')
  await own.up({ '2_b.sql': 'create table b (i int)' })
  expect((await own.rights()).map(line => line.split(':')[0])).toEqual(['a', 'b', 'old', 'public'])
})

test('a role from before that could only read stays so, and one that could write keeps what it had', async ({
  createDatabase,
}) => {
  for (const [rights, given] of [
    ['select', { old: 'r' }],
    ['select, insert', { old: 'ar', a: 'adrw' }],
    ['select, insert (i)', { old: 'r', 'old.i': 'a', a: 'adrw' }],
  ] as const) {
    const own = await owned(await createDatabase())
    const owner = await own.connectOwner()
    await owner.query(own.named(`create role @app; create table old (i int); grant ${rights} on old to @app`))
    const { exitCode, told } = await own.up({ '1_a.sql': 'create table a (i int)' })
    expect(exitCode).toBe(0)
    expect(told).toContainEqual(expect.stringContaining('was there before'))
    const tables = (await own.rights()).filter(line => !line.startsWith('public')).map(line => line.split(': '))
    expect(Object.fromEntries(tables.map(([name, r]) => [name, [...r!].toSorted().join('')]))).toEqual(given)
    await own.up({ '2_b.sql': 'create table b (i int)' })
    expect((await own.rights()).some(line => line.startsWith('b:'))).toBe(rights !== 'select')
  }
})

test('a database of release 0.1 keeps what it gave, and gives nothing back', async ({ database }) => {
  const own = await owned(database)
  const owner = await own.connectOwner()
  await createMigrator({
    databaseUrl: own.url,
    dir: await folder({ '1_a.sql': 'create table a (i int); create table b (i int)' }),
  }).up()
  await owner.query(
    own.named(`create role @app; grant usage on schema schemagate to @app; grant select on all tables in schema schemagate to @app;
      grant all on all tables in schema public to @app; revoke delete on a from @app;
      alter default privileges in schema public grant select on tables to @app`),
  )
  const { told } = await own.up({ '1_a.sql': 'create table a (i int); create table b (i int)' })
  expect(told.filter(line => line.includes('was there before'))).toEqual([])
  await own.up({ '2_c.sql': 'create table c (i int)' })
  const as = await own.connect()
  expect(await attempt(as, 'insert into a values (1); delete from b; select from c')).toBe('done')
  for (const sql of ['delete from a', 'insert into c values (1)'])
    expect([sql, await attempt(as, sql)]).toEqual([sql, DENIED])
})

test('a database restored without its access lists gives the app its rights again, and no schema that it had not', async ({
  database,
}) => {
  const own = await owned(database)
  await own.up({ '1_a.sql': 'create table a (i int); create table b (i int); revoke delete on b from @app' })
  await own.query('create schema auth; create table auth.secrets (i int)')
  const before = await own.rights()
  // what pg_restore --no-acl leaves of a role: the memory in the ledger, and nothing else
  await own.query(own.named('drop owned by @app'))
  expect(await own.up({})).toMatchObject({ exitCode: 0, outcome: 'nothing-to-do' })
  expect(await own.rights()).toEqual(before.map(right => (right === 'b: arw' ? 'b: darw' : right)))
  expect(await own.up({ '2_c.sql': 'create table c (i int); revoke delete on a from @app' })).toMatchObject({
    exitCode: 0,
  })
  expect(await own.up({})).toMatchObject({ exitCode: 0 })
  expect(await own.rights()).toEqual(expect.arrayContaining(['a: arw', 'c: darw']))
})

test('a schema that a migration makes again is given like a new one, also for what comes later', async ({
  database,
}) => {
  const own = await owned(database)
  const files = {
    '1_a.sql': 'create schema s; create table s.a (i int)',
    '2_again.sql': 'drop schema s cascade; create schema s; create table s.b (i int)',
    '3_c.sql': 'create table s.c (i int)',
  }
  for (const [name, sql] of Object.entries(files)) await own.up({ [name]: sql })
  expect(await own.rights()).toEqual(expect.arrayContaining(['s: U', 's.b: darw', 's.c: darw']))
})

for (const as of ['owner', 'superuser'] as const)
  test(`a schema restored without its access lists, by the ${as}, gives the app its rights there again, and elsewhere none`, async ({
    database,
  }) => {
    const own = await owned(database)
    // one question tells it whether there is nothing to do
    if (as === 'superuser') await own.query(own.named('alter role @owner superuser'))
    await own.up({
      '1_a.sql': 'create schema s; create table s.a (i int); create table a (i int); revoke delete on a from @app',
    })
    const client = as === 'owner' ? await own.connectOwner() : await database.connect()
    const restored = own.named(
      'drop schema s cascade; create schema s authorization @owner; create table s.a (i int); alter table s.a owner to @owner',
    )
    await client.query(restored)
    expect(await own.rights()).not.toContain('s: U')
    const { told } = await own.up({})
    expect(told).toContainEqual(expect.stringContaining('restored without its access lists'))
    expect(await own.rights()).toEqual(expect.arrayContaining(['s: U', 's.a: darw', 'a: arw']))
    expect((await own.up({})).told.join()).not.toContain('restored')
    await own.up({ '2_b.sql': 'create table s.b (i int)' })
    expect(await own.rights()).toContain('s.b: darw')

    // with the access lists everything is as it was, what had been taken away included
    const kept = own.named(`grant usage on schema s to @app; grant select on s.a to @app;
      alter default privileges for role @owner in schema s grant select on tables to @app`)
    await client.query(`${restored}; ${kept}`)
    expect((await own.up({})).told.join()).not.toContain('restored')
    await own.up({ '3_c.sql': 'create table s.c (i int)' })
    expect(await own.rights()).toEqual(expect.arrayContaining(['s: U', 's.a: r', 's.c: r']))
  })

test('a role that was given something by hand before the first run after a restore is given all of it', async ({
  database,
}) => {
  const own = await owned(database)
  await own.up({ '1_a.sql': 'create table a (i int); create table b (i int)' })
  const before = await own.rights()
  await own.query(own.named('drop owned by @app; grant select on a to @app'))
  const { told } = await own.up({})
  expect(told).toContainEqual(expect.stringContaining('restored without its access lists'))
  expect(told.join()).not.toContain('was there before')
  expect(await own.rights()).toEqual(before)
})

test('rights on the ledger alone that were taken away are no restore', async ({ database }) => {
  const own = await owned(database)
  await own.up({ '1_a.sql': 'create table a (i int); revoke delete on a from @app' })
  const before = await own.rights()
  await own.query(own.named('revoke all on all tables in schema schemagate from @app'))
  const { told } = await own.up({})
  expect(told.join()).not.toContain('restored')
  expect(await own.rights()).toEqual(before)
})

test('another role that migrates gives the app what it makes, as the first one did', async ({ database }) => {
  const own = await owned(database)
  await own.up({
    '1_a.sql': 'create table a (i int); alter default privileges in schema public revoke delete on tables from @app',
  })
  const other = database.role('second')
  await own.query(
    own.named(`create role ${other} login superuser password 'second'; reassign owned by @owner to ${other}`),
  )
  const url = database.urlFor(other, 'second')
  expect(await own.up({ '2_b.sql': 'create table b (i serial)' }, { url })).toMatchObject({ exitCode: 0 })
  expect(await own.rights()).toEqual(expect.arrayContaining(['b: arw', 'b_i_seq: rwU']))
})

for (const as of ['owner', 'superuser'] as const)
  test(`a schema that is named later is given once, by the ${as}, and one that is not there is told`, async ({
    database,
  }) => {
    const own = await owned(database)
    if (as === 'superuser') await own.query(own.named('alter role @owner superuser'))
    const file = { '1_a.sql': 'create table a (i int); create schema billing; create table billing.b (i int)' }
    await own.up(file, { schemas: ['public'] })
    expect(await own.rights()).toEqual(expect.arrayContaining(['a: darw']))
    expect((await own.rights()).join()).not.toContain('billing')
    const { told } = await own.up({}, { schemas: ['public', 'billing', 'publik'] })
    expect(told).toContainEqual(expect.stringMatching(/no schema publik.*Did you mean public\?/))
    expect(await own.rights()).toEqual(expect.arrayContaining(['billing: U', 'billing.b: darw']))
    await own.query(own.named('revoke delete on billing.b from @app'))
    await own.up({ '2_c.sql': 'create table billing.c (i int)' }, { schemas: ['public', 'billing'] })
    expect(await own.rights()).toEqual(expect.arrayContaining(['billing.b: arw', 'billing.c: darw']))
  })

test('what an app may own is no reason to fail, and what it may not is found before the first migration', async ({
  database,
}) => {
  const own = await owned(database)
  await own.up({ '1_a.sql': 'create table a (i int)' })
  const as = await own.connect()
  await as.query(
    'create temp table mine (id serial); select lo_create(0); alter default privileges grant select on tables to public',
  )
  const { told, exitCode } = await own.up({ '2_b.sql': 'create table b (i int)' })
  expect(exitCode).toBe(0)
  expect(told).toContainEqual(expect.stringMatching(/owns (large object|default acl)/))
  // a migration's own decision is told after the change, and refused before the next one
  const changed = await own.up({
    '3_c.sql': 'grant @app to @owner; grant create on schema public to @app; alter table b owner to @app',
  })
  expect(changed).toMatchObject({ exitCode: 0 })
  expect(changed.told).toContainEqual(expect.stringContaining('it owns table public.b'))
  expect(await own.up({ '4_d.sql': 'create table d (i int)' })).toMatchObject({ exitCode: 8, head: '3_c' })
  expect(await attempt(as, 'select from d')).toBe('42P01')
})

test('settings of the role that break the app are named, also with nothing to do', async ({ database }) => {
  const own = await owned(database)
  await own.up({ '1_a.sql': 'create table a (i int)' })
  const told = async (sql: string) => {
    await own.query(own.named(sql))
    return (await own.up({})).told.filter(line => line.includes('To undo it'))
  }
  const { role } = own
  expect(
    await told(
      'alter role @app set search_path = "$user", elsewhere; alter role @app in database @db set default_transaction_read_only = on',
    ),
  ).toEqual([
    expect.stringContaining(`alter role ${role} in database ${database.name} reset default_transaction_read_only`),
    expect.stringContaining(`alter role ${role} reset search_path`),
  ])
  expect(
    await told(
      `alter role @app in database @db reset all; alter role @app set search_path = public, elsewhere; alter role @app set statement_timeout = '5ms'; alter role @app set lock_timeout = '2s'`,
    ),
  ).toEqual([expect.stringContaining('statement_timeout')])
})

test('a drain that gives up before a second breaking migration names what was applied', async ({ database }) => {
  const dir = await folder({
    '1_a.sql': '-- schemagate:breaking\ncreate table a (i int)',
    '2_b.sql': '-- schemagate:breaking\ncreate table b (i int)',
  })
  const app = await database.connect()
  await app.query(`set application_name = '${announce(manifest('1_a'))}'`)
  const { error, exitCode } = await createMigrator({ databaseUrl: database.url, dir, onOlderApps: 'refuse' }).up()
  expect(exitCode).toBe(8)
  expect(error?.message).toMatch(/^2_b was not run[\s\S]*Applied before it in this run, and committed: 1_a\./)
})

test('baseline makes the role, with rights on what is there', async ({ database }) => {
  const own = await owned(database)
  const owner = await own.connectOwner()
  await owner.query('create schema s; create table s.t (i int)')
  const dir = await folder({ '1_a.sql': 'select 1' })
  const env = { DATABASE_URL: own.url, SCHEMAGATE_APP_ROLE: own.role, SCHEMAGATE_APP_PASSWORD: password }
  expect((await schemagate(['baseline', '1_a', '--dir', dir], { env })).code).toBe(0)
  expect(await attempt(await own.connect(), 'insert into s.t values (1)')).toBe('done')
})
