// An empty ledger on a database that something else has migrated: `up` ends before anything is written, and says what is right.

import { describe, expect } from 'vitest'
import { createMigrator } from '../../../migrator/index.ts'
import { dumpDatabase } from '../../helpers/catalog.ts'
import { schemagate } from '../../helpers/cli.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { allRows, historyFixtures, historyFolder, historySql, livingSchema } from '../../helpers/histories.ts'
import { folder } from '../../helpers/migrations.ts'

const newestOnly = ['golang-migrate', 'tern', 'alembic']

function migratorOn(database: ScratchDatabase, dir: string, more = {}) {
  return createMigrator({ databaseUrl: database.url, dir, ...more })
}

/** All that a database holds. */
async function everything(database: ScratchDatabase) {
  return { catalog: await dumpDatabase(database.url, { exclude: [], grants: true }), rows: await allRows(database) }
}

describe.each(historyFixtures)('a living database of %s', tool => {
  test('up changes nothing and names it; status, check and plan say the same', async ({ database }) => {
    await database.query(`${historySql(tool)}${livingSchema}insert into accounts (name) values ('Ada');`)
    const before = await everything(database)
    const migrator = migratorOn(database, historyFolder(tool))
    const { error } = await migrator.up()
    expect(error).toMatchObject({ exitCode: 6 })
    expect(error!.message).toMatch(/^This database was migrated by .*\(\w+\.\w+: /)
    expect(error!.message).toContain(
      newestOnly.includes(tool) ? 'newest' : `${tool === 'flyway' ? 5 : 4} migrations, newest`,
    )
    expect(error!.message).toContain('schemagate adopt')
    const status = await migrator.status()
    expect(status).toMatchObject({ state: 'foreign', problems: [{ code: 'foreign', message: error!.message }] })
    expect((await migrator.check()).error).toMatchObject({ exitCode: 6, message: error!.message })
    await expect(migrator.plan()).rejects.toMatchObject({ exitCode: 6, message: error!.message })
    expect(await everything(database)).toEqual(before)
  })
})

const files = { '1_users.sql': 'create table users (id int);\n', '2_posts.sql': 'create table posts (id int);\n' }

test('the command line ends with 6 and one sentence; the flag and the variable let it run', async ({ database }) => {
  await database.query('create table accounts (id int)')
  const dir = await folder(files)
  const up = (env = {}, ...more: string[]) =>
    schemagate(['up', '--dir', dir, ...more], { env: { DATABASE_URL: database.url, ...env } })
  const refused = await up()
  expect(refused.code).toBe(6)
  expect(refused.stdout).toContain('has a table (public.accounts)')
  expect((await up({ SCHEMAGATE_ON_FOREIGN_TABLES: 'run' }, '--to', '1_users')).code).toBe(0)
  // with a row in the ledger nothing is asked
  expect((await up()).code).toBe(0)
})

describe('a history that another role has made runs none of its functions with the migrator’s rights', () => {
  const code =
    "language plpgsql immutable as $$ begin if current_user !~ 'stranger' then raise 'as %', current_user; end if; return '1'; end $$"
  const one = (more: string) => `create table alembic_version (version_num text); ${more}`
  const strange = {
    'an index of an expression': one(
      `create function x(int) returns int ${code}; create index on alembic_version ((pg_catalog.length(version_num) + x(1)))`,
    ),
    'a part of an index': one(
      `create function x(int) returns bool ${code}; create index on alembic_version (version_num) where x(1)`,
    ),
    'a table that inherits': one(
      `create function x(int) returns int ${code}; create table child () inherits (alembic_version);
       create index on child ((pg_catalog.length(version_num) + x(1)))`,
    ),
    'a type with the name of an extension’s': `create type citext as enum ('a'); create function x(citext) returns json ${code};
       create cast (citext as json) with function x(citext); create table alembic_version (version_num citext)`,
    'the type of its lock': `create table databasechangelog (id text, author text, filename text, orderexecuted int, md5sum text, dateexecuted timestamp, exectype text);
       create type held as enum ('a'); create function x(held) returns bool ${code}; create cast (held as bool) with function x(held) as implicit;
       create table databasechangeloglock (id int, locked held); insert into databasechangeloglock values (1, 'a')`,
  }
  test.for(Object.entries(strange))('%s', async ([, sql], { database }) => {
    const role = database.role('stranger')
    await database.query(`create role ${role}; grant create, usage on schema public to ${role};
      set role ${role}; set check_function_bodies = off; ${sql}`)
    const migrator = migratorOn(database, await folder(files))
    const told =
      /^This database (was migrated by .*functions of its owner, \w+, would run with this role's rights|has a table)/
    expect((await migrator.up()).error).toMatchObject({ exitCode: 6, message: expect.stringMatching(told) })
    expect(await migrator.status()).toMatchObject({
      problems: [{ code: 'foreign', message: expect.stringMatching(told) }],
    })
  })
})

test('a history is known also where a database quotes all identifiers', async ({ database }) => {
  await database.query(`alter database ${database.name} set quote_all_identifiers = on`)
  await database.query(historySql('drizzle'))
  const { error } = await migratorOn(database, await folder(files)).up()
  expect(error!.message).toMatch(/^This database was migrated by Drizzle/)
})

test('following is no way out where no manifest can be made from the tool’s files', async ({ database }) => {
  const dir = await folder(files)
  for (const tool of ['liquibase', 'sqitch']) {
    await database.query(`drop schema public cascade; create schema public; ${historySql(tool)}`)
    expect((await migratorOn(database, dir).up()).error!.message).not.toContain('--follow')
    const adoption = migratorOn(database, dir).adopt({ from: tool })
    await expect(adoption).rejects.toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('--follow') }),
    )
  }
})

test('the baseline is named that fits', async ({ database }) => {
  await database.query(historySql('golang-migrate').replace('(4, false)', '(3, false)'))
  const { error } = await migratorOn(database, historyFolder('golang-migrate')).up()
  expect(error!.message).toContain('schemagate baseline 000003_comments.')
})

test('what belongs to an extension, an empty history and an empty database are no reason', async ({ database }) => {
  await database.query('create extension pg_trgm')
  await database.query('create table ours (id int); alter extension pg_trgm add table ours')
  await database.query('create table alembic_version (version_num varchar(32) primary key)')
  const { error, exitCode } = await migratorOn(database, await folder(files)).up()
  expect([error, exitCode]).toEqual([undefined, 0])
})

test('the ledger of another project in the same database is named as such', async ({ database }) => {
  const other = await folder({ '1_other.sql': 'create table other (id int);\n' })
  expect((await migratorOn(database, other, { schema: 'theirs' }).up()).exitCode).toBe(0)
  const { error } = await migratorOn(database, await folder(files)).up()
  expect(error).toMatchObject({ exitCode: 6 })
  expect(error!.message).toContain('another schemagate ledger (theirs.ledger: 1 migration, newest 1_other)')
  expect(error!.message).toContain('--schema theirs')
})

test('three tools in one database are all named, and a table in another schema is found', async ({ database }) => {
  const elsewhere = historySql('goose').replaceAll('public.', 'ops.')
  await database.query(`create schema ops; ${elsewhere}; ${historySql('knex')}; ${historySql('sequelize')}`)
  const dir = await folder(files)
  const { stdout, stderr } = await schemagate(['up', '--dir', dir], { env: { DATABASE_URL: database.url } })
  expect(stdout).toContain('goose (ops.goose_db_version: 4 migrations, newest 4)')
  expect(stdout).toContain('Knex (public.knex_migrations: 4 migrations')
  expect(stdout).toContain('Sequelize (public.SequelizeMeta: 4 migrations')
  // no warning of pg's either
  expect(stderr).toBe('')
})

test('of several histories the one is offered that the files are of, by a name that leads to it', async ({
  database,
}) => {
  const golang = historySql('golang-migrate')
  const dir = historyFolder('golang-migrate')
  const told = async () => (await migratorOn(database, dir).up()).error!.message
  const adopts = async (message: string) => {
    const options = /schemagate adopt (--\S+ \S+)\./.exec(message)![1]!.split(' ')
    const env = { DATABASE_URL: database.url, SCHEMAGATE_DIR: dir }
    expect((await schemagate(['adopt', '--dry-run', ...options], { env })).code).toBe(0)
  }
  // Harbor's first migration makes the table of the tool that it had before
  await database.query(`create table alembic_version (version_num varchar(32) primary key);
    insert into alembic_version values ('1.6.0'); ${golang} ${livingSchema}`)
  const besides = await told()
  expect(besides).toContain('Alembic (public.alembic_version: newest 1.6.0) and golang-migrate (')
  expect(besides).toContain('schemagate adopt --from golang-migrate.')
  expect(besides).not.toContain('--follow alembic')
  await adopts(besides)

  await database.query('alter table schema_migrations rename to wh_schema_migrations')
  await database.query('create table jobs_schema_migrations as select 90 as version, false as dirty')
  await database.query('alter table jobs_schema_migrations alter version type bigint')
  const two = await told()
  expect(two).toContain('schemagate follow --follow golang-migrate --history public.wh_schema_migrations.')
  expect(two).not.toContain('--history public.jobs_schema_migrations')
  await adopts(two)
})

test('of several histories of which none is this folder’s no single one is offered', async ({ database }) => {
  // as a platform brings them along: each of its services has its own
  await database.query(`create schema auth; create table auth.schema_migrations (version varchar(255) primary key);
    insert into auth.schema_migrations values ('20200101000000'); create schema bus;
    create table bus.schema_migrations (version bigint primary key, inserted_at timestamp(0));
    insert into bus.schema_migrations values (20200101000000, now())`)
  const told = async () => (await migratorOn(database, historyFolder('dbmate')).up()).error!.message
  expect(await told()).toMatch(/None of these histories has a migration of this folder\. .* --on-foreign-tables run\.$/)
  expect(await told()).not.toContain('--from dbmate')
  await database.query("insert into auth.schema_migrations values ('20240101000000')")
  expect(await told()).toContain('schemagate adopt --from dbmate.')
})

test('a history that may not be read is named with the grant that is missing', async ({ database }) => {
  await database.query(historySql('goose'))
  const role = database.role('reader')
  await database.query(`create role ${role} login password 'x'`)
  await database.query(`grant all on schema public to ${role}; grant create on database ${database.name} to ${role}`)
  const { error } = await createMigrator({ databaseUrl: database.urlFor(role, 'x'), dir: historyFolder('goose') }).up()
  expect(error).toMatchObject({ exitCode: 6 })
  expect(error!.message).toContain('grant select on "public"."goose_db_version"')
})

test('a ledger that down has emptied is this project’s own', async ({ database }) => {
  const dir = await folder({
    '1_users.sql': '-- migrate:up\ncreate table users (id int);\n-- migrate:down\nselect 1;\n',
  })
  const migrator = migratorOn(database, dir)
  expect((await migrator.up()).exitCode).toBe(0)
  expect((await migrator.down({ confirmed: true })).exitCode).toBe(0)
  await database.query('alter table users rename to people')
  expect((await migrator.up()).exitCode).toBe(0)
})

test('a ledger that has lost its rows is not taken for one that down has emptied, also by one that was killed', async ({
  database,
}) => {
  const dir = await folder({
    '1_t.sql':
      '-- migrate:up\ncreate table if not exists t (n int);\ninsert into t values (1);\n-- migrate:down\nselect 1;\n',
  })
  const migrator = migratorOn(database, dir)
  expect((await migrator.up()).exitCode).toBe(0)
  await database.query('create table kept as select * from schemagate.manifest')
  await database.query('delete from schemagate.ledger')
  const lost = await migrator.up()
  expect(lost.error).toMatchObject({ exitCode: 6 })
  expect(await migrator.status()).toMatchObject({ state: 'foreign' })
  expect((await database.query('select n from t')).rows).toEqual([{ n: 1 }])
  expect((await migrator.baseline('1_t')).recorded).toEqual(['1_t'])

  expect((await migrator.down({ confirmed: true })).exitCode).toBe(0)
  // as a run leaves it that was killed before it published
  await database.query('delete from schemagate.manifest; insert into schemagate.manifest select * from kept')
  expect((await migrator.up()).exitCode).toBe(0)
  expect((await database.query('select n from t')).rows).toEqual([{ n: 1 }, { n: 1 }])
})
