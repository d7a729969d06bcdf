// Single changes to views, functions, triggers, rules, policies and sequences.

import type { Row } from './change.ts'

const none = 'no migration makes it'
const make = 'the migrations make it'
const trigger = "returns trigger language plpgsql as 'begin return new; end'"
const fn = (name: string, options = '', body = 'select 1') =>
  `create or replace function ${name}() returns int language sql ${options} as '${body}'`
const changed = (name: string, options: string, says: string): Row => [
  fn(name),
  fn(name, options),
  `function ${name}(): ${says}`,
]
const on = (name: string, timing = 'before insert') =>
  `create table ${name} (a int); create function ${name}_f() ${trigger}; create trigger ${name}_t ${timing} on ${name} for each row execute function ${name}_f()`

export const programs: readonly Row[] = [
  [
    'create view v1 as select 1 as a',
    'create or replace view v1 as select 2 as a',
    `view v1: definition is  SELECT 2 AS a;; ${make}  SELECT 1 AS a;`,
  ],
  ['', 'create view v2 as select 1 as a', `view v2: exists, and ${none}`],
  ['create view v3 as select 1 as a', 'drop view v3', 'view v3: is missing, and a migration makes it'],
  [
    'create table v4t (a int); create view v4 as select a from v4t',
    'alter view v4 set (security_barrier = true)',
    `view v4: option security_barrier: true, and ${none}`,
  ],
  [
    'create table v5t (a int); create view v5 as select a from v5t',
    'alter view v5 set (check_option = local)',
    `view v5: option check_option: local, and ${none}`,
  ],
  [
    'create table v6t (a int); create view v6 as select a from v6t',
    'alter view v6 set (security_invoker = on)',
    `view v6: option security_invoker: on, and ${none}`,
  ],
  [
    'create table v7t (a int); create view v7 as select a from v7t',
    'alter view v7 alter a set default 5',
    `column v7.a: default: 5, and ${none}`,
  ],
  ['create view v8 as select 1 as a', "comment on view v8 is 'one'", `view v8: comment: one, and ${none}`],
  [
    'create materialized view m1 as select 1 as a',
    'drop materialized view m1; create materialized view m1 as select 2 as a',
    `materialized view m1: definition is  SELECT 2 AS a;; ${make}  SELECT 1 AS a;`,
  ],
  [
    'create materialized view m2 as select 1 as a',
    'drop materialized view m2',
    'materialized view m2: is missing, and a migration makes it',
  ],
  [
    'create materialized view m3 as select 1 as a',
    'alter materialized view m3 set (fillfactor = 50)',
    `materialized view m3: option fillfactor: 50, and ${none}`,
  ],
  ['', fn('f1'), `function f1(): exists, and ${none}`],
  [fn('f2'), 'drop function f2()', 'function f2(): is missing, and a migration makes it'],
  [fn('f3'), fn('f3', '', 'select 2'), `function f3(): body is select 2; ${make} select 1`],
  changed('f4', 'stable', `volatility is stable; ${make} volatile`),
  changed('f5', 'immutable', `volatility is immutable; ${make} volatile`),
  changed('f6', 'security definer', `security: definer, and ${none}`),
  changed('f7', 'strict', `strict: yes, and ${none}`),
  changed('f8', 'leakproof', `leakproof: yes, and ${none}`),
  changed('f9', 'parallel safe', `parallel is safe; ${make} unsafe`),
  changed('f10', 'cost 42', `cost is 42; ${make} 100`),
  changed('f11', 'set search_path = public', `setting search_path: public, and ${none}`),
  [
    fn('f12', "set work_mem = '1MB'"),
    'alter function f12() reset work_mem',
    `function f12(): has no setting work_mem; ${make} 1MB`,
  ],
  [
    "create function f13(a int) returns setof int language sql as 'select 1'",
    'alter function f13(int) rows 7',
    `function f13(integer): rows is 7; ${make} 1000`,
  ],
  [
    "create function f14(a int) returns int language sql as 'select 1'",
    "drop function f14(int); create function f14(b int) returns int language sql as 'select 1'",
    `function f14(integer): arguments is b integer; ${make} a integer`,
  ],
  [
    "create function f15(a int) returns int language sql as 'select 1'",
    "create or replace function f15(a int default 3) returns int language sql as 'select 1'",
    `function f15(integer): arguments is a integer DEFAULT 3; ${make} a integer`,
  ],
  [
    fn('f16'),
    "drop function f16(); create function f16() returns bigint language sql as 'select 1::bigint'",
    [
      `function f16(): body is select 1::bigint; ${make} select 1`,
      `function f16(): returns is bigint; ${make} integer`,
    ],
  ],
  [
    fn('f17'),
    "create function f17(a int) returns int language sql as 'select 1'",
    `function f17(integer): exists, and ${none}`,
  ],
  [
    'create function f18() returns int language sql return 1',
    'create or replace function f18() returns int language sql return 2',
    `function f18(): body is RETURN 2; ${make} RETURN 1`,
  ],
  [
    "create function f19() returns int language plpgsql as 'begin return 1; end'",
    fn('f19', '', 'begin return 1; end').replace('language sql', 'language plpgsql stable'),
    `function f19(): volatility is stable; ${make} volatile`,
  ],
  [fn('f20'), "comment on function f20() is 'x'", `function f20(): comment: x, and ${none}`],
  ['', "create procedure r1() language sql as 'select 1'", `procedure r1(): exists, and ${none}`],
  [
    "create procedure r2() language sql as 'select 1'",
    "create or replace procedure r2() language sql as 'select 2'",
    `procedure r2(): body is select 2; ${make} select 1`,
  ],
  ['', 'create aggregate a1(int) (sfunc = int4pl, stype = int)', `aggregate a1(integer): exists, and ${none}`],
  [
    'create aggregate a2(int) (sfunc = int4pl, stype = int)',
    "drop aggregate a2(int); create aggregate a2(int) (sfunc = int4pl, stype = int, initcond = '0')",
    `aggregate a2(integer): initial state: 0, and ${none}`,
  ],
  [
    'create aggregate a3(int) (sfunc = int4pl, stype = int)',
    'drop aggregate a3(int); create aggregate a3(int) (sfunc = int4larger, stype = int)',
    `aggregate a3(integer): transition function is int4larger(integer,integer); ${make} int4pl(integer,integer)`,
  ],
  [on('g1'), 'drop trigger g1_t on g1', 'trigger g1.g1_t: is missing, and a migration makes it'],
  [on('g2'), 'alter table g2 disable trigger g2_t', `trigger g2.g2_t: state: disabled, and ${none}`],
  [on('g3'), 'alter table g3 enable always trigger g3_t', `trigger g3.g3_t: state: fires always, and ${none}`],
  [
    on('g4'),
    'alter table g4 enable replica trigger g4_t',
    `trigger g4.g4_t: state: fires on replicas only, and ${none}`,
  ],
  [
    on('g5'),
    'drop trigger g5_t on g5; create trigger g5_t before insert or update on g5 for each row execute function g5_f()',
    `trigger g5.g5_t: definition is CREATE TRIGGER g5_t BEFORE INSERT OR UPDATE ON public.g5 FOR EACH ROW EXECUTE FUNCTION public.g5_f(); ${make} CREATE TRIGGER g5_t BEFORE INSERT ON public.g5 FOR EACH ROW EXECUTE FUNCTION public.g5_f()`,
  ],
  [
    on('g6'),
    'create trigger g6_more after delete on g6 execute function g6_f()',
    `trigger g6.g6_more: exists, and ${none}`,
  ],
  [on('g7'), "comment on trigger g7_t on g7 is 'x'", `trigger g7.g7_t: comment: x, and ${none}`],
  [
    'create table u1 (a int)',
    'create rule u1_r as on delete to u1 do instead nothing',
    `rule u1.u1_r: exists, and ${none}`,
  ],
  [
    'create table u2 (a int); create rule u2_r as on delete to u2 do instead nothing',
    'alter table u2 disable rule u2_r',
    `rule u2.u2_r: state: disabled, and ${none}`,
  ],
  [
    'create table u3 (a int); create rule u3_r as on delete to u3 do instead nothing',
    'drop rule u3_r on u3',
    'rule u3.u3_r: is missing, and a migration makes it',
  ],
  ['create table l1 (a int)', 'create policy l1_p on l1 using (a > 0)', `policy l1.l1_p: exists, and ${none}`],
  [
    'create table l2 (a int); create policy l2_p on l2 using (a > 0)',
    'alter policy l2_p on l2 using (a > 1)',
    `policy l2.l2_p: using is (a > 1); ${make} (a > 0)`,
  ],
  [
    'create table l3 (a int); create policy l3_p on l3 using (a > 0)',
    'alter policy l3_p on l3 with check (a > 1)',
    `policy l3.l3_p: with check: (a > 1), and ${none}`,
  ],
  [
    'create table l4 (a int); create policy l4_p on l4 for select using (a > 0)',
    'drop policy l4_p on l4; create policy l4_p on l4 for delete using (a > 0)',
    `policy l4.l4_p: command is delete; ${make} select`,
  ],
  [
    'create table l5 (a int); create policy l5_p on l5 using (a > 0)',
    'drop policy l5_p on l5; create policy l5_p on l5 as restrictive using (a > 0)',
    `policy l5.l5_p: mode is restrictive; ${make} permissive`,
  ],
  [
    'create table l6 (a int); create policy l6_p on l6 using (a > 0)',
    'alter policy l6_p on l6 to pg_monitor',
    `policy l6.l6_p: roles is pg_monitor; ${make} PUBLIC`,
  ],
  [
    'create table l7 (a int); create policy l7_p on l7 using (a > 0)',
    'drop policy l7_p on l7',
    'policy l7.l7_p: is missing, and a migration makes it',
  ],
  ['create sequence q1', 'alter sequence q1 increment by 10', `sequence q1: increment is 10; ${make} 1`],
  [
    'create sequence q2',
    'alter sequence q2 maxvalue 1000',
    `sequence q2: maximum is 1000; ${make} 9223372036854775807`,
  ],
  ['create sequence q3', 'alter sequence q3 minvalue -5', `sequence q3: minimum is -5; ${make} 1`],
  ['create sequence q4', 'alter sequence q4 start with 7', `sequence q4: start is 7; ${make} 1`],
  ['create sequence q5', 'alter sequence q5 cache 20', `sequence q5: cache is 20; ${make} 1`],
  ['create sequence q6', 'alter sequence q6 cycle', `sequence q6: cycle: yes, and ${none}`],
  [
    'create sequence q7 as int maxvalue 100',
    'alter sequence q7 as bigint',
    `sequence q7: type is bigint; ${make} integer`,
  ],
  [
    'create table q8 (a serial)',
    'alter sequence q8_a_seq owned by none',
    `sequence q8_a_seq: has no owned by; ${make} public.q8.a`,
  ],
  ['create sequence q9', 'drop sequence q9', 'sequence q9: is missing, and a migration makes it'],
  ['', 'create sequence q10', `sequence q10: exists, and ${none}`],
  [
    'create aggregate ag9(int) (sfunc = int4pl, stype = int, msfunc = int4pl, minvfunc = int4mi, mstype = int, mfinalfunc = int4abs)',
    'create or replace aggregate ag9(int) (sfunc = int4pl, stype = int, msfunc = int4pl, minvfunc = int4mi, mstype = int, mfinalfunc = int4abs, mfinalfunc_modify = read_write, msspace = 100)',
    [
      `aggregate ag9(integer): moving final function changes the state: read-write, and ${none}`,
      `aggregate ag9(integer): moving state size: 100, and ${none}`,
    ],
  ],
  [
    "create extension seg; create function p80() returns int language sql as 'select 1'; create table p81 (a int); create index p81_i on p81 (a); create materialized view p82 as select 1 as a; alter index p81_i depends on extension seg",
    'alter function p80() depends on extension seg; alter index p81_i no depends on extension seg; alter materialized view p82 depends on extension seg',
    [
      `function p80(): dropped with extension seg: yes, and ${none}`,
      `index p81_i: has no dropped with extension seg; ${make} yes`,
      `materialized view p82: dropped with extension seg: yes, and ${none}`,
    ],
  ],
]
