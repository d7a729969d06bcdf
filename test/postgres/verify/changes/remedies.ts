// Single changes whose remedy takes several statements, needs another one before it, or cannot be.

import type { Row } from './change.ts'

const none = 'no migration makes it'
const make = 'the migrations make it'
const mine = "(the migrator's role)"
const missing = 'is missing, and a migration makes it'
const nothing = "returns trigger language plpgsql as 'begin return new; end'"

export const remedies: readonly Row[] = [
  // what is made again is made whole
  [
    "create table a1 (a int, b int); create index a1_i on a1 (a); comment on index a1_i is 'x'; alter table a1 cluster on a1_i; create statistics a1_s on a, b from a1; comment on statistics a1_s is 'y'",
    'drop index a1_i; drop statistics a1_s',
    [`index a1_i: ${missing}`, `statistics a1_s: ${missing}`],
  ],
  [
    "create table a2 (a int not null, b int constraint a2_b unique with (fillfactor = 70)); create unique index a2_i on a2 (a); alter table a2 replica identity using index a2_i; alter table a2 cluster on a2_b; comment on index a2_b is 'x'; comment on constraint a2_b on a2 is 'y'",
    'alter table a2 drop constraint a2_b; drop index a2_i',
    [`constraint a2.a2_b: ${missing}`, `index a2_i: ${missing}`],
  ],
  [
    "create table a3 (a int, b text); create view a3v with (security_barrier) as select a, b from a3; comment on view a3v is 'x'; comment on column a3v.a is 'y'; alter view a3v alter b set default 'z'; grant select on a3v to ROLE; grant update (b) on a3v to ROLE",
    'drop view a3v',
    `view a3v: ${missing}`,
  ],
  [
    `create view a4 as select 1 as a; alter view a4 owner to ROLE; create function a4_f() ${nothing}; create trigger a4_t instead of insert on a4 for each row execute function a4_f(); comment on trigger a4_t on a4 is 'x'`,
    'drop view a4',
    `view a4: ${missing}`,
  ],
  [
    "create materialized view a5 with (fillfactor = 70) as select 1 as a; create unique index a5_i on a5 (a); comment on materialized view a5 is 'x'; comment on index a5_i is 'y'",
    'drop materialized view a5',
    `materialized view a5: ${missing}`,
  ],
  [
    "create table a6 (a int, b text); alter table a6 alter b set statistics 44, alter b set storage external, alter b set (n_distinct = 5); comment on column a6.b is 'x'; grant select (b) on a6 to ROLE",
    'alter table a6 drop b',
    `column a6.b: ${missing}`,
  ],
  [
    `create table a7 (a int); create function a7_f() ${nothing}; create trigger a7_t before insert on a7 for each row execute function a7_f(); alter table a7 disable trigger a7_t; comment on trigger a7_t on a7 is 'x'`,
    'drop trigger a7_t on a7',
    `trigger a7.a7_t: ${missing}`,
  ],
  [
    "create type a8 as enum ('a'); alter type a8 owner to ROLE; comment on type a8 is 'x'; create type a8r as enum ('a'); revoke usage on type a8r from public",
    'drop type a8; drop type a8r',
    [`type a8: ${missing}`, `type a8r: ${missing}`],
  ],
  [
    "create schema a9; alter default privileges in schema a9 grant select, insert on tables to ROLE; alter default privileges in schema a9 grant usage on types to ROLE; create view a9.v as select 1 as a; revoke all on a9.v from ROLE; create view a9.w as select 1 as a; revoke insert on a9.w from ROLE; create materialized view a9.m as select 1 as a; create type a9.t as enum ('a'); revoke usage on type a9.t from ROLE, public; create view a9.o as select 1 as a; alter view a9.o owner to ROLE",
    'drop view a9.v; drop view a9.w; drop materialized view a9.m; drop type a9.t; drop view a9.o',
    [
      `view a9.v: ${missing}`,
      `view a9.w: ${missing}`,
      `materialized view a9.m: ${missing}`,
      `type a9.t: ${missing}`,
      `view a9.o: ${missing}`,
    ],
  ],
  [
    'create table a10 (a int); create policy a10_p on a10 to ROLE, current_user using (true)',
    'drop policy a10_p on a10',
    `policy a10.a10_p: ${missing}`,
  ],
  [
    'create table a11 (a int primary key); create table a11_r (a int constraint a11_r_f references a11) partition by list (a)',
    'alter table a11_r drop constraint a11_r_f',
    `constraint a11_r.a11_r_f: ${missing}`,
  ],
  // one before the other
  [
    'create table b1 (a int primary key); create table b1_r (x int references b1, y int references b1)',
    'alter table b1_r drop x; alter table b1_r drop constraint b1_r_y_fkey; alter table b1 drop constraint b1_pkey',
    [
      `constraint b1.b1_pkey: ${missing}`,
      `column b1_r.x: ${missing}`,
      `constraint b1_r.b1_r_x_fkey: ${missing}`,
      `constraint b1_r.b1_r_y_fkey: ${missing}`,
    ],
  ],
  [
    'create view b2_z as select 1 as a; create view b2_m as select a from b2_z; create view b2_a as select a from b2_m',
    'drop view b2_a; drop view b2_m; drop view b2_z',
    [`view b2_a: ${missing}`, `view b2_m: ${missing}`, `view b2_z: ${missing}`],
  ],
  [
    "create type b3_z as enum ('a'); create table b3 (a int, b b3_z default 'a')",
    'drop type b3_z cascade',
    [`column b3.b: ${missing}`, `type b3_z: ${missing}`],
  ],
  [
    'create table b4 (a int default 7)',
    'alter table b4 alter a drop default, alter a set not null; alter table b4 alter a add generated always as identity',
    [
      `column b4.a: has no default; ${make} 7`,
      `column b4.a: nullability: not null, and ${none}`,
      `column b4.a: identity: always, and ${none}`,
    ],
  ],
  [
    'create sequence b5',
    'drop sequence b5; create sequence b5 as int',
    [`sequence b5: type is integer; ${make} bigint`, `sequence b5: maximum is 2147483647; ${make} 9223372036854775807`],
  ],
  [
    'create table b6 (a serial)',
    'alter sequence b6_a_seq rename to b6_other',
    [
      `column b6.a: default is nextval('public.b6_other'::regclass); ${make} nextval('public.b6_a_seq'::regclass)`,
      'sequence b6_other: is named otherwise: expected b6_a_seq',
    ],
  ],
  [
    'create sequence b8 minvalue 1 maxvalue 90 start 1',
    'drop sequence b8; create sequence b8 minvalue 20 maxvalue 29 start 28',
    [
      `sequence b8: minimum is 20; ${make} 1`,
      `sequence b8: maximum is 29; ${make} 90`,
      `sequence b8: start is 28; ${make} 1`,
    ],
  ],
  [
    'create sequence b9 minvalue -90 maxvalue -20 start -20 increment -1',
    'drop sequence b9; create sequence b9 minvalue -40 maxvalue -30 start -35 increment -1',
    [
      `sequence b9: minimum is -40; ${make} -90`,
      `sequence b9: maximum is -30; ${make} -20`,
      `sequence b9: start is -35; ${make} -20`,
    ],
  ],
  [
    'create view b13_z as select 1 as a, 2 as b; create view b13_a as select a, b from b13_z',
    'drop view b13_a; drop view b13_z; create view b13_z as select 1 as a; create view b13_a as select a from b13_z',
    ['view b13_a: its definition is another one', 'view b13_z: its definition is another one'],
  ],
  [
    'create table b14_z (a int primary key, b int); create view b14_a as select b from b14_z group by a',
    'alter table b14_z drop constraint b14_z_pkey cascade',
    [`view b14_a: ${missing}`, `constraint b14_z.b14_z_pkey: ${missing}`],
  ],
  [
    'create domain b10 as int constraint b10_c check (value > 0)',
    'alter domain b10 drop constraint b10_c; alter domain b10 add constraint b10_c check (value > 0) not valid',
    `constraint b10.b10_c: validity: not valid, and ${none}`,
  ],
  [
    'create schema b7; create view b7.v as select 1 as a',
    'drop schema b7 cascade',
    ['schema b7: is missing, and a migration makes it', `view b7.v: ${missing}`],
  ],
  [
    `create table b15_r (a int primary key); create table b15 (a int constraint b15_f references b15_r); create function b15_f() ${nothing}; create trigger b15_t before insert on b15 for each row execute function b15_f(); alter table b15 disable trigger b15_t`,
    'alter table b15 disable trigger all',
    `constraint b15.b15_f: triggers: disabled on public.b15, and ${none}`,
  ],
  [
    'create table b16 (a int); create policy b16_p on b16 to ROLE using (a > 0) with check (a > 1)',
    'alter policy b16_p on b16 to public using (a > 2)',
    [`policy b16.b16_p: roles is PUBLIC; ${make} "ROLE"`, `policy b16.b16_p: using is (a > 2); ${make} (a > 0)`],
  ],
  [
    `create view b17 as select 1 as a, 2 as b; create function b17_f() ${nothing}; create trigger b17_t instead of insert on b17 for each row execute function b17_f()`,
    'drop view b17; create view b17 as select 1 as a; create rule b17_r as on insert to b17 do instead nothing',
    ['view b17: its definition is another one', `trigger b17.b17_t: ${missing}`, `rule b17.b17_r: exists, and ${none}`],
  ],
  [
    'create table b18 (a int generated always as identity)',
    'alter table b18 alter a set generated by default; alter sequence b18_a_seq rename to b18_s',
    [`column b18.a: identity is by default; ${make} always`, 'sequence b18_s: is named otherwise: expected b18_a_seq'],
  ],
  // what cannot be run is not said
  [
    'create table c30 (a int); create policy c30_p on c30 for update using (a > 0) with check (a > 1)',
    'drop policy c30_p on c30; create policy c30_p on c30 for select to ROLE using (a > 0)',
    [
      `policy c30.c30_p: command is select; ${make} update`,
      `policy c30.c30_p: roles is "ROLE"; ${make} PUBLIC`,
      `policy c30.c30_p: has no with check; ${make} (a > 1)`,
    ],
  ],
  [
    'create sequence c24 as int',
    'drop sequence c24; create sequence c24 maxvalue 5000000000',
    [`sequence c24: type is bigint; ${make} integer`, `sequence c24: maximum is 5000000000; ${make} 2147483647`],
  ],
  [
    'create sequence c25 minvalue 20 maxvalue 90 start 30',
    "drop sequence c25; create sequence c25 minvalue 1 maxvalue 40 start 25; select setval('c25', 3)",
    [
      `sequence c25: minimum is 1; ${make} 20`,
      `sequence c25: maximum is 40; ${make} 90`,
      `sequence c25: start is 25; ${make} 30`,
    ],
  ],
  [
    'create table c1 (a int); create view c1_v as select a from c1',
    'drop table c1 cascade',
    [`table c1: ${missing}`, `view c1_v: ${missing}`],
  ],
  [
    "create table c9 (a serial); create table c9_r (a int default nextval('c9_a_seq'))",
    'drop table c9 cascade',
    [`table c9: ${missing}`, `column c9_r.a: has no default; ${make} nextval('public.c9_a_seq'::regclass)`],
  ],
  [
    'create view c2 as select 1 as a, 2 as b',
    'drop view c2; create view c2 as select 1 as a, 2 as b, 3 as c',
    'view c2: its definition is another one',
  ],
  [
    'create view c3 as select 1 as a, 2 as b',
    'drop view c3; create view c3 as select 1 as a',
    'view c3: its definition is another one',
  ],
  [
    'create view c4 as select 1 as a',
    'drop view c4; create materialized view c4 as select 1 as a',
    [`view c4: ${missing}`, `materialized view c4: exists, and ${none}`],
  ],
  [
    'create table c5 (a int)',
    'alter table c5 add primary key (a)',
    [`column c5.a: nullability: not null, and ${none}`, `constraint c5.c5_pkey: exists, and ${none}`],
  ],
  [
    "create table c6 (a text default 'x')",
    'alter table c6 alter a drop default, alter a type int using 1',
    [`column c6.a: type is integer; ${make} text`, `column c6.a: has no default; ${make} 'x'::text`],
  ],
  [
    `create function c7_f() ${nothing}; create table c7 (a int); create trigger c7_t before insert on c7 for each row execute function c7_f()`,
    'drop function c7_f() cascade',
    [`function c7_f(): ${missing}`, `trigger c7.c7_t: ${missing}`],
  ],
  [
    'create table c17 (a serial)',
    'alter table c17 alter a drop default; drop sequence c17_a_seq; alter table c17 alter a add generated always as identity (sequence name c17_a_seq)',
    [
      `column c17.a: identity: always, and ${none}`,
      `column c17.a: has no default; ${make} nextval('public.c17_a_seq'::regclass)`,
    ],
  ],
  [
    'create materialized view c18 as select 1 as a, 2 as b; create view c18_v as select a, b from c18',
    'drop materialized view c18 cascade; create materialized view c18 as select 1 as a; create view c18_v as select a from c18',
    ['materialized view c18: its definition is another one', 'view c18_v: its definition is another one'],
  ],
  [
    'create table c19 (a int, b int, constraint c19_a primary key (a))',
    'alter table c19 drop constraint c19_a, alter b set not null, add constraint c19_b primary key (a, b)',
    [
      `constraint c19.c19_a: ${missing}`,
      `constraint c19.c19_b: exists, and ${none}`,
      `column c19.b: nullability: not null, and ${none}`,
    ],
  ],
  [
    `create function c20_f() ${nothing}; create table c20 (a int); create trigger c20_t before update on c20 for each row execute function c20_f()`,
    'drop trigger c20_t on c20; create constraint trigger c20_t after update on c20 for each row execute function c20_f()',
    `trigger c20.c20_t: definition is CREATE CONSTRAINT TRIGGER c20_t AFTER UPDATE ON public.c20 NOT DEFERRABLE INITIALLY IMMEDIATE FOR EACH ROW EXECUTE FUNCTION public.c20_f(); ${make} CREATE TRIGGER c20_t BEFORE UPDATE ON public.c20 FOR EACH ROW EXECUTE FUNCTION public.c20_f()`,
  ],
  [
    'create table c21 (a int) partition by list (a); create table c21a partition of c21 for values in (1); create index c21a_i on c21a (a)',
    'create index c21_i on c21 (a)',
    `index c21_i: exists, and ${none}`,
  ],
  [
    'create table c22 (a int) partition by list (a); create table c22a partition of c22 for values in (1); create index c22_i on only c22 (a); create index c22a_i on c22a (a)',
    'alter index c22_i attach partition c22a_i',
    [`index c22_i: has no validity; ${make} invalid`, `index c22a (part of public.c22_i): exists, and ${none}`],
  ],
  [
    'create table c23 (a int) partition by list (a); create table c23a partition of c23 for values in (1); create index c23_i on c23 (a)',
    'drop index c23_i; create index c23_i on only c23 (a)',
    [`index c23_i: validity: invalid, and ${none}`, `index c23a (part of public.c23_i): ${missing}`],
  ],
  [
    'create table c27 (a int not null, b int not null) partition by list (a); create table c27a partition of c27 for values in (1); alter table c27a add primary key (b)',
    'alter table c27a drop constraint c27a_pkey; alter table c27 add primary key (a, b)',
    [`constraint c27.c27_pkey: exists, and ${none}`, `constraint c27a.c27a_pkey: ${missing}`],
  ],
  [
    'create table c28 (a int, b int, primary key (a, b)) partition by list (a); create table c28a partition of c28 for values in (1)',
    'alter table c28 drop constraint c28_pkey; alter table c28a add primary key (b)',
    [`constraint c28.c28_pkey: ${missing}`, `constraint c28a.c28a_pkey: exists, and ${none}`],
  ],
  [
    'create table c29 (a int not null) partition by list (a); create table c29a partition of c29 for values in (1); alter table only c29 add unique (a); alter table c29a add constraint c29_own unique (a)',
    'alter index c29_a_key attach partition c29_own',
    [
      `constraint c29.c29_a_key: has no index; ${make} invalid`,
      `constraint c29a (part of public.c29.c29_a_key): exists, and ${none}`,
    ],
  ],
  [
    'create table c31 (a int) partition by list (a); create table c31a partition of c31 for values in (1); create index c31a_a_idx on c31a ((a + 1))',
    'drop index c31a_a_idx; create index c31_i on c31 (a)',
    [`index c31_i: exists, and ${none}`, `index c31a_a_idx: ${missing}`],
  ],
  [
    'create table c32 (a int); create index c32_i on c32 (a)',
    'drop index c32_i; create table c32_new (a int); create index c32_i on c32_new (a)',
    [`table c32_new: exists, and ${none}`, `index c32_i: ${missing}`],
  ],
  [
    'create sequence c33',
    'create table c33_t (a int); alter sequence c33 owned by c33_t.a',
    [`table c33_t: exists, and ${none}`, `sequence c33: owned by: public.c33_t.a, and ${none}`],
  ],
  // what partitions and children have of their parents is told of these
  [
    `create function d1_f() ${nothing}; create table d1 (a int, b int constraint d1_b check (b > 0), c int) partition by list (a); create table d1a partition of d1 for values in (1); create trigger d1_t before insert on d1 for each row execute function d1_f()`,
    'alter table d1 drop c, drop constraint d1_b; drop trigger d1_t on d1; alter table d1 add e int',
    [
      `column d1.c: ${missing}`,
      `column d1.e: exists, and ${none}`,
      `constraint d1.d1_b: ${missing}`,
      `trigger d1.d1_t: ${missing}`,
    ],
  ],
  [
    'create table d2 (a int, b int); create table d2c (c int) inherits (d2)',
    'alter table d2 drop b',
    `column d2.b: ${missing}`,
  ],
  [
    `create function d3_f() ${nothing}; create table d3 (a int, b int default 1, c int) partition by list (a); create table d3a partition of d3 for values in (1); create trigger d3_t before insert on d3 for each row execute function d3_f()`,
    'alter table d3 alter b set default 2, alter c set not null; alter table d3 disable trigger d3_t; alter table d3 add primary key (a)',
    [
      `column d3.a: nullability: not null, and ${none}`,
      `column d3.b: default is 2; ${make} 1`,
      `column d3.c: nullability: not null, and ${none}`,
      `trigger d3.d3_t: state: disabled, and ${none}`,
      `constraint d3.d3_pkey: exists, and ${none}`,
    ],
  ],
  [
    'create table d4 (a int, b int) partition by list (a); create table d4a partition of d4 for values in (1); create index d4_i on d4 (b)',
    'drop index d4_i',
    `index d4_i: ${missing}`,
  ],
  [
    `create function d9_f() ${nothing}; create table d9 (a int, b int default 1, c int) partition by list (a); create table d9a partition of d9 for values in (1); create table d9b partition of d9 for values in (2); alter table d9a alter b set default 7, alter c set not null; create trigger d9_t before insert on d9 for each row execute function d9_f(); alter table d9a disable trigger d9_t`,
    'alter table only d9 alter b set default 2; alter table d9 alter c set not null; alter table d9 disable trigger d9_t',
    [
      `column d9.b: default is 2; ${make} 1`,
      `column d9.c: nullability: not null, and ${none}`,
      `trigger d9.d9_t: state: disabled, and ${none}`,
    ],
  ],
  [
    'create table d10 (a int); create table d10_c () inherits (d10); alter table only d10 alter a set default 4',
    'alter table only d10 alter a set default 5',
    `column d10.a: default is 5; ${make} 4`,
  ],
  [
    `create function d11_f() ${nothing}; create table d11 (a int) partition by list (a); create table d11a partition of d11 for values in (1); create trigger d11_t before insert on d11 for each row execute function d11_f()`,
    'create or replace trigger d11_t before update on d11 for each row execute function d11_f()',
    `trigger d11.d11_t: definition is CREATE TRIGGER d11_t BEFORE UPDATE ON public.d11 FOR EACH ROW EXECUTE FUNCTION public.d11_f(); ${make} CREATE TRIGGER d11_t BEFORE INSERT ON public.d11 FOR EACH ROW EXECUTE FUNCTION public.d11_f()`,
  ],
  [
    'create table d6 (a int not null) partition by list (a); create table d6a partition of d6 for values in (1); alter table d6a add primary key (a)',
    'alter table d6 add primary key (a)',
    `constraint d6.d6_pkey: exists, and ${none}`,
  ],
  [
    'create table d7 (a int not null, b int, constraint d7_u unique (a)) partition by list (a); create table d7a partition of d7 for values in (1) partition by list (a); create table d7b partition of d7a for values in (1); create index d7_i on d7 (b)',
    'alter table d7 drop constraint d7_u; drop index d7_i; alter table d7b add unique (a); create index on d7b (b)',
    [`constraint d7.d7_u: ${missing}`, `index d7_i: ${missing}`],
  ],
  [
    'create table d8_r (a int primary key); create table d8 (a int constraint d8_f references d8_r) partition by list (a); create table d8a partition of d8 for values in (1)',
    'alter table d8 drop constraint d8_f; alter table d8a add constraint d8_own foreign key (a) references d8_r',
    `constraint d8.d8_f: ${missing}`,
  ],
  [
    'create type d5_t as (a int, b int); create table d5 of d5_t',
    'alter type d5_t drop attribute b cascade, add attribute c int cascade',
    `type d5_t: attributes is a, c; ${make} a, b`,
  ],
  // owners
  [
    'create table e1 (a serial); grant select on e1 to ROLE',
    'alter table e1 owner to ROLE',
    [`table e1: owner is ROLE; ${make} ${mine}`, `table e1: has no grants to ROLE; ${make} select`],
  ],
  [
    'create table e2 (a int); alter table e2 owner to ROLE',
    'alter table e2 owner to current_user; grant select on e2 to ROLE',
    `table e2: owner is ${mine}; ${make} ROLE`,
  ],
  [
    'create view e3 as select 1 as a; alter view e3 owner to ROLE; grant select on e3 to current_user',
    'drop view e3',
    `view e3: ${missing}`,
  ],
  // names
  [
    'create type f1 as (a int); create cast (f1 as circle) with inout',
    "comment on cast (f1 as circle) is 'x'",
    `cast f1 as circle: comment: x, and ${none}`,
  ],
  [
    "create aggregate f2(*) (sfunc = int8inc, stype = int8, initcond = '0')",
    "comment on aggregate f2(*) is 'x'",
    `aggregate f2(): comment: x, and ${none}`,
  ],
  [
    "create function f3() returns int language sql set search_path = '' as 'select 1'",
    'alter function f3() reset search_path',
    `function f3(): has no setting search_path; ${make} ""`,
  ],
  [
    'create table f4 (a int) partition by list (a); create table f4a partition of f4 for values in (1); create index f4_i on f4 (a); alter table f4a cluster on f4a_a_idx',
    'alter table f4a set without cluster',
    `index f4a (part of public.f4_i): has no clustered; ${make} yes`,
  ],
  [
    'create table c10 (a int); create unique index c10_i on c10 (a)',
    'drop index c10_i; alter table c10 add constraint c10_i unique (a)',
    [`index c10_i: ${missing}`, `constraint c10.c10_i: exists, and ${none}`],
  ],
  [
    'create table c11 (a int constraint c11_k unique)',
    'alter table c11 drop constraint c11_k; create unique index c11_k on c11 (a)',
    [`constraint c11.c11_k: ${missing}`, `index c11_k: exists, and ${none}`],
  ],
  [
    'create table c12 (a int constraint c12_c check (a > 0), b int); create rule c12_r as on update to c12 where new.a = 1 do nothing',
    'drop rule c12_r on c12; alter table c12 drop constraint c12_c, alter a type text',
    [`column c12.a: type is text; ${make} integer`, `constraint c12.c12_c: ${missing}`, `rule c12.c12_r: ${missing}`],
  ],
  [
    "create type b11_z as enum ('a', 'b'); create table b11 (a b11_z default 'b')",
    "drop table b11; drop type b11_z; create type b11_z as enum ('a'); create table b11 (a b11_z default 'a')",
    [`column b11.a: default is 'a'::public.b11_z; ${make} 'b'::public.b11_z`, `type b11_z: labels is a; ${make} a, b`],
  ],
  [
    `create function c13_f() ${nothing}; create table c13 (a int) partition by list (a); create table c13a partition of c13 for values in (1); create trigger c13_t before insert on c13 for each row execute function c13_f()`,
    'alter table c13 detach partition c13a; create trigger c13_t before update on c13a for each row execute function c13_f()',
    [
      `table c13a: has no partition; ${make} public.c13 FOR VALUES IN (1)`,
      `trigger c13a.c13_t: definition is CREATE TRIGGER c13_t BEFORE UPDATE ON public.c13a FOR EACH ROW EXECUTE FUNCTION public.c13_f(); ${make} CREATE TRIGGER c13_t BEFORE INSERT ON public.c13a FOR EACH ROW EXECUTE FUNCTION public.c13_f()`,
    ],
  ],
  [
    `create function c14_f() ${nothing}; create table c14 (a int) partition by list (a); create table c14a partition of c14 for values in (1); create trigger c14_t before insert on c14 for each row execute function c14_f()`,
    'alter table c14 detach partition c14a',
    `table c14a: has no partition; ${make} public.c14 FOR VALUES IN (1)`,
  ],
  [
    'create table c15 (a int, b int); create index c15_i on c15 (a); create table c15_o (a int, b int constraint c15_u unique) partition by list (b)',
    'drop table c15; create table c15 (a int, b int) partition by list (a); drop table c15_o; create table c15_o (a int, b int)',
    [
      `table c15: partition key: LIST (a), and ${none}`,
      `table c15: has no access method; ${make} heap`,
      `index c15_i: ${missing}`,
      `table c15_o: has no partition key; ${make} LIST (b)`,
      `table c15_o: access method: heap, and ${none}`,
      `constraint c15_o.c15_u: ${missing}`,
    ],
  ],
  [
    'create table c15p (a int, b int); create index c15p_i on c15p (a); create table c15q (a int, b int, constraint c15q_u unique (a))',
    'drop table c15p; create table c15p (a int, b int) partition by list (a); create index c15p_i on c15p (a); drop table c15q; create table c15q (a int, b int, constraint c15q_u unique (a, b)) partition by list (a)',
    [
      `table c15p: partition key: LIST (a), and ${none}`,
      `table c15p: has no access method; ${make} heap`,
      `index c15p_i: definition is CREATE INDEX ON ONLY public.c15p USING btree (a); ${make} CREATE INDEX ON public.c15p USING btree (a)`,
      `table c15q: partition key: LIST (a), and ${none}`,
      `table c15q: has no access method; ${make} heap`,
      `constraint c15q.c15q_u: definition is UNIQUE (a, b); ${make} UNIQUE (a)`,
    ],
  ],
  [
    'create table c16 (a int not null)',
    'alter table c16 alter constraint c16_a_not_null no inherit',
    `column c16.a: nullability is not null, no inherit; ${make} not null`,
    18,
  ],
  [
    'create table g1k (a int primary key); create table g1 (a int) partition by list (a); create table g1a partition of g1 for values in (1); alter table g1 add constraint g1_f foreign key (a) references g1k not valid',
    'alter table g1 drop constraint g1_f',
    `constraint g1.g1_f: ${missing}`,
    18,
  ],
  [
    'create table g2 (a int generated always as identity, b int) partition by list (b); create table g2a partition of g2 for values in (1); create table g3 (a int not null, b int) partition by list (b); create table g3a partition of g3 for values in (1)',
    'alter table g2 alter a set generated by default; alter table g3 alter a add generated always as identity',
    [`column g2.a: identity is by default; ${make} always`, `column g3.a: identity: always, and ${none}`],
    17,
  ],
  // what partitions and child tables have of their own, beside what they are given with their parent's
  [
    `create function g4_f() ${nothing}; create table g4 (a int, b int default 1, c int) partition by list (a); create table g4a partition of g4 for values in (1) partition by list (c); create table g4b partition of g4a for values in (1); alter table g4a alter b set default 7, alter b set statistics 44; alter table only g4a alter b set default 8; comment on column g4b.b is 'x'; grant select (b) on g4a to ROLE; create index g4_i on g4b (b); alter table g4b alter c set not null; create trigger g4_t before insert on g4 for each row execute function g4_f(); alter table g4b disable trigger g4_t; alter table g4 add constraint g4_c check (a > 0) not valid; alter table g4b validate constraint g4_c; comment on constraint g4_c on g4a is 'y'`,
    'alter table g4 drop b; drop trigger g4_t on g4; alter table g4 drop constraint g4_c',
    [
      `column g4.b: ${missing}`,
      `constraint g4.g4_c: ${missing}`,
      `index g4_i: ${missing}`,
      `trigger g4.g4_t: ${missing}`,
    ],
  ],
  [
    "create table g5 (a int, b int default 1); create table g5_c () inherits (g5); alter table g5_c alter b set default 2, alter b set not null; create table g6 (a int) partition by list (a); create table g6a partition of g6 for values in (1); create index g6_i on g6 (a); comment on index g6a_a_idx is 'x'",
    'alter table g5 drop b; drop index g6_i',
    [`column g5.b: ${missing}`, `index g6_i: ${missing}`],
  ],
  [
    'create table g7 (a int, b int default 1) partition by list (a); create table g7a partition of g7 for values in (1); alter table g7a alter b set default 2',
    'alter table g7 detach partition g7a; alter table g7 drop b; alter table g7a drop b',
    [
      `column g7.b: ${missing}`,
      `column g7a.b: ${missing}`,
      `table g7a: has no partition; ${make} public.g7 FOR VALUES IN (1)`,
    ],
  ],
  [
    "create table g8 (a int, b int, c int); create view g8_v as select a, b, c from g8; comment on column g8_v.c is 'x'; grant select (c) on g8_v to ROLE; alter view g8_v alter c set default 4",
    'drop view g8_v; create view g8_v as select a, b from g8',
    'view g8_v: its definition is another one',
  ],
  [
    'create table g9 (a int, b int, c text collate "C" generated always as (b::text) virtual, d int generated always as (a * 2)); comment on column g9.c is \'x\'; create table g10 (a int, b int generated always as (a)) partition by list (a); create table g10a partition of g10 for values in (1)',
    'alter table g9 drop b cascade; alter table g9 drop d; alter table g10 drop b',
    ['b', 'c', 'd'].map(column => `column g9.${column}: ${missing}`).concat(`column g10.b: ${missing}`),
    18,
  ],
  // what a statement takes away besides
  [
    'create table h1 (a int, b int); create view h1_v with (security_barrier, check_option = local) as select a from h1 where a > 1',
    'create or replace view h1_v with (security_barrier, check_option = local) as select a from h1 where a > 2',
    'view h1_v: its definition is another one',
  ],
  [
    'create table h2 (a int, b int); create view h2_v with (security_barrier) as select a, b from h2',
    'create or replace view h2_v as select a, b from h2 where a > 2',
    ['view h2_v: its definition is another one', `view h2_v: has no option security_barrier; ${make} true`],
  ],
  [
    `create function h3_f() ${nothing}; create table h3 (a int); create trigger h3_t before insert on h3 for each row execute function h3_f(); alter table h3 disable trigger h3_t`,
    'create or replace trigger h3_t before update on h3 for each row execute function h3_f(); alter table h3 disable trigger h3_t',
    `trigger h3.h3_t: definition is CREATE TRIGGER h3_t BEFORE UPDATE ON public.h3 FOR EACH ROW EXECUTE FUNCTION public.h3_f(); ${make} CREATE TRIGGER h3_t BEFORE INSERT ON public.h3 FOR EACH ROW EXECUTE FUNCTION public.h3_f()`,
  ],
  [
    `create function h4_f() ${nothing}; create table h4 (a int) partition by list (a); create table h4a partition of h4 for values in (1); create table h4b partition of h4 for values in (2); create trigger h4_t before insert on h4 for each row execute function h4_f(); alter table h4 disable trigger h4_t; alter table h4a enable always trigger h4_t`,
    'create or replace trigger h4_t before update on h4 for each row execute function h4_f(); alter table h4 disable trigger h4_t; alter table h4a enable always trigger h4_t',
    `trigger h4.h4_t: definition is CREATE TRIGGER h4_t BEFORE UPDATE ON public.h4 FOR EACH ROW EXECUTE FUNCTION public.h4_f(); ${make} CREATE TRIGGER h4_t BEFORE INSERT ON public.h4 FOR EACH ROW EXECUTE FUNCTION public.h4_f()`,
  ],
  [
    'create table h5 (a int, b int, c int); grant select (a, b) on h5 to ROLE; grant update (a) on h5 to ROLE with grant option',
    'grant select on h5 to ROLE; alter table h5 drop c',
    [`table h5: grants to ROLE: select, and ${none}`, `column h5.c: ${missing}`],
  ],
  [
    'create table h6 (a int); create index h6_i on h6 (a)',
    'alter index h6_i rename to h6_j; create table h6_i (a int)',
    [`index h6_j: is named otherwise: expected h6_i`, `table h6_i: exists, and ${none}`],
  ],
  // what was renamed is not made a second time
  [
    `create function i1_f() ${nothing}; create table i1 (a int); create trigger i1_t before insert on i1 for each row execute function i1_f(); create constraint trigger i1_c after insert on i1 deferrable for each row execute function i1_f(); alter table i1 disable trigger i1_t; create rule i1_r as on delete to i1 do also select 1`,
    'alter trigger i1_t on i1 rename to "i1 T"; alter trigger i1_c on i1 rename to i1_d; alter rule i1_r on i1 rename to i1_s',
    [
      'trigger i1."i1 T": is named otherwise: expected i1.i1_t',
      'trigger i1.i1_d: is named otherwise: expected i1.i1_c',
      'rule i1.i1_s: is named otherwise: expected i1.i1_r',
    ],
  ],
  [
    'create table i2 (a int, b int, c text); create view i2_v as select a, b, c from i2; create index i2_i on i2 (b)',
    'alter table i2 rename b to d',
    [
      `column i2.b: ${missing}`,
      `column i2.d: exists, and ${none}`,
      `index i2_i: definition is CREATE INDEX ON public.i2 USING btree (d); ${make} CREATE INDEX ON public.i2 USING btree (b)`,
      'view i2_v: its definition is another one',
    ],
  ],
  // what reads like a part of a statement, and is a name or a text
  [
    'create table "j1 ON ONLY x" (a text); create table j1 (a text); create index j1_i on "j1 ON ONLY x" (a); create index j1_j on j1 (a) where a <> $$b ON ONLY c$$',
    'drop index j1_i; drop index j1_j',
    [`index j1_i: ${missing}`, `index j1_j: ${missing}`],
  ],
  [
    `create language "j2 L" handler plpgsql_call_handler inline plpgsql_inline_handler validator plpgsql_validator; create function j2_f() returns int language "j2 L" as 'begin return 1; end'; create access method "j2 A" type table handler heap_tableam_handler; create materialized view j2_m using "j2 A" as select 1 as a`,
    'drop function j2_f(); drop materialized view j2_m',
    [`function j2_f(): ${missing}`, `materialized view j2_m: ${missing}`],
  ],
  // what the server refuses
  [
    "create function j3() returns setof int language sql as 'select 1'",
    "drop function j3(); create function j3() returns int language sql as 'select 1'",
    [`function j3(): has no rows; ${make} 1000`, `function j3(): returns is integer; ${make} SETOF integer`],
  ],
  [
    'create table j4 (a int generated always as identity)',
    'alter table j4 alter a type bigint; alter table j4 alter a set maxvalue 5000000000',
    [
      `column j4.a: type is bigint; ${make} integer`,
      `sequence j4_a_seq: maximum is 5000000000; ${make} 2147483647`,
      `sequence j4_a_seq: type is bigint; ${make} integer`,
    ],
  ],
]
