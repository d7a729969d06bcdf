// `verify` from the command line: what it finds, what it leaves alone, and what it leaves behind.

import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { schemagate, start } from '../../helpers/cli.ts'
import { test } from '../../helpers/database.ts'
import { folder, write } from '../../helpers/migrations.ts'
import { majorVersion } from '../../helpers/schemas.ts'

const users = {
  '0001_users.sql':
    'create table users (id bigint generated always as identity primary key, email text not null unique);',
}
const scratch = "select datname from pg_database where datname like 'schemagate_verify_%'"

async function migrated(database: { url: string }, files: Readonly<Record<string, string>> = users) {
  const dir = await folder(files)
  const env = { DATABASE_URL: database.url, SCHEMAGATE_DIR: dir }
  expect((await schemagate(['up'], { env })).code).toBe(0)
  const verify = (...args: string[]) => schemagate(['verify', ...args], { env })
  return { dir, env, verify }
}

test('a schema that is as the migrations make it is said to be so, and nothing is left behind', async ({
  database,
}) => {
  const { verify } = await migrated(database)
  const { code, stdout } = await verify()
  expect(stdout).toBe('the schema is as expected: compared with what 1 migration makes\n')
  expect(code).toBe(0)
  expect((await database.query(scratch)).rows).toEqual([])
})

test('what no migration makes is listed, and ends with 7', async ({ database }) => {
  const { verify } = await migrated(database)
  await database.query('alter table users add phone text; drop table if exists nothing; create index on users (phone)')
  const { code, stdout } = await verify()
  expect(stdout).toContain('column users.phone: exists, and no migration makes it\n')
  expect(stdout).toContain('index users_phone_idx: exists, and no migration makes it\n')
  expect(stdout).toContain('2 differences from what 1 migration makes')
  expect(code).toBe(7)
})

test('as JSON each difference has its message', async ({ database }) => {
  const { verify } = await migrated(database)
  await database.query('alter table users drop constraint users_email_key')
  const { code, stdout } = await verify('--format', 'json')
  expect(JSON.parse(stdout)).toMatchObject({
    state: 'drift',
    comparedWith: 'migrations',
    migrations: ['0001_users'],
    differences: [{ change: 'missing', kind: 'constraint', name: 'public.users.users_email_key' }],
  })
  expect(code).toBe(7)
})

test('a function that was changed is shown as a short diff', async ({ database }) => {
  const body = (line: string) =>
    `create or replace function total() returns int language plpgsql as $$\nbegin\n  -- one\n  ${line}\nend\n$$;`
  const { verify } = await migrated(database, { '0001_total.sql': body('return 1;') })
  await database.query(body('return 2;'))
  const { stdout } = await verify()
  expect(stdout).toContain('function total(): its body is another one\n')
  expect(stdout).toMatch(/^ {4}-\s+return 1;$/m)
  expect(stdout).toMatch(/^ {4}\+\s+return 2;$/m)
})

test('a long text that is missing, or that is there, is not told as another one', async ({ database }) => {
  const note = (text: string) => `comment on column users.id is '${text}';`
  const { verify } = await migrated(database, { '0001_users.sql': `${users['0001_users.sql']} ${note('one\ntwo')}` })
  await database.query(`${note('')} comment on table users is 'three\nfour'`)
  const { stdout } = await verify()
  expect(stdout).toContain('column users.id: has no comment, and one is expected\n')
  expect(stdout).toContain('table users: comment is there, and no migration makes it\n')
})

test('another role than the one that migrates is told why the owners differ', async ({ database }) => {
  const { dir } = await migrated(database, { ...users, '0002_more.sql': 'create table more (a int);' })
  const other = database.role('other')
  await database.query(`create role "${other}" superuser login password 'x'`)
  const env = { DATABASE_URL: database.urlFor(other, 'x'), SCHEMAGATE_DIR: dir }
  const { stdout } = await schemagate(['verify'], { env })
  expect(stdout).toMatch(new RegExp(`note: ${other}, as which this ran, .* If that is postgres, run this as postgres`))
})

test('what is known is left out, by name, by kind, by property', async ({ database }) => {
  const { verify } = await migrated(database)
  await database.query(
    `create table tmp_1 (a int); create index by_hand on users (email); comment on table users is 'x'`,
  )
  const { code, stdout } = await verify('--ignore', 'tmp_*', '--ignore', 'index *', '--ignore', 'table users: comment')
  expect(stdout).toContain('note: 3 differences ignored')
  expect(code).toBe(0)
})

test('the second time the migrations are not run again, until they have changed', async ({ database }) => {
  const { verify, dir, env } = await migrated(database)
  const made = async () => (await database.query('select key, made_at from schemagate.schemagate_expected')).rows
  await verify()
  const first = await made()
  await database.query('alter table users add phone text')
  expect((await verify()).code).toBe(7)
  expect(await made()).toEqual(first)
  await write(dir, { '0002_age.sql': 'alter table users add age int;' })
  await schemagate(['up'], { env })
  expect((await verify()).stdout).toContain('1 difference from what 2 migrations make')
  expect(await made()).not.toEqual(first)
})

test('a migration that is pending is not missed', async ({ database }) => {
  const { verify, dir } = await migrated(database)
  await write(dir, { '0002_age.sql': 'alter table users add age int;' })
  const { code, stdout } = await verify()
  expect(stdout).toContain('note: pending, and not compared: 0002_age')
  expect(code).toBe(0)
})

test('what schemagate gives the role of an app is no drift; what others give it is', async ({ database }) => {
  const dir = await folder(users)
  const role = database.role('app')
  const env = {
    DATABASE_URL: database.url,
    SCHEMAGATE_DIR: dir,
    SCHEMAGATE_APP_ROLE: role,
    SCHEMAGATE_APP_PASSWORD: 'secret',
  }
  expect((await schemagate(['up'], { env })).code).toBe(0)
  expect((await schemagate(['verify'], { env })).code).toBe(0)
  await database.query(`grant truncate on users to ${role}`)
  expect((await schemagate(['verify'], { env })).stdout).toContain(
    `table users: grants to ${role}: truncate, and no migration makes it`,
  )
})

test("other tools' histories are no drift", async ({ database }) => {
  const { verify } = await migrated(database)
  await database.query(
    `create table schema_migrations (version bigint not null primary key, dirty boolean not null);
     create schema drizzle;
     create table drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint)`,
  )
  const { code, stdout } = await verify()
  expect(stdout).toContain('as expected')
  expect(code).toBe(0)
})

test('nor is what a dump has of them: the lock beside one, the sequence of a table that was left out', async ({
  database,
}) => {
  const [sequence, lock] = [
    'create sequence knex_migrations_id_seq as int',
    'create table knex_migrations_lock (index int)',
  ]
  const { verify } = await migrated(database, { ...users, '0002_dump.sql': `${sequence}; ${lock};` })
  await database.query(`drop sequence knex_migrations_id_seq; drop table knex_migrations_lock; create table knex_migrations
    (id serial primary key, name varchar(255), batch int, migration_time timestamptz); ${lock}`)
  expect((await verify()).stdout).toContain('as expected')
})

test('what `follow` made is no drift', async ({ database }) => {
  const dir = await folder(users)
  await database.query(
    `${users['0001_users.sql']} create table schema_migrations (version varchar(128) primary key); insert into schema_migrations values ('0001')`,
  )
  const env = { DATABASE_URL: database.url, SCHEMAGATE_DIR: dir }
  expect((await schemagate(['follow', '--follow', 'dbmate'], { env })).code).toBe(0)
  const { code, stdout, stderr } = await schemagate(['adopt', '--from', 'dbmate', '--verify'], { env })
  expect(code, stdout + stderr).toBe(0)
  expect((await schemagate(['verify'], { env })).code).toBe(0)
})

describe('a snapshot', () => {
  test('that was just printed has no difference, and later changes are found in it', async ({ database }) => {
    const { verify, dir } = await migrated(database)
    const file = join(dir, '..', `${database.name}.json`)
    await writeFile(file, (await verify('--snapshot')).stdout)
    expect((await verify('--expect', file)).stdout).toBe('the schema is as expected: compared with the snapshot\n')
    await database.query('drop table users')
    const { code, stdout } = await verify('--expect', file)
    expect(stdout).toContain('table users: is missing, and the snapshot has it')
    expect(code).toBe(7)
    expect(JSON.parse(await readFile(file, 'utf8')).format).toBe(1)
  })

  test('of an older major version has the rights that an upgrade adds, and says that texts may differ', async ({
    database,
    skip,
  }) => {
    if ((await majorVersion(database)) < 17) skip('MAINTAIN is a right of 17 and later')
    const role = database.role('all')
    await database.query(`create role ${role}`)
    const { verify, dir } = await migrated(database)
    await database.query(`grant all on users to ${role} with grant option`)
    const file = join(dir, '..', `${database.name}.json`)
    const printed = JSON.parse((await verify('--snapshot')).stdout)
    const before = JSON.stringify({ ...printed, serverVersion: 150008 }).replace(/, maintain( with grant option)?/g, '')
    expect(before).not.toContain('maintain')
    await writeFile(file, before)
    const { code, stdout, stderr } = await verify('--expect', file)
    expect(stderr).toMatch(/The snapshot is of PostgreSQL 15, and the database of \d+: they print some views/)
    expect(stdout).toBe('the schema is as expected: compared with the snapshot\n')
    expect(code).toBe(0)
    await database.query(`revoke maintain on users from ${role}`)
    expect((await verify('--expect', file)).stdout).toContain('grant maintain on table public.users to')
    await database.query(`drop owned by ${role}`)
  })

  test.for([
    ['{', /is not JSON/],
    ['{}', /is not a snapshot/],
    ['{"format": 9, "objects": []}', /has the format 9, and this release reads 1/],
    ['{"format": 1, "serverVersion": 17, "objects": [{"kind": "table"}]}', /is damaged/],
  ] as const)('that is %s is refused', async ([text, message], { database }) => {
    const { verify, dir } = await migrated(database)
    const file = join(dir, 'snapshot.txt')
    await writeFile(file, text)
    const { code, stderr } = await verify('--expect', file)
    expect(stderr).toMatch(message)
    expect(code).toBe(2)
  })
})

describe('on the live server', () => {
  test('files that reach beyond their database are not run, and run on another server that is named', async ({
    database,
  }) => {
    const role = database.role('reader')
    await database.query(`create role ${role}`)
    const { verify } = await migrated(database, {
      ...users,
      '0002_role.sql': `do $$ begin if not exists (select from pg_roles where rolname = '${role}') then create role ${role}; end if; end $$;\ngrant select on users to ${role};`,
    })
    const refused = await verify()
    expect(refused.stderr).toMatch(/0002_role\.sql, line 1: CREATE ROLE/)
    expect(refused.stderr).toContain('--scratch-url')
    expect(refused.code).toBe(8)
    // what is wrong with that server is told of its own URL
    const elsewhere = async (change: (url: URL) => void) => {
      const url = new URL(database.url)
      change(url)
      const { code, stderr } = await verify('--scratch-url', `${url}`)
      expect(stderr).toContain('--scratch-url')
      expect(stderr).not.toContain('DATABASE_URL')
      return code
    }
    expect(await elsewhere(url => (url.password = 'wrong'))).toBe(9)
    expect(await elsewhere(url => (url.pathname = '/no_such_database'))).toBe(9)
    expect(await elsewhere(url => url.searchParams.set('sslmod', 'require'))).toBe(2)
    expect(await elsewhere(url => (url.protocol = 'mysql:'))).toBe(2)
    expect((await verify('--scratch-url', database.url)).code).toBe(0)
  })

  test('a role that may make no database is told what it lacks', async ({ database }) => {
    const { dir } = await migrated(database)
    const owner = database.role('owner')
    await database.query(
      `create role ${owner} login password 'x'; grant all on all tables in schema schemagate to ${owner}; grant usage on schema schemagate to ${owner}`,
    )
    const env = { DATABASE_URL: database.urlFor(owner, 'x'), SCHEMAGATE_DIR: dir }
    const { code, stderr } = await schemagate(['verify'], { env })
    expect(stderr).toMatch(/may not make the scratch database .* createdb/)
    expect(code).toBe(9)
  })

  test('a database that is read-only is told why, and the other ways', async ({ database }) => {
    const { verify } = await migrated(database)
    await database.query(`alter database ${database.name} set default_transaction_read_only = on`)
    const { code, stderr } = await verify()
    expect(code).toBe(9)
    expect(stderr).toMatch(
      /makes a scratch database is read-only. default_transaction_read_only is on, set by .*--scratch-url/,
    )
    expect(stderr).not.toContain('DROP DATABASE')
  })

  test('a role that may make databases needs no more than that', async ({ database }) => {
    const owner = database.role('owner')
    await database.query(
      `create role ${owner} login createdb password 'x'; do $$ begin execute format('alter database %1$I owner to ${owner}; alter database %1$I set log_statement = none', current_database()); end $$`,
    )
    const { verify } = await migrated({ url: database.urlFor(owner, 'x') })
    const { code, stdout, stderr } = await verify()
    expect(stdout + stderr).toContain('the schema is as expected')
    expect(code).toBe(0)
  })

  test('what a killed run has left is dropped by the next, and what a living one uses is not', async ({ database }) => {
    const { env } = await migrated(database, {
      '0001_slow.sql': "select pg_sleep(case when current_database() like 'schemagate_verify_%' then 30 else 0 end);",
    })
    const databases = async () =>
      (await database.query<{ datname: string }>(scratch)).rows.map(({ datname }) => datname)
    const killed = start(['verify'], { env })
    await expect.poll(databases, { timeout: 20_000 }).toHaveLength(1)
    const [left] = await databases()
    const second = start(['verify'], { env })
    await expect.poll(databases, { timeout: 20_000 }).toHaveLength(2)
    expect(await databases()).toContain(left)
    killed.kill('SIGKILL')
    await killed.ended
    second.kill('SIGTERM')
    expect((await second.ended).code).toBe(143)
    await expect.poll(databases, { timeout: 20_000 }).toEqual([left])
    await database.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'schemagate migrator%'",
    )
    const third = start(['verify'], { env })
    await expect.poll(async () => (await databases()).includes(left!), { timeout: 20_000 }).toBe(false)
    third.kill('SIGTERM')
    await third.ended
    expect(await databases()).toEqual([])
  })
})

describe('baseline --verify', () => {
  test('records what is as the migrations make it', async ({ database }) => {
    const dir = await folder(users)
    await database.query(users['0001_users.sql'])
    const env = { DATABASE_URL: database.url, SCHEMAGATE_DIR: dir }
    const { code, stdout } = await schemagate(['baseline', '0001_users', '--verify'], { env })
    expect(stdout).toContain('recorded 0001_users')
    expect(code).toBe(0)
  })

  test('records nothing where the schema is another one, and says what differs', async ({ database }) => {
    const dir = await folder(users)
    await database.query(`${users['0001_users.sql']} alter table users drop constraint users_email_key`)
    const env = { DATABASE_URL: database.url, SCHEMAGATE_DIR: dir }
    const { code, stderr } = await schemagate(['baseline', '0001_users', '--verify'], { env })
    expect(stderr).toContain('Nothing was recorded')
    expect(stderr).toContain('constraint users.users_email_key: is missing, and a migration makes it')
    expect(code).toBe(7)
    expect((await database.query("select to_regclass('schemagate.ledger') as ledger")).rows).toEqual([{ ledger: null }])
    const known = { ...env, SCHEMAGATE_VERIFY_IGNORE: 'constraint *' }
    expect((await schemagate(['baseline', '0001_users', '--verify'], { env: known })).code).toBe(0)
  })
})

test('extensions that were there before the first migration do not have to be made by one', async ({ database }) => {
  await database.query('create extension citext')
  const { verify } = await migrated(database, { '0001_names.sql': 'create table names (name citext);' })
  expect((await verify()).code).toBe(0)
})

test('the migrations run under the search path that was set for the database', async ({ database }) => {
  await database.query('create schema shop')
  await database.query(`alter database ${database.name} set search_path = shop, public`)
  const { verify } = await migrated(database, {
    '0001_all.sql': 'create schema if not exists shop; create table goods (a int);',
  })
  expect((await database.query("select to_regclass('shop.goods') is not null as made")).rows).toEqual([{ made: true }])
  expect((await verify()).code).toBe(0)
})

test('a schema that was there before the first migration does not have to be made by one', async ({ database }) => {
  await database.query(
    'create schema shop; create schema "Depot"; create schema other; comment on schema shop is \'ours\'',
  )
  await database.query(`alter database ${database.name} set search_path = shop, public`)
  const { verify } = await migrated(database, {
    '0001_goods.sql': 'create table goods (id int);',
    '0002_places.sql': 'create table "Depot".places (id int); create schema yard; create table yard.cranes (id int);',
  })
  const { stdout } = await verify()
  expect(stdout).toContain('schema other: exists, and no migration makes it\n1 difference')
  await database.query('drop schema other; drop table shop.goods; create table public.goods (id int)')
  const changed = await verify()
  expect(changed.stdout).toContain('table goods: exists, and no migration makes it')
  expect(changed.stdout).toContain('table shop.goods: is missing, and a migration makes it')
  expect(changed.code).toBe(7)
})

test('what fails for something that another folder has made is not told as a fault of the file', async ({
  database,
}) => {
  await database.query('create domain email as text')
  const { verify } = await migrated(database, { '0001_users.sql': 'create table users (email email);' })
  const { code, stderr } = await verify()
  expect(code).toBe(5)
  expect(stderr).toContain('In the scratch database of verify, 0001_users failed at 0001_users.sql:1:27')
  expect(stderr).toContain('The live database was not touched.')
  expect(stderr).not.toContain('schemagate up')
})

test('an extension that no migration makes or needs is found', async ({ database }) => {
  const { verify } = await migrated(database)
  await database.query('create extension pg_trgm')
  expect((await verify()).stdout).toContain('extension pg_trgm: exists, and no migration makes it')
})
