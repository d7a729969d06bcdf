// The migrations that the kill points are tried on: one of each kind, every side effect counted in a table.

/**
 * A statement that counts itself. A row too many is a statement run twice, a row too few one that was lost; the
 * table has no key, so that neither is hidden by an error.
 */
const count = (step: string) => `insert into tally (step) values ('${step}');`

/** Like {@link count}, for what is called again from its start after an interruption, and must mind that itself. */
const countOnce = (step: string) =>
  `insert into tally select '${step}' where not exists (select from tally where step = '${step}')`

export const killMigrations: Readonly<Record<string, string>> = {
  '0001_base.sql': `
create table tally (step text not null);
create table t (id int generated always as identity primary key, a int not null, b text not null);
insert into t (a, b) select i, 'b' || i from generate_series(1, 300) i;
create index t_old on t (b);
create table p (k int not null) partition by range (k);
create table p1 partition of p for values from (0) to (10);
create table p2 partition of p for values from (10) to (20);
create type mood as enum ('ok');
create table moods (m mood);
${count('0001')}
`,
  // small ones in a row: all but the last may commit without waiting for the disk
  '0002_small.sql': `alter table t add column c int; ${count('0002')}`,
  '0003_wrapped.sql': `begin;\nupdate t set c = a * 2;\n${count('0003')}\ncommit;\n`,
  '0004_session.sql': `set search_path = pg_catalog; create table public.s (x int); insert into public.tally values ('0004');`,
  // recognised by the grammar, without a mark: steps of every kind
  '0005_steps.sql': `
${count('0005.1')}
create index concurrently t_a on t (a);
set work_mem = '8MB';
${count('0005.2')}
begin;
${count('0005.3')}
alter table s add column y int default 1;
${count('0005.4')}
commit;
drop index concurrently t_old;
create unique index concurrently on t (b);
vacuum t;
reindex index concurrently t_a;
alter table p detach partition p1 concurrently;
${count('0005.5')}
`,
  '0006_marked.sql': `-- migrate:up transaction:false\n${count('0006.1')}\nalter table s add column z text;\n${count('0006.2')}\n`,
  '0007_code.mjs': `
export async function up({ query }) {
  await query("${count('0007.1')}")
  const { rows } = await query('select count(*)::int as n from t where a > $1', [100])
  await query('create table from_code (n int)')
  await query('insert into from_code values ($1)', [rows[0].n])
  await query("${count('0007.2')}")
}
export async function down({ query }) { await query('drop table from_code') }
`,
  '0008_loose_code.mjs': `// migrate:up transaction:false
export async function up({ query }) {
  await query("${countOnce('0008.1')}")
  await query('create index concurrently if not exists t_c on t (c)')
  await query("${countOnce('0008.2')}")
}
`,
  '0009_breaking.sql': `-- schemagate:breaking\nalter table t rename column b to bb; ${count('0009')}`,
  // only the server tells that it needs steps
  '0010_fallen_back.sql': `
${count('0010.1')}
alter type mood add value 'sad';
insert into moods values ('sad');
${count('0010.2')}
reindex table p;
${count('0010.3')}
`,
  '0011_copy.sql': `copy tally (step) from stdin;\n0011.1\n0011.2\n\\.\n${count('0011.3')}`,
  '0012_last.sql': `${count('0012')}`,
  'R__view.sql': `create or replace view v as select id, a from t; ${count('R')}`,
}
