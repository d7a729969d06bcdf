// Single changes whose remedy gives a column another type, builds an index or a key again, or attaches a table.

import type { Row } from './change.ts'

const none = 'no migration makes it'
const make = 'the migrations make it'
const missing = 'is missing, and a migration makes it'
const index = (table: string, rest: string) => `CREATE INDEX ON public.${table} USING btree (${rest})`

export const replaced: readonly Row[] = [
  // types
  [
    "create table q1 (a int primary key, b int not null default 5); create index q1_i on q1 (b); comment on column q1.b is 'x'",
    'alter table q1 alter a type bigint, alter b type bigint, alter b set default 6',
    [
      `column q1.a: type is bigint; ${make} integer`,
      `column q1.b: type is bigint; ${make} integer`,
      `column q1.b: default is 6; ${make} 5`,
    ],
  ],
  [
    'create table q2 (a int primary key); create table q2_r (a int references q2)',
    'alter table q2 alter a type bigint; alter table q2_r alter a type bigint',
    [`column q2.a: type is bigint; ${make} integer`, `column q2_r.a: type is bigint; ${make} integer`],
  ],
  [
    "create table q3 (a varchar(20) default 'x' check (a <> ''), b text, c varchar(5)[]); alter table q3 alter b set storage external",
    'alter table q3 alter a type varchar(30), alter b type varchar(7), alter b set storage external, alter c type text[]; alter table q3 alter c type varchar(5)[]',
    [
      `column q3.a: type is character varying(30); ${make} character varying(20)`,
      `column q3.b: type is character varying(7); ${make} text`,
    ],
  ],
  [
    "create type q4_e as enum ('a', 'b'); create type q4_f as enum ('b', 'a'); create table q4 (a q4_e default 'a', b text unique, c q4_f)",
    "insert into q4 values ('a', 'b', 'a'); alter table q4 alter a drop default, alter a type text, alter b type q4_e using b::q4_e, alter c type q4_e using c::text::q4_e; alter table q4 alter a set default 'b'",
    [
      `column q4.a: type is text; ${make} public.q4_e`,
      `column q4.a: default is 'b'::text; ${make} 'a'::public.q4_e`,
      `column q4.b: type is public.q4_e; ${make} text`,
      `column q4.c: type is public.q4_e; ${make} public.q4_f`,
    ],
  ],
  [
    'create table q5 (a int, b uuid, c numeric, d bool, e bigint unique)',
    "insert into q5 values (7, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 1.50, true, -9); alter table q5 alter a type text, alter b type text, alter c type text, alter d type text, alter e type varchar(9)",
    [
      `column q5.a: type is text; ${make} integer`,
      `column q5.b: type is text; ${make} uuid`,
      `column q5.c: type is text; ${make} numeric`,
      `column q5.d: type is text; ${make} boolean`,
      `column q5.e: type is character varying(9); ${make} bigint`,
    ],
  ],
  [
    'create table q6 (a numeric(12, 4), b timestamp, c double precision, d jsonb)',
    'alter table q6 alter a type numeric(10, 2), alter b type timestamp(3), alter c type real, alter d type jsonb',
    [
      `column q6.a: type is numeric(10,2); ${make} numeric(12,4)`,
      `column q6.b: type is timestamp(3) without time zone; ${make} timestamp without time zone`,
      `column q6.c: type is real; ${make} double precision`,
    ],
  ],
  [
    'create table q7 (a int, b int default 1) partition by list (a); create table q7a partition of q7 for values in (1); create index q7_i on q7 (b); alter table q7a alter b set default 7',
    'alter table q7 alter b type bigint',
    `column q7.b: type is bigint; ${make} integer`,
  ],
  [
    'create table q8 (a serial primary key)',
    'alter table q8 alter a type bigint',
    `column q8.a: type is bigint; ${make} integer`,
  ],
  [
    'create table q9 (a text, b text unique)',
    'alter table q9 alter a type text collate "C", alter b type text collate "C"',
    ['a', 'b'].map(column => `column q9.${column}: collation: pg_catalog."C", and ${none}`),
  ],
  // indexes and keys
  [
    "create table r1 (a int, b int); create index r1_i on r1 (a); comment on index r1_i is 'x'; alter table r1 cluster on r1_i; create unique index r1_u on r1 (a) where b > 1",
    "drop index r1_i; create index r1_i on r1 (b, a); comment on index r1_i is 'x'; alter table r1 cluster on r1_i; drop index r1_u; create index r1_u on r1 (a)",
    [
      `index r1_i: definition is ${index('r1', 'b, a')}; ${make} ${index('r1', 'a')}`,
      `index r1_u: definition is ${index('r1', 'a')}; ${make} CREATE UNIQUE INDEX ON public.r1 USING btree (a) WHERE (b > 1)`,
    ],
  ],
  [
    'create table r2 (a int, b int) partition by list (a); create table r2a partition of r2 for values in (1); create index r2_i on r2 (a)',
    'drop index r2_i; create index r2_i on r2 (b)',
    `index r2_i: definition is CREATE INDEX ON ONLY public.r2 USING btree (b); ${make} CREATE INDEX ON ONLY public.r2 USING btree (a)`,
  ],
  [
    'create materialized view r3 as select 1 as a, 2 as b; create unique index "r3 I" on r3 (a)',
    'drop index "r3 I"; create unique index "r3 I" on r3 (a, b)',
    `index "r3 I": definition is CREATE UNIQUE INDEX ON public.r3 USING btree (a, b); ${make} CREATE UNIQUE INDEX ON public.r3 USING btree (a)`,
  ],
  [
    "create table r4 (a int not null, b int not null, r int4range, constraint r4_k primary key (a), constraint r4_u unique nulls not distinct (b) include (a) with (fillfactor = 70) deferrable initially deferred, constraint r4_x exclude using gist (r with &&)); comment on constraint r4_u on r4 is 'x'",
    "alter table r4 drop constraint r4_k, drop constraint r4_u, drop constraint r4_x; alter table r4 add constraint r4_k primary key (b, a), add constraint r4_u unique (b) with (fillfactor = 70), add constraint r4_x exclude using gist (r with =); comment on constraint r4_u on r4 is 'x'",
    [
      `constraint r4.r4_k: definition is PRIMARY KEY (b, a); ${make} PRIMARY KEY (a)`,
      `constraint r4.r4_u: definition is UNIQUE (b); ${make} UNIQUE NULLS NOT DISTINCT (b) INCLUDE (a) DEFERRABLE INITIALLY DEFERRED`,
      `constraint r4.r4_x: definition is EXCLUDE USING gist (r WITH =); ${make} EXCLUDE USING gist (r WITH &&)`,
    ],
  ],
  [
    'create table r5 (a int not null, b int not null, constraint r5_k primary key (a)) partition by list (a); create table r5a partition of r5 for values in (1)',
    'alter table r5 drop constraint r5_k; alter table r5 add constraint r5_k primary key (a, b)',
    `constraint r5.r5_k: definition is PRIMARY KEY (a, b); ${make} PRIMARY KEY (a)`,
  ],
  [
    "create function r6_f(int) returns int language sql immutable as 'select 1'; create table r6 (a int) partition by list (a); create table r6a partition of r6 for values in (1); create index r6_i on r6 (r6_f(a))",
    "create or replace function r6_f(int) returns int language sql immutable as 'select 2'",
    `function r6_f(integer): body is select 2; ${make} select 1`,
  ],
  [
    'create table r7 (a int not null unique, b int not null unique); alter table r7 replica identity using index r7_b_key; create table r8 (a int not null unique)',
    'alter table r7 replica identity using index r7_a_key; alter table r8 replica identity using index r8_a_key',
    [
      `constraint r7.r7_b_key: has no replica identity; ${make} yes`,
      `table r8: replica identity: an index, and ${none}`,
    ],
  ],
  // places
  [
    `create function s1_f() returns trigger language plpgsql as 'begin return new; end'; create table s1 (a int, b int) partition by list (a); create table s1a partition of s1 for values in (1); create index s1_i on s1 (b); create trigger s1_t before insert on s1 for each row execute function s1_f()`,
    'alter table s1 detach partition s1a',
    `table s1a: has no partition; ${make} public.s1 FOR VALUES IN (1)`,
  ],
  [
    'create table s2 (a int primary key, b int not null default 3) partition by list (a); create table s2a partition of s2 for values in (1)',
    'alter table s2 detach partition s2a; alter table s2a drop b',
    [`column s2a.b: ${missing}`, `table s2a: has no partition; ${make} public.s2 FOR VALUES IN (1)`],
  ],
  [
    'create table s3 (a int) partition by list (a); create table s3a partition of s3 default; create index s3_i on s3 (a)',
    'alter table s3 detach partition s3a; alter table s3 attach partition s3a for values in (1, 2)',
    `table s3a: partition is public.s3 FOR VALUES IN (1, 2); ${make} public.s3 DEFAULT`,
  ],
  [
    'create table s4_p (a int constraint s4_c check (a > 0)); create table s4_q (b int); create table s4 (a int constraint s4_c check (a > 0), b int) inherits (s4_q)',
    'alter table s4 no inherit s4_q, inherit s4_p',
    `table s4: inherits is public.s4_p; ${make} public.s4_q`,
  ],
  [
    'create table s5 (a int, b text) partition by list (a); create table s5a (a int); create table s6 (a int, b text); create table s6_c (a int)',
    'alter table s5 drop b; alter table s5 attach partition s5a for values in (1); alter table s6 drop b; alter table s6_c inherit s6',
    [
      `column s5.b: ${missing}`,
      `table s5a: partition: public.s5 FOR VALUES IN (1), and ${none}`,
      `column s6.b: ${missing}`,
      `table s6_c: inherits: public.s6, and ${none}`,
    ],
  ],
  // types of the project's own
  [
    `create type t1 as (a int, "B b" text collate "C"); comment on type t1 is 'x'; comment on column t1.a is 'y'; create table t1_t (a t1, b int); create type t2 as range (subtype = float8, subtype_diff = float8mi, multirange_type_name = "T 2m")`,
    'drop type t1 cascade; drop type t2',
    [`type t1: ${missing}`, `type t2: ${missing}`, `column t1_t.a: ${missing}`],
  ],
  [
    "create type t3_e as enum ('a'); create function t3_f(a t3_e) returns int language sql immutable as 'select 1'; create cast (t3_e as int) with function t3_f(t3_e) as assignment; comment on cast (t3_e as int) is 'x'; create cast (t3_e as text) with inout as implicit; create cast (int as date) without function",
    'drop cast (t3_e as int); drop cast (t3_e as text); drop cast (int as date)',
    ['t3_e as integer', 't3_e as text', 'integer as date'].map(cast => `cast ${cast}: ${missing}`),
  ],
  [
    "create operator === (leftarg = int, rightarg = int, function = int4eq, restrict = eqsel, join = eqjoinsel, hashes, merges); comment on operator ===(int, int) is 'x'; create operator !== (rightarg = int, function = int4um)",
    'drop operator === (int, int); drop operator !== (none, int)',
    [`operator ===(integer,integer): ${missing}`, `operator !==(NONE,integer): ${missing}`],
  ],
  [
    "create collation t4 (provider = icu, locale = 'en', deterministic = false); comment on collation t4 is 'x'; create collation t5 (locale = 'C'); create collation t6 (lc_collate = 'C', lc_ctype = 'POSIX')",
    'drop collation t4; drop collation t5; drop collation t6',
    ['t4', 't5', 't6'].map(name => `collation ${name}: ${missing}`),
  ],
  [
    'create table t7 (a int not null, b int not null); alter table t7 alter constraint t7_a_not_null no inherit',
    "alter table t7 alter constraint t7_a_not_null inherit; alter table t7 drop constraint t7_b_not_null; alter table t7 add constraint t7_n not null b not valid; comment on constraint t7_a_not_null on t7 is 'x'",
    [
      `column t7.a: nullability is not null; ${make} not null, no inherit`,
      `column t7.a: comment on its not null: x, and ${none}`,
      `column t7.b: nullability is not null, not valid; ${make} not null`,
    ],
    18,
  ],
]
