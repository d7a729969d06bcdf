// Single changes to owners, grants and default privileges. ROLE is a role of the test's own.

import type { Row } from './change.ts'

const none = 'no migration makes it'
const make = 'the migrations make it'
const otherRights = 'has other rights than it came with, and no migration gives them'
const mine = "(the migrator's role)"

export const rights: readonly Row[] = [
  ['create table h1 (a int)', 'alter table h1 owner to ROLE', `table h1: owner is ROLE; ${make} ${mine}`],
  ['create view h2 as select 1 as a', 'alter view h2 owner to ROLE', `view h2: owner is ROLE; ${make} ${mine}`],
  ['create sequence h3', 'alter sequence h3 owner to ROLE', `sequence h3: owner is ROLE; ${make} ${mine}`],
  [
    "create function h4() returns int language sql as 'select 1'",
    'alter function h4() owner to ROLE',
    `function h4(): owner is ROLE; ${make} ${mine}`,
  ],
  ['create schema h5', 'alter schema h5 owner to ROLE', `schema h5: owner is ROLE; ${make} ${mine}`],
  ["create type h6 as enum ('a')", 'alter type h6 owner to ROLE', `type h6: owner is ROLE; ${make} ${mine}`],
  ['create table h7 (a int)', 'grant select on h7 to ROLE', `table h7: grants to ROLE: select, and ${none}`],
  [
    'create table h8 (a int); grant select, insert on h8 to ROLE',
    'revoke insert on h8 from ROLE',
    `table h8: grants to ROLE is select; ${make} insert, select`,
  ],
  [
    'create table h9 (a int); grant select on h9 to ROLE',
    'revoke all on h9 from ROLE',
    `table h9: has no grants to ROLE; ${make} select`,
  ],
  ['create table h10 (a int)', 'grant select on h10 to public', `table h10: grants to PUBLIC: select, and ${none}`],
  [
    'create table h11 (a int); grant select on h11 to ROLE',
    'grant select on h11 to ROLE with grant option',
    `table h11: grants to ROLE is select with grant option; ${make} select`,
  ],
  ['create table h12 (a int)', 'grant update (a) on h12 to ROLE', `column h12.a: grants to ROLE: update, and ${none}`],
  ['create sequence h13', 'grant usage on sequence h13 to ROLE', `sequence h13: grants to ROLE: usage, and ${none}`],
  [
    "create function h14() returns int language sql as 'select 1'",
    'revoke execute on function h14() from public',
    `function h14(): has no grants to PUBLIC; ${make} execute`,
  ],
  [
    "create function h15() returns int language sql as 'select 1'",
    'grant execute on function h15() to ROLE',
    `function h15(): grants to ROLE: execute, and ${none}`,
  ],
  [
    'create schema h16',
    'grant usage, create on schema h16 to ROLE',
    `schema h16: grants to ROLE: create, usage, and ${none}`,
  ],
  [
    "create type h17 as enum ('a')",
    'revoke usage on type h17 from public',
    `type h17: has no grants to PUBLIC; ${make} usage`,
  ],
  ['create domain h18 as int', 'grant usage on domain h18 to ROLE', `domain h18: grants to ROLE: usage, and ${none}`],
  [
    'create foreign data wrapper h19',
    'grant usage on foreign data wrapper h19 to ROLE',
    `foreign data wrapper h19: grants to ROLE: usage, and ${none}`,
  ],
  [
    'create foreign data wrapper h20; create server h20s foreign data wrapper h20',
    'grant usage on foreign server h20s to ROLE',
    `server h20s: grants to ROLE: usage, and ${none}`,
  ],
  [
    'create schema h21',
    'alter default privileges in schema h21 grant select on tables to ROLE',
    `default privileges of ${mine} in schema h21 on tables: exists, and ${none}`,
  ],
  [
    'create schema h22; alter default privileges in schema h22 grant select on tables to ROLE',
    'alter default privileges in schema h22 grant insert on tables to ROLE',
    `default privileges of ${mine} in schema h22 on tables: grants to ROLE is insert, select; ${make} select`,
  ],
  [
    'create schema h40; alter default privileges in schema h40 grant select, insert on tables to ROLE with grant option; alter default privileges in schema h40 grant usage on types to public',
    'alter default privileges in schema h40 revoke select, insert on tables from ROLE; alter default privileges in schema h40 revoke usage on types from public',
    [
      `default privileges of ${mine} in schema h40 on tables: is missing, and a migration makes it`,
      `default privileges of ${mine} in schema h40 on types: is missing, and a migration makes it`,
    ],
  ],
  [
    'create schema "h 41"; alter default privileges for role ROLE in schema "h 41" grant all on sequences to current_user',
    'alter default privileges for role ROLE in schema "h 41" revoke update, usage on sequences from current_user',
    `default privileges of ROLE in schema "h 41" on sequences: grants to ${mine} is select; ${make} select, update, usage`,
  ],
  [
    'alter default privileges for role ROLE revoke usage on types from public; alter default privileges for role ROLE grant usage on schemas to current_user; alter default privileges for role ROLE revoke delete, truncate on tables from ROLE',
    'alter default privileges for role ROLE grant usage on types to public; alter default privileges for role ROLE revoke usage on schemas from current_user; alter default privileges for role ROLE grant delete, truncate on tables to ROLE',
    ['schemas', 'tables', 'types'].map(
      kind => `default privileges of ROLE on ${kind}: is missing, and a migration makes it`,
    ),
  ],
  [
    '',
    'alter default privileges for role ROLE revoke usage, select on sequences from ROLE; alter default privileges for role ROLE grant execute on functions to current_user with grant option',
    ['functions', 'sequences'].map(kind => `default privileges of ROLE on ${kind}: exists, and ${none}`),
  ],
  // made before the default privileges that would give it more
  [
    'create schema h42; create view h42.v as select 1 as a; alter default privileges in schema h42 grant select on tables to ROLE',
    'drop view h42.v; alter default privileges in schema h42 revoke select on tables from ROLE',
    [
      `default privileges of ${mine} in schema h42 on tables: is missing, and a migration makes it`,
      'view h42.v: is missing, and a migration makes it',
    ],
  ],
  [
    '',
    'alter default privileges revoke execute on functions from public',
    `default privileges of ${mine} on functions: exists, and ${none}`,
  ],
  [
    '',
    'revoke execute on function pg_catalog.pg_sleep(double precision) from public',
    `built-in function pg_sleep(double precision): ${otherRights}`,
  ],
  ['', 'grant select on pg_catalog.pg_authid to ROLE', `built-in relation pg_authid: ${otherRights}`],
  [
    'create table h26 (a int)',
    'revoke insert on h26 from current_user',
    `table h26: grants to the owner is delete, references, select, trigger, truncate, update; ${make} delete, insert, references, select, trigger, truncate, update`,
  ],
  [
    'create materialized view h27 as select 1 as a',
    'grant select on h27 to ROLE',
    `materialized view h27: grants to ROLE: select, and ${none}`,
  ],
  ['create view h28 as select 1 as a', 'grant select on h28 to ROLE', `view h28: grants to ROLE: select, and ${none}`],
  [
    'create table h29 (a int)',
    'create policy h29_p on h29 to ROLE using (true)',
    `policy h29.h29_p: exists, and ${none}`,
  ],
  ['create publication h30', 'alter publication h30 owner to ROLE', `publication h30: owner is ROLE; ${make} ${mine}`],
  [
    'create extension hstore',
    'revoke execute on function hstore(text, text) from public',
    `extension function hstore(text,text): ${otherRights}`,
  ],
  [
    'create extension pg_stat_statements',
    'grant insert on pg_stat_statements to ROLE',
    `extension relation pg_stat_statements: ${otherRights}`,
  ],
  [
    'create extension postgres_fdw',
    'grant usage on foreign data wrapper postgres_fdw to ROLE',
    `extension foreign data wrapper postgres_fdw: ${otherRights}`,
  ],
  ['', 'revoke usage on language plpgsql from public', `extension language plpgsql: ${otherRights}`],
  ['', 'grant create on schema pg_catalog to ROLE', `built-in schema pg_catalog: ${otherRights}`],
  ['', 'grant select (prosrc) on pg_proc to ROLE', `built-in column pg_proc.prosrc: ${otherRights}`],
  [
    'create extension pg_buffercache; grant select (bufferid, relfilenode) on pg_buffercache to ROLE',
    'grant update (bufferid) on pg_buffercache to ROLE; revoke select (relfilenode) on pg_buffercache from ROLE; grant select (isdirty) on pg_buffercache to ROLE',
    [
      `extension column pg_buffercache.bufferid: grants to ROLE is select, update; ${make} select`,
      'extension column pg_buffercache.relfilenode: has the rights that it came with, and a migration gives it others',
      `extension column pg_buffercache.isdirty: ${otherRights}`,
    ],
  ],
  [
    "create aggregate h40(*) (sfunc = int8inc, stype = int8, initcond = '0')",
    'alter aggregate h40(*) owner to ROLE; revoke execute on function h40() from public',
    [`aggregate h40(): owner is ROLE; ${make} ${mine}`, `aggregate h40(): has no grants to PUBLIC; ${make} execute`],
  ],
  [
    'create table h41 (a int, b int); grant select on h41 to ROLE with grant option; grant insert (a) on h41 to ROLE with grant option',
    'set role ROLE; grant select on h41 to public; grant insert (a) on h41 to public; reset role',
    [`table h41: grants to PUBLIC: select, and ${none}`, `column h41.a: grants to PUBLIC: insert, and ${none}`],
  ],
  [
    'create sequence h42; grant usage on sequence h42 to ROLE',
    'grant usage, update on sequence h42 to ROLE with grant option; set role ROLE; grant usage on sequence h42 to public; reset role',
    [
      `sequence h42: grants to PUBLIC: usage, and ${none}`,
      `sequence h42: grants to ROLE is update with grant option, usage with grant option; ${make} usage`,
    ],
  ],
]
