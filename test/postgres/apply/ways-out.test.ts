// What a failed migration is told to do: "correct the file" only where the file is what is wrong.

import { expect } from 'vitest'
import { createMigrator } from '../../../migrator/index.ts'
import { test } from '../../helpers/database.ts'
import { folder } from '../../helpers/migrations.ts'

/** The message of a run that fails. */
async function failure(databaseUrl: string, files: Record<string, string>): Promise<string> {
  const { error } = await createMigrator({ databaseUrl, dir: await folder(files), onForeignTables: 'run' }).up()
  expect(error?.exitCode, error?.message).toBe(5)
  return error!.message
}

test('where the database or the server lacks something, or is full, that is what is to be mended', async ({
  database,
}) => {
  await database.query("create table t (a int, b text); insert into t values (1), (1); create type m as enum ('a')")
  const state = (code: string) => `do $$ begin raise 'the server says so' using errcode = '${code}'; end $$;`
  for (const [sql, way] of [
    ['create extension nothere;', 'lacks this extension'],
    ["begin; alter type m add value 'b'; select 'b'::m; commit;", "take the file's own BEGIN and COMMIT out of it"],
    ["create function f() returns int language c as 'nolib', 'x';", 'lacks this extension or library'],
    ['grant select on t to no_such_role;', 'The server has no such role'],
    ['alter table t owner to no_such_role;', 'The server has no such role'],
    ['create policy p on t to no_such_role;', 'The server has no such role'],
    ['create index on t using gin (b gin_trgm_ops);', 'create that extension in this database first'],
    ['create index on t using hnsw (b);', 'create that extension in this database first'],
    ['create table u (a citext);', 'create that extension in this database first'],
    ['select uuid_generate_v4();', 'create that extension in this database first'],
    ["select 'a'::text <~> 'b'::text;", 'create that extension in this database first'],
    ['create table u (a text collate "xx-nope");', 'has no such object (a collation'],
    ["create collation z (provider = libc, locale = 'xx_NOPE');", 'does not have this locale'],
    ["create function f() returns int language plpython3u as 'x';", 'does not have this language'],
    ['create table u (a int) tablespace no_such_space;', 'has no such object'],
    ['create table auth.u (a int);', 'make it in this database first'],
    [
      'set local search_path = nowhere; create table u (a int);',
      'the search path (of the URL, the role or the database)',
    ],
    ['create function auth.f() returns int language sql as $$select 1$$;', 'make it in this database first'],
    ['set of_a_newer_release = 0;', 'does not know this setting'],
    ["select current_setting('app.tenant');", 'does not know this setting'],
    ['create unique index on t (a);', 'Rows that are in the database do not fit'],
    ['alter table t add constraint c check (a > 1);', 'Rows that are in the database do not fit'],
    ['alter database no_such_database set work_mem = 100;', 'has no database of this name'],
    ['create role postgres;', 'belongs to the whole server'],
    ["set shared_buffers = '1MB';", "belongs in the server's own configuration"],
    [state('42501'), "Grant the right to the migrator's role"],
    [state('53100'), 'disk is full'],
    [state('53200'), 'ran out of memory'],
    [state('53400'), 'a limit of its configuration'],
    [state('58030'), 'a fault of its own'],
    [state('P0001'), 'The file raised it itself, or a trigger'],
  ] as const) {
    const message = await failure(database.url, { '1_a.sql': sql })
    expect(message, sql).toMatch(way)
    expect(message, sql).not.toMatch(/Correct the file and/)
    expect(message, sql).toMatch(/; then run `schemagate up` again\.(\nThe ledger is empty.*)?$/)
  }
  for (const sql of ['selct 1;', 'select 1/0;', 'select nothing from t;', 'drop table no_such_table;'])
    expect(await failure(database.url, { '1_a.sql': sql }), sql).toMatch(
      /Correct the file and run `schemagate up` again\.$/,
    )
})

test('a first file that finds its objects there is told that the database was migrated before', async ({
  database,
}) => {
  const hint = 'The ledger is empty, but the database has 1 table: it seems to have been migrated before'
  // nothing of a migration's own, and nothing that any new database has, counts as migrated
  for (const sql of ['create schema public;', 'create table a (); create table a ();'])
    expect(await failure(database.url, { '1_a.sql': sql }), sql).not.toContain('migrated before')

  await database.query(`create table t (a int primary key); create type e as enum ('a'); create schema s;
    create function f() returns int language sql as 'select 1'; create index i on t (a)`)
  for (const sql of [
    'create table t ();',
    'create index concurrently i on t (a);',
    'alter table t add a int;',
    "create type e as enum ('a');",
    "create function f() returns int language sql as 'select 1';",
    'create schema s;',
    'alter table t add primary key (a);',
  ]) {
    const message = await failure(database.url, { '1_a.sql': sql, '2_b.sql': 'select 2;' })
    expect(message, sql).toContain(hint)
    expect(message, sql).toContain('schemagate baseline NAME')
  }
  // with something in the ledger the same is a slip in the file
  const second = await failure(database.url, { '0_a.sql': 'select 0;', '1_a.sql': 'create table t ();' })
  expect(second).not.toContain('migrated before')
})

test('a search_path that was set for later sessions is named where a later file misses its objects', async ({
  database,
}) => {
  const name = `"${database.name}"`
  const files = {
    '1_a.sql': `create schema app; create table app.users (); alter database ${name} set search_path = app, public;`,
    '2_b.sql': 'alter table users add id int;',
  }
  const message = await failure(database.url, files)
  expect(message).toContain(
    `The search_path of the database ${database.name} was set to app, public after this run had connected`,
  )
  expect(message).toContain('Run `schemagate up` again')
  const dir = await folder(files)
  expect(await createMigrator({ databaseUrl: database.url, dir }).up()).toMatchObject({ outcome: 'applied' })
  // a session that has it is not told so
  const third = { ...files, '3_c.sql': 'alter table nothing add id int;' }
  expect(await failure(database.url, third)).not.toContain('search_path')
})

test('where the server has no room for what the run writes itself, that is what is to be mended', async ({
  database,
}) => {
  const files = { '1_a.sql': 'select 1;' }
  const options = { databaseUrl: database.url, dir: await folder(files) }
  expect(await createMigrator(options).up()).toMatchObject({ exitCode: 0 })
  await database.query(`create function no_room() returns trigger language plpgsql as $$
      begin raise 'could not extend file' using errcode = 'disk_full'; end $$;
    create trigger no_room before insert or update on schemagate.manifest for each row execute function no_room()`)
  const { error } = await createMigrator({ ...options, dir: await folder({ ...files, '2_b.sql': 'select 2;' }) }).up()
  expect(error).toMatchObject({ exitCode: 3 })
  expect(error?.message).toMatch(/\(53100\): .*disk is full\. Make room on it; then run it again\.$/)
})
