// Single changes whose remedy makes a function, a publication or a constraint again, or changes it in its place.

import type { Row } from './change.ts'

const none = 'no migration makes it'
const make = 'the migrations make it'
const mine = "(the migrator's role)"
const missing = 'is missing, and a migration makes it'

export const made: readonly Row[] = [
  [
    '',
    "create function n1() returns text language sql as $x$select '$$ $body$ $body1'::text$x$",
    [`function n1(): exists, and ${none}`],
  ],
  [
    "create function n2(a int default 3, variadic b text[] default '{}') returns table (x int, \"Y z\" text) language plpgsql stable parallel safe strict leakproof security definer cost 7 rows 9 set search_path = public, pg_temp set work_mem = '5MB' set application_name = 'it''s' as $$begin return query select 1, 'a'::text; end$$",
    'create or replace function n2(a int default 3, variadic b text[] default \'{}\') returns table (x int, "Y z" text) language plpgsql as $$begin return; end$$',
    [
      `function n2(integer,text[]): body is begin return; end; ${make} begin return query select 1, 'a'::text; end`,
      `function n2(integer,text[]): cost is 100; ${make} 7`,
      `function n2(integer,text[]): has no leakproof; ${make} yes`,
      `function n2(integer,text[]): parallel is unsafe; ${make} safe`,
      `function n2(integer,text[]): rows is 1000; ${make} 9`,
      `function n2(integer,text[]): has no security; ${make} definer`,
      `function n2(integer,text[]): has no setting application_name; ${make} it's`,
      `function n2(integer,text[]): has no setting search_path; ${make} public, pg_temp`,
      `function n2(integer,text[]): has no setting work_mem; ${make} 5MB`,
      `function n2(integer,text[]): has no strict; ${make} yes`,
      `function n2(integer,text[]): volatility is volatile; ${make} stable`,
    ],
  ],
  [
    'create function n3(a int) returns int language sql immutable return a + 1',
    'drop function n3(int)',
    [`function n3(integer): ${missing}`],
  ],
  [
    'create table n4 (a int, b text); create function n4(x int) returns setof n4 language sql begin atomic select * from n4 where a = x; select * from n4; end',
    'drop function n4(int)',
    [`function n4(integer): ${missing}`],
  ],
  [
    "create table n5 (a int); create procedure n5(inout p int, out r int, in q text default $q$x'y$q$) language plpgsql set search_path = '' as $$begin r := 1; end$$; comment on procedure n5(int,text) is 'c'; revoke execute on procedure n5(int, text) from public; grant execute on procedure n5(int, text) to ROLE",
    'drop procedure n5(int, text)',
    [`procedure n5(integer,text): ${missing}`],
  ],
  [
    "create procedure n6(a int) language sql security definer as 'select 1'",
    "create or replace procedure n6(a int) language sql security invoker as 'select 2'",
    [
      `procedure n6(integer): body is select 2; ${make} select 1`,
      `procedure n6(integer): has no security; ${make} definer`,
    ],
  ],
  [
    "create function n7(int, int) returns bool language internal immutable strict as 'int4eq'",
    'drop function n7(int,int)',
    [`function n7(integer,integer): ${missing}`],
  ],
  [
    "create function n8() returns trigger language plpgsql as 'begin return new; end'; create table n8 (a int); create trigger n8_t before insert on n8 for each row execute function n8()",
    'drop function n8() cascade',
    [`function n8(): ${missing}`, `trigger n8.n8_t: ${missing}`],
  ],
  [
    "create table n9 (a int, b int); create function n9() returns bigint language sql as 'select count(b) from n9'; create function n9b() returns bigint language sql as 'select n9()'; create view n9v as select n9b() as x",
    'drop view n9v; drop function n9(); drop function n9b(); alter table n9 drop b',
    [`function n9(): ${missing}`, `column n9.b: ${missing}`, `function n9b(): ${missing}`, `view n9v: ${missing}`],
  ],
  [
    "create table n10 (a int); create function n10() returns bigint language sql as 'select count(*) from n10'",
    'drop function n10(); drop table n10',
    [`table n10: ${missing}`, `function n10(): ${missing}`],
  ],
  [
    'create table n10b (a int); create function n10b() returns bigint language sql as $$select count(*) from n10b$$',
    'drop function n10b(); drop table n10b',
    [`table n10b: ${missing}`, `function n10b(): ${missing}`],
  ],
  [
    "create type n11 as enum ('a'); create function n11f(x n11) returns n11 language sql as $$select x$$",
    'drop function n11f; drop type n11',
    [`type n11: ${missing}`, `function n11f(public.n11): ${missing}`],
  ],
  [
    'create schema "n 12"; create function "n 12"."F(x)"("A b" int) returns int language sql as $$select 1$$',
    'drop function "n 12"."F(x)"(int)',
    [`function "n 12"."F(x)"(integer): ${missing}`],
  ],
  [
    "create function n13() returns int language sql as 'select 1'; alter default privileges revoke execute on functions from public; create function n13b() returns int language sql as 'select 1'; alter default privileges grant execute on functions to public",
    'drop function n13b(); drop function n13()',
    [`function n13(): ${missing}`, `function n13b(): ${missing}`],
  ],
  [
    "create extension seg; create function n14() returns int language sql as 'select 1'; alter function n14() depends on extension seg",
    "create or replace function n14() returns int language sql as 'select 2'; alter function n14() depends on extension seg",
    [`function n14(): body is select 2; ${make} select 1`],
  ],
  [
    "create function n15() returns event_trigger language plpgsql as 'begin end'; create event trigger n15_t on ddl_command_end when tag in ('CREATE TABLE', 'DROP TABLE') execute function n15(); alter event trigger n15_t enable always; comment on event trigger n15_t is 'x'",
    'drop event trigger n15_t',
    [`event trigger n15_t: ${missing}`],
  ],
  [
    "create table n16 (a int primary key, b int, c bool); create table n16p (a int primary key) partition by list (a); create publication n16 for table n16 (a, b) where (a > 1 and b < 3), n16p with (publish = 'insert,delete', publish_via_partition_root); comment on publication n16 is 'x'; alter publication n16 owner to current_user",
    'drop publication n16',
    [`publication n16: ${missing}`],
  ],
  [
    'create table n17 (a int primary key, c bool not null); alter table n17 replica identity full; create publication n17 for table n17 where (c)',
    'alter publication n17 drop table n17',
    [`publication n17: has no table public.n17; ${make} all columns where c`],
  ],
  [
    'create table n18 (a int primary key, b int); create table n18b (a int primary key); create schema n18s; create publication n18 for table n18, n18b, tables in schema n18s',
    'alter publication n18 set table n18 where (a > 1), n18b; drop publication if exists nope',
    [
      `publication n18: has no schema n18s; ${make} all tables`,
      `publication n18: table public.n18 is all columns where (a > 1); ${make} all columns`,
    ],
  ],
  [
    'create table n18c (a int primary key, b int); create table n18d (a int primary key); create table n18e (a int primary key); create publication n18x for table n18c, n18d',
    'alter publication n18x set table n18c where (a > 1), n18e',
    [
      `publication n18x: has no table public.n18d; ${make} all columns`,
      `publication n18x: table public.n18c is all columns where (a > 1); ${make} all columns`,
      `publication n18x: table public.n18e: all columns, and ${none}`,
    ],
  ],
  [
    'create table n18f (a int primary key); create publication n18y for table n18f',
    'drop publication n18y; create publication n18y for all tables',
    [`publication n18y: tables: all, and ${none}`, `publication n18y: has no table public.n18f; ${make} all columns`],
  ],
  [
    'create publication n19 with (publish_generated_columns = stored)',
    "alter publication n19 set (publish_generated_columns = none, publish = '')",
    [
      `publication n19: has no generated columns; ${make} stored`,
      `publication n19: operations is ''; ${make} insert, update, delete, truncate`,
    ],
    18,
  ],
  [
    "create publication n20 for all tables with (publish = '')",
    'drop publication n20',
    [`publication n20: ${missing}`],
  ],
  [
    "create domain n21 as text default 'x' not null",
    'alter domain n21 drop default; alter domain n21 drop not null',
    [`domain n21: has no default; ${make} 'x'::text`, `domain n21: has no nullability; ${make} not null`],
  ],
  [
    'create type n22 as (a int, "B c" int)',
    "comment on column n22.a is 'x'; comment on column n22.\"B c\" is 'it''s'",
    [`attribute n22."B c": comment: it's, and ${none}`, `attribute n22.a: comment: x, and ${none}`],
  ],
  [
    'create table n23 (a int); create sequence n23_s owned by n23.a; alter table n23 owner to ROLE',
    'alter table n23 owner to current_user; alter sequence n23_s owned by none',
    [
      `table n23: owner is ${mine}; ${make} ROLE`,
      `sequence n23_s: has no owned by; ${make} public.n23.a`,
      `sequence n23_s: owner is ${mine}; ${make} ROLE`,
    ],
  ],
  [
    'create table n24 (a int, b int generated always as (a * 2) virtual)',
    'alter table n24 alter b set expression as (a * 3)',
    [`column n24.b: generated is virtual: (a * 3); ${make} virtual: (a * 2)`],
    18,
  ],
  [
    'create table n25 (a int, b int) partition by list (a); create table n25a partition of n25 for values in (1)',
    'alter table n25 drop b; alter table n25 add b int generated always as (a * 3) stored',
    [`column n25.b: generated: stored: (a * 3), and ${none}`],
  ],
  [
    "create foreign data wrapper n26; create server n26s foreign data wrapper n26 options (host 'a', \"Weird x\" 'y'); create foreign table n26t (a int options (x 'y')) server n26s options (file 'f', password 'g')",
    "alter server n26s options (drop host, add port '1'); alter foreign table n26t alter a options (set x 'z', add q '1'); alter foreign table n26t options (drop file, add zz 'k''k')",
    [
      `server n26s: has no option host; ${make} a`,
      `server n26s: option port: 1, and ${none}`,
      `foreign table n26t: has no option file; ${make} f`,
      `foreign table n26t: option zz: k'k, and ${none}`,
      `column n26t.a: option q: 1, and ${none}`,
      `column n26t.a: option x is z; ${make} y`,
    ],
  ],
  [
    'create table n27 (a int, b text); create index n27_i on n27 ((a + 1), b, (lower(b))); alter index n27_i alter column 1 set statistics 300; alter index n27_i alter column 3 set statistics 40',
    'drop index n27_i',
    [`index n27_i: ${missing}`],
  ],
  [
    'create table n28 (a int); create function n28f() returns int language plpgsql as $$declare x n28%rowtype; begin return 1; end$$',
    'drop function n28f(); alter table n28 rename to n28x',
    [`table n28: ${missing}`, `function n28f(): ${missing}`, `table n28x: exists, and ${none}`],
  ],
  [
    "create function n29(a int, out b int, out c text) language sql as $$select a, 'x'$$",
    "create or replace function n29(a int, out b int, out c text) language sql as $$select 2, 'y'$$",
    [`function n29(integer): body is select 2, 'y'; ${make} select a, 'x'`],
  ],
  [
    "create function n30(a int) returns setof int language sql rows 5 as 'select a'",
    "alter function n30(int) rows 9 cost 3 strict leakproof parallel safe immutable security definer set work_mem = '1MB'",
    [
      `function n30(integer): cost is 3; ${make} 100`,
      `function n30(integer): leakproof: yes, and ${none}`,
      `function n30(integer): parallel is safe; ${make} unsafe`,
      `function n30(integer): rows is 9; ${make} 5`,
      `function n30(integer): security: definer, and ${none}`,
      `function n30(integer): setting work_mem: 1MB, and ${none}`,
      `function n30(integer): strict: yes, and ${none}`,
      `function n30(integer): volatility is immutable; ${make} volatile`,
    ],
  ],
  [
    "create function n31(anyelement) returns anyelement language sql as 'select $1'",
    'drop function n31(anyelement)',
    [`function n31(anyelement): ${missing}`],
  ],
  [
    "create function n32() returns int language sql as E'select 1 -- it''s \\\\ and % {x} $1'",
    'drop function n32()',
    [`function n32(): ${missing}`],
  ],
  [
    "create view n33v as select 1 as a; create function n33(n33v) returns int language sql as 'select $1.a'",
    'drop function n33(n33v); drop view n33v',
    [`function n33(public.n33v): ${missing}`, `view n33v: ${missing}`],
  ],
  [
    "create function n34_sup(internal) returns internal language internal as 'generate_series_int4_support'; create function n34(int) returns int language sql support n34_sup as 'select 1'",
    'drop function n34(int)',
    [`function n34(integer): ${missing}`],
  ],
  [
    "create function n35() returns int language plpgsql set search_path = '' as 'begin return 1; end'",
    "create or replace function n35() returns int language plpgsql set search_path = 'a b', public as 'begin return 2; end'",
    [
      `function n35(): body is begin return 2; end; ${make} begin return 1; end`,
      `function n35(): setting search_path is "a b", public; ${make} ""`,
    ],
  ],
  [
    "create function n36(a int) returns int language plpgsql as 'begin return 1; end'",
    "drop function n36(int); create procedure n36(a int) language plpgsql as 'begin end'",
    [`procedure n36(integer): exists, and ${none}`, `function n36(integer): ${missing}`],
  ],
  [
    "create function n37() returns int window language internal as 'window_row_number'",
    'drop function n37()',
    [`function n37(): ${missing}`],
  ],
  [
    'create function n38() returns int language sql as $a$select 1$a$',
    'create or replace function n38() returns int language plpgsql as $a$begin return 1; end$a$',
    [
      `function n38(): body is begin return 1; end; ${make} select 1`,
      `function n38(): language is plpgsql; ${make} sql`,
    ],
  ],
  [
    "create table m1 (a int constraint m1_c check (a > 0)); comment on constraint m1_c on m1 is 'x'",
    'alter table m1 drop constraint m1_c, add constraint m1_c check (a > 1) not valid',
    [
      `constraint m1.m1_c: has no comment; ${make} x`,
      `constraint m1.m1_c: definition is CHECK ((a > 1)); ${make} CHECK ((a > 0))`,
      `constraint m1.m1_c: validity: not valid, and ${none}`,
    ],
  ],
  [
    "create domain m2 as int constraint m2_c check (value > 0); comment on constraint m2_c on domain m2 is 'x'",
    'alter domain m2 drop constraint m2_c; alter domain m2 add constraint m2_c check (value > 1)',
    [
      `constraint m2.m2_c: has no comment; ${make} x`,
      `constraint m2.m2_c: definition is CHECK ((VALUE > 1)); ${make} CHECK ((VALUE > 0))`,
    ],
  ],
  [
    'create table m3 (a int constraint m3_c check (a > 0)); create table m3c () inherits (m3)',
    'alter table m3 drop constraint m3_c; alter table m3 add constraint m3_c check (a > 1)',
    [`constraint m3.m3_c: definition is CHECK ((a > 1)); ${make} CHECK ((a > 0))`],
  ],
  [
    "create table m4k (a int primary key); create table m4 (a int constraint m4_f references m4k on delete cascade deferrable); comment on constraint m4_f on m4 is 'q'",
    'alter table m4 drop constraint m4_f, add constraint m4_f foreign key (a) references m4k',
    [
      `constraint m4.m4_f: has no comment; ${make} q`,
      `constraint m4.m4_f: definition is FOREIGN KEY (a) REFERENCES public.m4k(a); ${make} FOREIGN KEY (a) REFERENCES public.m4k(a) ON DELETE CASCADE DEFERRABLE`,
    ],
  ],
  [
    'create table m5k (a int primary key); create table m5 (a int constraint m5_f references m5k) partition by list (a); create table m5a partition of m5 for values in (1)',
    'alter table m5 drop constraint m5_f; alter table m5 add constraint m5_f foreign key (a) references m5k on delete cascade',
    [
      `constraint m5.m5_f: definition is FOREIGN KEY (a) REFERENCES public.m5k(a) ON DELETE CASCADE; ${make} FOREIGN KEY (a) REFERENCES public.m5k(a)`,
    ],
  ],
  [
    'create table m6k (a int primary key) partition by list (a); create table m6ka partition of m6k for values in (1); create table m6 (a int constraint m6_f references m6k)',
    'alter table m6 drop constraint m6_f; alter table m6 add constraint m6_f foreign key (a) references m6k on delete cascade',
    [
      `constraint m6.m6_f: definition is FOREIGN KEY (a) REFERENCES public.m6k(a) ON DELETE CASCADE; ${make} FOREIGN KEY (a) REFERENCES public.m6k(a)`,
    ],
  ],
  [
    'create table m7k (a int primary key); create table m7 (a int constraint m7_f references m7k)',
    'alter table m7 drop constraint m7_f; alter table m7 add constraint m7_f foreign key (a) references m7k on delete cascade; alter table m7 disable trigger all',
    [
      `constraint m7.m7_f: definition is FOREIGN KEY (a) REFERENCES public.m7k(a) ON DELETE CASCADE; ${make} FOREIGN KEY (a) REFERENCES public.m7k(a)`,
      `constraint m7.m7_f: triggers: disabled on public.m7, and ${none}`,
    ],
  ],
  [
    'create table m8 (a int constraint m8_c check (a > 0) not enforced)',
    'alter table m8 drop constraint m8_c; alter table m8 add constraint m8_c check (a > 0)',
    [`constraint m8.m8_c: definition is CHECK ((a > 0)); ${make} CHECK ((a > 0)) NOT ENFORCED`],
    18,
  ],
  [
    'create table m9k (a int primary key); create table m9 (a int constraint m9_f references m9k not enforced)',
    'alter table m9 alter constraint m9_f enforced',
    [
      `constraint m9.m9_f: definition is FOREIGN KEY (a) REFERENCES public.m9k(a); ${make} FOREIGN KEY (a) REFERENCES public.m9k(a) NOT ENFORCED`,
    ],
    18,
  ],
  [
    'create table m10 (a int, b int constraint m10_c check (b > a)) partition by list (a)',
    'alter table m10 drop constraint m10_c; alter table m10 add constraint m10_c check (b >= a)',
    [`constraint m10.m10_c: definition is CHECK ((b >= a)); ${make} CHECK ((b > a))`],
  ],
  [
    "create table m11 (a int, b text constraint m11_c check (b <> 'x'))",
    'alter table m11 drop b; alter table m11 add c int constraint m11_c check (c > 0)',
    [
      `column m11.b: ${missing}`,
      `column m11.c: exists, and ${none}`,
      `constraint m11.m11_c: definition is CHECK ((c > 0)); ${make} CHECK ((b <> 'x'::text))`,
    ],
  ],
  [
    'create table m12 (a int constraint m12_c check (a > 0) no inherit); create table m12c () inherits (m12)',
    'alter table m12 drop constraint m12_c; alter table m12 add constraint m12_c check (a > 0)',
    [
      `constraint m12.m12_c: definition is CHECK ((a > 0)); ${make} CHECK ((a > 0)) NO INHERIT`,
      `constraint m12c.m12_c: exists, and ${none}`,
    ],
  ],
  [
    'create table m13k (a int, b int, constraint m13k_p primary key (a)); create table m13 (a int constraint m13_f references m13k); create table m14 (a int constraint m14_f references m13k)',
    'alter table m14 drop constraint m14_f; alter table m13 drop constraint m13_f; alter table m13k drop constraint m13k_p, add constraint m13k_p primary key (a, b); alter table m13 add constraint m13_f foreign key (a, a) references m13k',
    [
      `constraint m13.m13_f: definition is FOREIGN KEY (a, a) REFERENCES public.m13k(a, b); ${make} FOREIGN KEY (a) REFERENCES public.m13k(a)`,
      `column m13k.b: nullability: not null, and ${none}`,
      `constraint m13k.m13k_p: definition is PRIMARY KEY (a, b); ${make} PRIMARY KEY (a)`,
      `constraint m14.m14_f: ${missing}`,
    ],
  ],
  [
    `create function p1() returns trigger language plpgsql as 'begin return new; end'; create table p1 (a int) partition by list (a); create table p1a partition of p1 for values in (1); create trigger p1_t before update on p1 for each row when (old.* is distinct from new.*) execute function p1()`,
    'drop trigger p1_t on p1',
    `trigger p1.p1_t: ${missing}`,
  ],
  [
    "create materialized view p2 as select 'a'::text as a",
    'alter materialized view p2 set (toast.autovacuum_enabled = false)',
    `materialized view p2: option toast.autovacuum_enabled: false, and ${none}`,
  ],
  [
    'create sequence p3; create unlogged sequence p4',
    'alter sequence p3 set unlogged; alter sequence p4 set logged',
    [`sequence p3: persistence: unlogged, and ${none}`, `sequence p4: has no persistence; ${make} unlogged`],
  ],
  [
    "create domain p5 as text collate \"C\" default 'x' not null constraint p5_c check (value <> '') constraint p5_d check (length(value) < 9); comment on domain p5 is 'y'; comment on constraint p5_c on domain p5 is 'z'; revoke usage on domain p5 from public; grant usage on domain p5 to ROLE",
    'drop domain p5',
    `domain p5: ${missing}`,
  ],
  // a body's names are found by the search path
  [
    "create schema p6; set search_path = p6; create table p6_t (a int); create function p6_s() returns bigint language sql as 'select count(*) from p6_t'; create function p6_p() returns int language plpgsql as 'declare t p6_t; begin return 1; end'; reset search_path",
    'drop function p6.p6_s(); drop function p6.p6_p()',
    [`function p6.p6_p(): ${missing}`, `function p6.p6_s(): ${missing}`],
  ],
  // names
  [
    'create table o1 (a int); create index "o1 $$i" on o1 (a); create table o2 (a int primary key, "b where c" int); create publication o2_p for table o2 (a, "b where c") where (a > 1)',
    'drop index "o1 $$i"; alter publication o2_p drop table o2',
    [
      `index "o1 $$i": ${missing}`,
      `publication o2_p: has no table public.o2; ${make} columns a, "b where c" where (a > 1)`,
    ],
  ],
]
