// Single changes to types, operators, casts, collations, text search, and to what is the database's as a whole.

import type { Row } from './change.ts'

const none = 'no migration makes it'
const make = 'the migrations make it'

export const types: readonly Row[] = [
  ["create type e1 as enum ('a', 'b')", "alter type e1 add value 'c'", `type e1: labels is a, b, c; ${make} a, b`],
  [
    "create type e2 as enum ('a', 'c')",
    "alter type e2 add value 'b' before 'c'",
    `type e2: labels is a, b, c; ${make} a, c`,
  ],
  [
    "create type e3 as enum ('a', 'b')",
    "alter type e3 rename value 'b' to 'z'",
    `type e3: labels is a, z; ${make} a, b`,
  ],
  [
    "create type e4 as enum ('a', 'b')",
    "drop type e4; create type e4 as enum ('b', 'a')",
    `type e4: labels is b, a; ${make} a, b`,
  ],
  ['', "create type e5 as enum ('a')", `type e5: exists, and ${none}`],
  ["create type e6 as enum ('a')", 'drop type e6', 'type e6: is missing, and a migration makes it'],
  ["create type e7 as enum ('a')", "comment on type e7 is 'x'", `type e7: comment: x, and ${none}`],
  ['create domain d1 as int', 'alter domain d1 set default 4', `domain d1: default: 4, and ${none}`],
  ['create domain d2 as int', 'alter domain d2 set not null', `domain d2: nullability: not null, and ${none}`],
  [
    'create domain d3 as varchar(3)',
    'drop domain d3; create domain d3 as varchar(4)',
    `domain d3: type is character varying(4); ${make} character varying(3)`,
  ],
  [
    'create domain d4 as text',
    'drop domain d4; create domain d4 as text collate "C"',
    `domain d4: collation: pg_catalog."C", and ${none}`,
  ],
  ['create type o1 as (a int)', 'alter type o1 add attribute b int', [`type o1: attributes is a, b; ${make} a`]],
  [
    'create type o2 as (a int)',
    'alter type o2 alter attribute a type bigint',
    `attribute o2.a: type is bigint; ${make} integer`,
  ],
  [
    'create type o3 as (a int, b int)',
    'drop type o3; create type o3 as (b int, a int)',
    `type o3: attributes is b, a; ${make} a, b`,
  ],
  [
    'create type r1 as range (subtype = int)',
    'drop type r1; create type r1 as range (subtype = bigint)',
    [
      `type r1: operator class is pg_catalog.int8_ops; ${make} pg_catalog.int4_ops`,
      `type r1: subtype is bigint; ${make} integer`,
    ],
  ],
  [
    'create type r2 as range (subtype = float8)',
    'drop type r2; create type r2 as range (subtype = float8, subtype_diff = float8mi)',
    `type r2: subtype difference: float8mi(double precision,double precision), and ${none}`,
  ],
  ['', 'create type r3 as range (subtype = int)', `type r3: exists, and ${none}`],
  [
    '',
    'create operator === (leftarg = int, rightarg = int, function = int4eq)',
    `operator ===(integer,integer): exists, and ${none}`,
  ],
  [
    'create operator =!= (leftarg = int, rightarg = int, function = int4eq)',
    'drop operator =!= (int, int); create operator =!= (leftarg = int, rightarg = int, function = int4ne)',
    `operator =!=(integer,integer): function is int4ne(integer,integer); ${make} int4eq(integer,integer)`,
  ],
  [
    'create operator =%= (leftarg = int, rightarg = int, function = int4eq)',
    'alter operator =%= (int, int) set (restrict = eqsel)',
    `operator =%=(integer,integer): restrict: eqsel(internal,oid,internal,integer), and ${none}`,
  ],
  [
    '',
    'create operator class oc1 for type int using btree as operator 3 =, function 1 btint4cmp(int, int)',
    [`operator class oc1 using btree: exists, and ${none}`, `operator family oc1 using btree: exists, and ${none}`],
  ],
  [
    'create operator family of1 using btree',
    'alter operator family of1 using btree add operator 3 = (int, int)',
    `operator family of1 using btree: operator 3 (integer, integer): =(integer,integer), and ${none}`,
  ],
  ["create type ca1 as enum ('a')", 'create cast (ca1 as text) with inout', `cast ca1 as text: exists, and ${none}`],
  [
    "create type ca2 as enum ('a'); create cast (ca2 as text) with inout",
    'drop cast (ca2 as text); create cast (ca2 as text) with inout as implicit',
    `cast ca2 as text: context is implicit; ${make} explicit`,
  ],
  ['', `create collation co1 (locale = 'C')`, `collation co1: exists, and ${none}`],
  [
    `create collation co2 (provider = icu, locale = 'en')`,
    `drop collation co2; create collation co2 (provider = icu, locale = 'en', deterministic = false)`,
    `collation co2: deterministic: no, and ${none}`,
  ],
  ['', "create conversion cv1 for 'LATIN1' to 'UTF8' from iso8859_1_to_utf8", `conversion cv1: exists, and ${none}`],
  [
    'create text search configuration ts1 (copy = simple)',
    'alter text search configuration ts1 alter mapping for word with english_stem',
    `text search configuration ts1: mapping for word is english_stem; ${make} simple`,
  ],
  [
    'create text search configuration ts2 (copy = simple)',
    'alter text search configuration ts2 drop mapping for int',
    `text search configuration ts2: has no mapping for int; ${make} simple`,
  ],
  [
    'create text search dictionary td1 (template = simple, accept = true)',
    'alter text search dictionary td1 (accept = false)',
    `text search dictionary td1: options is accept = 'false'; ${make} accept = 'true'`,
  ],
  ['', 'create text search template tt1 (lexize = dsimple_lexize)', `text search template tt1: exists, and ${none}`],
  [
    '',
    'create text search parser tp1 (start = prsd_start, gettoken = prsd_nexttoken, end = prsd_end, lextypes = prsd_lextype)',
    `text search parser tp1: exists, and ${none}`,
  ],
  ['', 'create schema sc1', `schema sc1: exists, and ${none}`],
  [
    'create schema sc2; create table sc2.t (a int)',
    'drop schema sc2 cascade',
    ['schema sc2: is missing, and a migration makes it', 'table sc2.t: is missing, and a migration makes it'],
  ],
  ['create schema sc3', "comment on schema sc3 is 'x'", `schema sc3: comment: x, and ${none}`],
  [
    "create extension pg_trgm version '1.5'",
    "alter extension pg_trgm update to '1.6'",
    `extension pg_trgm: version is 1.6; ${make} 1.5`,
  ],
  ['', 'create extension citext', `extension citext: exists, and ${none}`],
  [
    'create extension fuzzystrmatch',
    'drop extension fuzzystrmatch',
    'extension fuzzystrmatch: is missing, and a migration makes it',
  ],
  [
    'create schema sc4; create extension hstore',
    'alter extension hstore set schema sc4',
    `extension hstore: schema is sc4; ${make} public`,
  ],
  [
    'create publication pb1',
    "alter publication pb1 set (publish = 'insert')",
    `publication pb1: operations is insert; ${make} insert, update, delete, truncate`,
  ],
  [
    'create table pb2t (a int primary key); create publication pb2',
    'alter publication pb2 add table pb2t',
    `publication pb2: table public.pb2t: all columns, and ${none}`,
  ],
  [
    'create table pb3t (a int primary key, b int); create publication pb3 for table pb3t',
    'alter publication pb3 set table pb3t (a) where (a > 1)',
    `publication pb3: table public.pb3t is columns a where (a > 1); ${make} all columns`,
  ],
  ['create publication pb4', 'drop publication pb4', 'publication pb4: is missing, and a migration makes it'],
  [
    'create publication pb5',
    'alter publication pb5 set (publish_via_partition_root = true)',
    `publication pb5: publish via partition root: yes, and ${none}`,
  ],
  [
    'create schema sc5; create publication pb6',
    'alter publication pb6 add tables in schema sc5',
    `publication pb6: schema sc5: all tables, and ${none}`,
  ],
  ['', 'create publication pb7 for all tables', `publication pb7: exists, and ${none}`],
  [
    "create function ev1() returns event_trigger language plpgsql as 'begin end'",
    'create event trigger ev1_t on ddl_command_end execute function ev1()',
    `event trigger ev1_t: exists, and ${none}`,
  ],
  [
    "create function ev2() returns event_trigger language plpgsql as 'begin end'; create event trigger ev2_t on ddl_command_end execute function ev2()",
    'alter event trigger ev2_t disable',
    `event trigger ev2_t: state: disabled, and ${none}`,
  ],
  [
    "create function ev3() returns event_trigger language plpgsql as 'begin end'; create event trigger ev3_t on ddl_command_end execute function ev3()",
    "drop event trigger ev3_t; create event trigger ev3_t on ddl_command_end when tag in ('CREATE TABLE') execute function ev3()",
    `event trigger ev3_t: tags: CREATE TABLE, and ${none}`,
  ],
  ['', 'create foreign data wrapper fw1', `foreign data wrapper fw1: exists, and ${none}`],
  [
    'create foreign data wrapper fw2; create server sv1 foreign data wrapper fw2',
    "alter server sv1 version '9'",
    `server sv1: version: 9, and ${none}`,
  ],
  [
    "create foreign data wrapper fw3; create server sv2 foreign data wrapper fw3 options (host 'a')",
    "alter server sv2 options (set host 'b')",
    `server sv2: option host is b; ${make} a`,
  ],
  [
    'create foreign data wrapper fw4; create server sv3 foreign data wrapper fw4',
    "create user mapping for public server sv3 options (password 'hidden')",
    `user mapping for PUBLIC on server sv3: exists, and ${none}`,
  ],
  [
    "create foreign data wrapper fw5; create server sv4 foreign data wrapper fw5; create user mapping for public server sv4 options (user 'a')",
    "alter user mapping for public server sv4 options (set user 'b', add password 'hidden')",
    [
      `user mapping for PUBLIC on server sv4: option password: (set), and ${none}`,
      `user mapping for PUBLIC on server sv4: option user is b; ${make} a`,
    ],
  ],
  [
    'create foreign data wrapper fw6; create server sv5 foreign data wrapper fw6; create foreign table ft1 (a int) server sv5',
    "alter foreign table ft1 options (file 'x')",
    `foreign table ft1: option file: x, and ${none}`,
  ],
  [
    'create foreign data wrapper fw7; create server sv6 foreign data wrapper fw7; create foreign table ft2 (a int) server sv6',
    "alter foreign table ft2 alter a options (column_name 'x')",
    `column ft2.a: option column_name: x, and ${none}`,
  ],
  ['', 'create access method am1 type index handler bthandler', `access method am1: exists, and ${none}`],
  [
    '',
    'create transform for int language sql (from sql with function prsd_lextype(internal))',
    `transform for integer language sql: exists, and ${none}`,
  ],
  ['', 'create trusted language la1 handler plpgsql_call_handler', `language la1: exists, and ${none}`],
]
