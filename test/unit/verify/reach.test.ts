// What reaches beyond a database, told by the grammar.

import { describe, expect, test } from 'vitest'
import { readFolder } from '../../../migrator/files/folder.ts'
import { findReach } from '../../../migrator/verify/scratch/reach.ts'
import { folder } from '../../helpers/migrations.ts'

async function reachOf(sql: string, name = '0001_a.sql') {
  const dir = await folder({ [name]: sql })
  return findReach(readFolder(dir, { onLeftOut() {} }))
}

describe('reaches beyond', () => {
  test.for<[string, RegExp]>([
    ['create role app', /CREATE ROLE/],
    ['create user app', /CREATE ROLE/],
    ["alter role app password 'x'", /ALTER ROLE/],
    ['alter role app set search_path = x', /ALTER ROLE \.\.\. SET/],
    ['alter role app in database d set search_path = x', /ALTER ROLE \.\.\. SET/],
    ['drop role if exists app', /DROP ROLE/],
    ['grant a to b', /a grant of a role/],
    ['reassign owned by a to b', /REASSIGN OWNED/],
    ['drop owned by a', /DROP OWNED/],
    ['create database d', /CREATE DATABASE/],
    ['alter database d set search_path = x', /ALTER DATABASE/],
    ['alter database d owner to x', /the new owner of a database/],
    ['grant connect on database d to x', /a grant on a database/],
    ["comment on database d is 'x'", /a comment on a database/],
    ["comment on role r is 'x'", /a comment on a role/],
    ['alter role a rename to b', /the new name of a role/],
    ["create tablespace t location '/x'", /CREATE TABLESPACE/],
    ["alter system set work_mem = '1MB'", /ALTER SYSTEM/],
    ["create subscription s connection 'x' publication p", /CREATE SUBSCRIPTION/],
    ['create server s foreign data wrapper w', /a foreign server/],
    ["select dblink('a', 'b')", /a call of dblink/],
    ["select * from public.dblink('a', 'b') as t (a int)", /a call of dblink/],
    ["insert into t select pg_create_logical_replication_slot('a', 'b')", /a call of pg_create_logical/],
    ['select pg_terminate_backend(pid) from pg_stat_activity', /a call of pg_terminate_backend/],
    ["copy t from program 'curl x'", /COPY with a program/],
    ["copy t to '/tmp/x'", /COPY to a file/],
    ["create function f() returns int language plpython3u as 'x'", /the language plpython3u/],
    ["create function f() returns int language c as 'a', 'b'", /the language c/],
    ['do $$ begin create role app; end $$', /CREATE ROLE/],
    [
      "do $$ begin if not exists (select from pg_roles where rolname = 'a') then create role a; end if; end $$",
      /CREATE ROLE/,
    ],
    ["do $$ begin execute 'alter role a superuser'; end $$", /ALTER ROLE/],
    ["do $$ begin execute format('create role %I login password %L', 'a', 'b'); end $$", /CREATE ROLE/],
    ["do $$ begin execute 'drop role ' || quote_ident('a'); end $$", /DROP ROLE/],
    ["do $$ begin perform dblink('a', 'b'); end $$", /a call of dblink/],
    ['do $$ declare x text; begin x := pg_reload_conf()::text; end $$', /a call of pg_reload_conf/],
    ['do $$ declare x text; begin execute x; end $$', /EXECUTE of a text that cannot be told/],
    ["do $$ begin execute 'alter role ' || current_user || ' superuser'; end $$", /ALTER ROLE/],
    ["do $$ begin execute 'select count(*) from dblink(' || quote_literal('x') || ')'; end $$", /EXECUTE of a text/],
    ["do $$ begin execute format('update t set a = dblink(%s,)', 'x'); end $$", /EXECUTE of a text/],
    ["create function f() returns void language sql as 'create role a'", /CREATE ROLE/],
    ["create function f() returns void language plpgsql as 'begin create role a; end'", /CREATE ROLE/],
    ["create function f() returns void language sql begin atomic select dblink('a', 'b'); end", /a call of dblink/],
  ])('%s', async ([sql, what]) => {
    const [reach] = await reachOf(`create table first (a int);\n\n${sql};`)
    expect(reach?.what).toMatch(what)
    expect(reach?.line).toBe(3)
  })

  test('code', async () => {
    expect(await reachOf('export async function up() {}', '0001_a.ts')).toMatchObject([
      { line: 1, what: 'it is code, which may do anything' },
    ])
  })
})

describe('stays inside', () => {
  test.for([
    "create table roles (role text); comment on column roles.role is 'create role app'",
    "insert into notes values ('alter system set x = 1; drop database d')",
    '-- create role app\nselect 1',
    'create table dblink (a int); select a as pg_terminate_backend from dblink',
    'grant select on t to app; alter table t owner to app; create policy p on t to app using (true)',
    'alter default privileges grant select on tables to app',
    'create extension if not exists pgcrypto',
    'create publication p for all tables',
    'do $$ begin create table t (a int); exception when duplicate_table then null; end $$',
    "do $$ declare r record; begin for r in select tablename from pg_tables loop execute format('alter table %I add column x int', r.tablename); end loop; end $$",
    "do $$ begin execute 'create table x_' || to_char(now(), 'YYYY') || ' (a int)'; end $$",
    "do $$ begin execute format('create index on %I (a)', 't') using 1; end $$",
    "do $$ begin execute 'update ' || quote_ident('t') || ' set a = 1'; end $$",
    "do $$ begin execute 'drop foreign table ' || quote_ident('t'); end $$",
    'do $do$ begin execute format($$update %I."t$" set a = (%2$s,)$$, \'s\', 1); end $do$',
    "create function f() returns trigger language plpgsql as $f$ begin execute 'insert into log select $1.*' using new; return new; end $f$",
    "create function f() returns int language internal as 'int4pl'",
    'set role app; reset role; set search_path = app',
    'copy t from stdin',
  ])('%s', async sql => {
    expect(await reachOf(`${sql};`)).toEqual([])
  })
})
