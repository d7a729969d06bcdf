// Single changes to constraints, indexes and extended statistics.

import type { Row } from './change.ts'

const none = 'no migration makes it'
const make = 'the migrations make it'
const parent = (name: string) => `create table ${name}p (a int primary key); create table ${name} (a int`

export const constraints: readonly Row[] = [
  [
    'create table k1 (a int)',
    'alter table k1 add constraint k1_a check (a > 0)',
    `constraint k1.k1_a: exists, and ${none}`,
  ],
  [
    'create table k2 (a int constraint k2_a check (a > 0))',
    'alter table k2 drop constraint k2_a',
    'constraint k2.k2_a: is missing, and a migration makes it',
  ],
  [
    'create table k3 (a int constraint k3_a check (a > 0))',
    'alter table k3 drop constraint k3_a; alter table k3 add constraint k3_a check (a > 1)',
    `constraint k3.k3_a: definition is CHECK ((a > 1)); ${make} CHECK ((a > 0))`,
  ],
  [
    'create table k4 (a int constraint k4_a check (a > 0))',
    'alter table k4 drop constraint k4_a; alter table k4 add constraint k4_a check (a > 0) not valid',
    `constraint k4.k4_a: validity: not valid, and ${none}`,
  ],
  [
    'create table k5 (a int); alter table k5 add constraint k5_a check (a > 0) not valid',
    'alter table k5 validate constraint k5_a',
    `constraint k5.k5_a: has no validity; ${make} not valid`,
  ],
  [
    'create table k6 (a int constraint k6_a check (a > 0))',
    'alter table k6 drop constraint k6_a; alter table k6 add constraint k6_a check (a > 0) no inherit',
    `constraint k6.k6_a: definition is CHECK ((a > 0)) NO INHERIT; ${make} CHECK ((a > 0))`,
  ],
  [
    'create table k7 (a int not null)',
    'alter table k7 add primary key (a)',
    `constraint k7.k7_pkey: exists, and ${none}`,
  ],
  [
    'create table k8 (a int primary key)',
    'alter table k8 drop constraint k8_pkey; alter table k8 alter a set not null',
    'constraint k8.k8_pkey: is missing, and a migration makes it',
  ],
  [
    'create table k9 (a int, b int, unique (a))',
    'alter table k9 drop constraint k9_a_key; alter table k9 add constraint k9_a_key unique (a, b)',
    `constraint k9.k9_a_key: definition is UNIQUE (a, b); ${make} UNIQUE (a)`,
  ],
  [
    'create table k10 (a int unique)',
    'alter table k10 drop constraint k10_a_key; alter table k10 add constraint k10_a_key unique (a) deferrable initially deferred',
    `constraint k10.k10_a_key: definition is UNIQUE (a) DEFERRABLE INITIALLY DEFERRED; ${make} UNIQUE (a)`,
  ],
  [
    'create table k11 (a int unique)',
    'alter table k11 drop constraint k11_a_key; alter table k11 add constraint k11_a_key unique nulls not distinct (a)',
    `constraint k11.k11_a_key: definition is UNIQUE NULLS NOT DISTINCT (a); ${make} UNIQUE (a)`,
  ],
  [
    'create table k12 (a int, b int, unique (a))',
    'alter table k12 drop constraint k12_a_key; alter table k12 add constraint k12_a_key unique (a) include (b)',
    `constraint k12.k12_a_key: definition is UNIQUE (a) INCLUDE (b); ${make} UNIQUE (a)`,
  ],
  [
    `${parent('k13')})`,
    'alter table k13 add constraint k13_fk foreign key (a) references k13p',
    `constraint k13.k13_fk: exists, and ${none}`,
  ],
  [
    `${parent('k14')} references k14p)`,
    'alter table k14 drop constraint k14_a_fkey; alter table k14 add constraint k14_a_fkey foreign key (a) references k14p on delete cascade',
    `constraint k14.k14_a_fkey: definition is FOREIGN KEY (a) REFERENCES public.k14p(a) ON DELETE CASCADE; ${make} FOREIGN KEY (a) REFERENCES public.k14p(a)`,
  ],
  [
    `${parent('k15')} references k15p)`,
    'alter table k15 alter constraint k15_a_fkey deferrable initially deferred',
    `constraint k15.k15_a_fkey: definition is FOREIGN KEY (a) REFERENCES public.k15p(a) DEFERRABLE INITIALLY DEFERRED; ${make} FOREIGN KEY (a) REFERENCES public.k15p(a)`,
  ],
  [
    `${parent('k16')} references k16p)`,
    'alter table k16 drop constraint k16_a_fkey; alter table k16 add constraint k16_a_fkey foreign key (a) references k16p not valid',
    `constraint k16.k16_a_fkey: validity: not valid, and ${none}`,
  ],
  [
    `${parent('k17')} references k17p)`,
    'alter table k17 disable trigger all',
    `constraint k17.k17_a_fkey: triggers: disabled on public.k17, and ${none}`,
  ],
  [
    `${parent('k18')} references k18p on update cascade)`,
    'alter table k18 drop constraint k18_a_fkey; alter table k18 add constraint k18_a_fkey foreign key (a) references k18p match full on update cascade',
    `constraint k18.k18_a_fkey: definition is FOREIGN KEY (a) REFERENCES public.k18p(a) MATCH FULL ON UPDATE CASCADE; ${make} FOREIGN KEY (a) REFERENCES public.k18p(a) ON UPDATE CASCADE`,
  ],
  [
    'create table k19 (a int4range)',
    'alter table k19 add constraint k19_x exclude using gist (a with &&)',
    `constraint k19.k19_x: exists, and ${none}`,
  ],
  [
    'create table k20 (a int constraint k20_a unique)',
    'alter table k20 rename constraint k20_a to k20_b',
    'constraint k20.k20_b: is named otherwise: expected k20.k20_a',
  ],
  [
    'create table k21 (a int primary key)',
    "comment on constraint k21_pkey on k21 is 'key'",
    `constraint k21.k21_pkey: comment: key, and ${none}`,
  ],
  [
    'create table k22 (a int primary key)',
    'alter index k22_pkey set (fillfactor = 50)',
    `constraint k22.k22_pkey: option fillfactor: 50, and ${none}`,
  ],
  [
    'create table k23 (a int primary key)',
    'cluster k23 using k23_pkey',
    `constraint k23.k23_pkey: clustered: yes, and ${none}`,
  ],
  [
    'create table k24 (a int not null, unique (a))',
    'alter table k24 replica identity using index k24_a_key',
    `table k24: replica identity: an index, and ${none}`,
  ],
  [
    'create domain k25 as int constraint k25_c check (value > 0)',
    'alter domain k25 drop constraint k25_c',
    'constraint k25.k25_c: is missing, and a migration makes it',
  ],
  [
    'create domain k26 as int',
    'alter domain k26 add constraint k26_c check (value > 0) not valid',
    `constraint k26.k26_c: exists, and ${none}`,
  ],
  [
    'create table k27 (a int constraint k27_c check (a > 0))',
    'alter table k27 drop constraint k27_c; alter table k27 add constraint k27_c check (a > 0) not enforced',
    `constraint k27.k27_c: definition is CHECK ((a > 0)) NOT ENFORCED; ${make} CHECK ((a > 0))`,
    18,
  ],
  [
    'create table k28 (a int)',
    'alter table k28 add constraint k28_nn not null a not valid',
    `column k28.a: nullability: not null, not valid, and ${none}`,
    18,
  ],
  [
    'create table k38 (a int constraint k38_n not null); create domain k38_d as int constraint k38_dn not null',
    "comment on constraint k38_n on k38 is 'x'; comment on constraint k38_dn on domain k38_d is 'y'",
    [`column k38.a: comment on its not null: x, and ${none}`, `domain k38_d: comment on its not null: y, and ${none}`],
    18,
  ],
  ['create table x1 (a int)', 'create index x1_a on x1 (a)', `index x1_a: exists, and ${none}`],
  [
    'create table x2 (a int); create index x2_a on x2 (a)',
    'drop index x2_a',
    'index x2_a: is missing, and a migration makes it',
  ],
  [
    'create table x3 (a int); create index x3_a on x3 (a)',
    'drop index x3_a; create unique index x3_a on x3 (a)',
    `index x3_a: definition is CREATE UNIQUE INDEX ON public.x3 USING btree (a); ${make} CREATE INDEX ON public.x3 USING btree (a)`,
  ],
  [
    'create table x4 (a int); create index x4_a on x4 (a)',
    'drop index x4_a; create index x4_a on x4 (a desc nulls last)',
    `index x4_a: definition is CREATE INDEX ON public.x4 USING btree (a DESC NULLS LAST); ${make} CREATE INDEX ON public.x4 USING btree (a)`,
  ],
  [
    'create table x5 (a int); create index x5_a on x5 (a)',
    'drop index x5_a; create index x5_a on x5 (a) where a > 0',
    `index x5_a: definition is CREATE INDEX ON public.x5 USING btree (a) WHERE (a > 0); ${make} CREATE INDEX ON public.x5 USING btree (a)`,
  ],
  [
    'create table x6 (a text); create index x6_a on x6 (a)',
    'drop index x6_a; create index x6_a on x6 (a text_pattern_ops)',
    `index x6_a: definition is CREATE INDEX ON public.x6 USING btree (a text_pattern_ops); ${make} CREATE INDEX ON public.x6 USING btree (a)`,
  ],
  [
    'create table x7 (a text); create index x7_a on x7 (a)',
    'drop index x7_a; create index x7_a on x7 (a collate "C")',
    `index x7_a: definition is CREATE INDEX ON public.x7 USING btree (a COLLATE "C"); ${make} CREATE INDEX ON public.x7 USING btree (a)`,
  ],
  [
    'create table x8 (a int, b int); create index x8_a on x8 (a)',
    'drop index x8_a; create index x8_a on x8 (a) include (b)',
    `index x8_a: definition is CREATE INDEX ON public.x8 USING btree (a) INCLUDE (b); ${make} CREATE INDEX ON public.x8 USING btree (a)`,
  ],
  [
    'create table x9 (a int); create index x9_a on x9 (a)',
    'drop index x9_a; create index x9_a on x9 using hash (a)',
    `index x9_a: definition is CREATE INDEX ON public.x9 USING hash (a); ${make} CREATE INDEX ON public.x9 USING btree (a)`,
  ],
  [
    'create table x10 (a text); create index x10_a on x10 (lower(a))',
    'drop index x10_a; create index x10_a on x10 (upper(a))',
    `index x10_a: definition is CREATE INDEX ON public.x10 USING btree (upper(a)); ${make} CREATE INDEX ON public.x10 USING btree (lower(a))`,
  ],
  [
    'create table x11 (a int); create unique index x11_a on x11 (a)',
    'drop index x11_a; create unique index x11_a on x11 (a) nulls not distinct',
    `index x11_a: definition is CREATE UNIQUE INDEX ON public.x11 USING btree (a) NULLS NOT DISTINCT; ${make} CREATE UNIQUE INDEX ON public.x11 USING btree (a)`,
  ],
  [
    'create table x12 (a int); create index x12_a on x12 (a)',
    "update pg_index set indisvalid = false where indexrelid = 'x12_a'::regclass",
    `index x12_a: validity: invalid, and ${none}`,
  ],
  [
    'create table x13 (a int); create index x13_a on x13 (a)',
    'cluster x13 using x13_a',
    `index x13_a: clustered: yes, and ${none}`,
  ],
  [
    'create table x14 (a int not null); create unique index x14_a on x14 (a)',
    'alter table x14 replica identity using index x14_a',
    `table x14: replica identity: an index, and ${none}`,
  ],
  [
    'create table x15 (a int); create index x15_a on x15 ((a + 1))',
    'alter index x15_a alter column 1 set statistics 900',
    `index x15_a: statistics targets: 1: 900, and ${none}`,
  ],
  [
    'create table x16 (a int); create index x16_a on x16 (a)',
    'alter index x16_a rename to x16_b',
    'index x16_b: is named otherwise: expected x16_a',
  ],
  [
    'create table x17 (a int); create index x17_a on x17 (a)',
    'alter index x17_a set (fillfactor = 60)',
    `index x17_a: definition is CREATE INDEX ON public.x17 USING btree (a) WITH (fillfactor='60'); ${make} CREATE INDEX ON public.x17 USING btree (a)`,
  ],
  [
    'create table x18 (a int); create index x18_a on x18 (a)',
    "comment on index x18_a is 'quick'",
    `index x18_a: comment: quick, and ${none}`,
  ],
  [
    'create materialized view x19 as select 1 as a',
    'create index x19_a on x19 (a)',
    `index x19_a: exists, and ${none}`,
  ],
  [
    'create table x20 (a int) partition by list (a); create index x20_a on x20 (a); create table x20p partition of x20 for values in (1)',
    'create index x20p_own on x20p (a)',
    `index x20p_own: exists, and ${none}`,
  ],
  [
    'create table s1 (a int, b int)',
    'create statistics s1_ab on a, b from s1',
    `statistics s1_ab: exists, and ${none}`,
  ],
  [
    'create table s2 (a int, b int); create statistics s2_ab (ndistinct) on a, b from s2',
    'drop statistics s2_ab; create statistics s2_ab (dependencies) on a, b from s2',
    `statistics s2_ab: definition is CREATE STATISTICS public.s2_ab (dependencies) ON a, b FROM public.s2; ${make} CREATE STATISTICS public.s2_ab (ndistinct) ON a, b FROM public.s2`,
  ],
  [
    'create table s3 (a int, b int); create statistics s3_ab on a, b from s3',
    'alter statistics s3_ab set statistics 77',
    `statistics s3_ab: statistics target: 77, and ${none}`,
  ],
  // keys that a partition has of its table
  [
    'create table k60 (a int not null, unique (a)) partition by list (a); create table k60a partition of k60 for values in (1)',
    "alter table k60a cluster on k60a_a_key, replica identity using index k60a_a_key; alter index k60a_a_key set (fillfactor = 60); comment on constraint k60a_a_key on k60a is 'x'",
    [
      `constraint k60a (part of public.k60.k60_a_key): clustered: yes, and ${none}`,
      `constraint k60a (part of public.k60.k60_a_key): comment: x, and ${none}`,
      `constraint k60a (part of public.k60.k60_a_key): option fillfactor: 60, and ${none}`,
      `table k60a: replica identity: an index, and ${none}`,
    ],
  ],
  [
    'create table k61_r (a int primary key) partition by list (a); create table k61_ra partition of k61_r for values in (1) partition by list (a); create table k61_rb partition of k61_ra for values in (1); create table k61 (a int constraint k61_f references k61_r) partition by list (a); create table k61a partition of k61 for values in (1)',
    'alter table k61a disable trigger all; alter table k61_rb disable trigger all',
    [
      `constraint k61.k61_f: triggers: disabled on public.k61_rb, and ${none}`,
      `constraint k61a (part of public.k61.k61_f): triggers: disabled on public.k61a, and ${none}`,
    ],
  ],
]
