// The dump that compares two databases: every kind of difference must show, and nothing else may.

import { expect } from 'vitest'
import { dumpCatalog, dumpDatabase } from '../../helpers/catalog.ts'
import { test } from '../../helpers/database.ts'

const schema = `
create extension citext;
create type state as enum ('open', 'closed');
create domain short as text check (length(value) < 10);
create table orgs (id bigint generated always as identity primary key, name citext not null unique);
create table tickets (
  id bigserial primary key, org bigint not null references orgs, state state not null default 'open', title short,
  upper_title text generated always as (upper(title)) stored, created_at timestamptz not null default now());
create index tickets_org on tickets (org) where state = 'open';
create view open_tickets as select * from tickets where state = 'open';
create materialized view counts as select org, count(*) from tickets group by org;
create function touch() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger touch before update on tickets for each row execute function touch();
create table parts (at date not null) partition by range (at);
create table parts_2026 partition of parts for values from ('2026-01-01') to ('2027-01-01');
create statistics s on org, state from tickets;
alter table tickets enable row level security;
create policy mine on tickets for select using (org = 1);
comment on table tickets is 'what people ask for';
comment on column tickets.title is 'short';
`

test('two databases made the same way have the same dump', async ({ createDatabase }) => {
  const [one, two] = await Promise.all([createDatabase(), createDatabase()])
  for (const database of [one, two]) await database.query(schema)
  await two.query('create schema schemagate create table ledger (name text)')
  const dump = await dumpDatabase(one.url)
  expect(await dumpDatabase(two.url)).toBe(dump)
  expect(await dumpDatabase(one.url, { grants: true })).not.toBe(dump)
  expect(dump).toContain('column public.tickets 003 state public.state not null default')
})

const differences: Record<string, string> = {
  'a table': 'create table more ()',
  'a column': 'alter table orgs add column more int',
  'the order of columns': 'alter table orgs add column a int, add column b int',
  'a type': 'alter table orgs alter column name type text',
  'a default': "alter table tickets alter column state set default 'closed'",
  'not null': 'alter table orgs alter column name drop not null',
  'a constraint': 'alter table tickets add check (id > 0)',
  'a constraint that is not validated': 'alter table tickets add constraint c check (id > 0) not valid',
  'an index': 'create index on tickets (state)',
  'an invalid index': "update pg_index set indisvalid = false where indexrelid = 'tickets_org'::regclass",
  "a view's query": 'create or replace view open_tickets as select * from tickets where false',
  "a function's body":
    'create or replace function touch() returns trigger language plpgsql as $$ begin return old; end $$',
  'a disabled trigger': 'alter table tickets disable trigger touch',
  'a label of an enum': "alter type state add value 'waiting'",
  "a sequence's step": 'alter sequence tickets_id_seq increment 2',
  'a comment': "comment on table tickets is 'else'",
  'a schema': 'create schema other',
  'an extension': 'create extension pg_trgm',
  'a partition': "create table parts_2027 partition of parts for values from ('2027-01-01') to ('2028-01-01')",
  'a detached partition': 'alter table parts detach partition parts_2026',
  'a storage parameter': 'alter table orgs set (fillfactor = 50)',
  'row level security': 'alter table tickets disable row level security',
  'a policy': 'drop policy mine on tickets',
}

test('the dump shows every kind of difference', async ({ database }) => {
  await database.query(schema)
  const client = await database.connect()
  let before = await dumpCatalog(client)
  // One on top of the other: a database for each would take most of a minute on a busy machine.
  for (const [kind, change] of Object.entries(differences)) {
    await client.query(change)
    const after = await dumpCatalog(client)
    expect(after, kind).not.toBe(before)
    before = after
  }
})

test('the dump leaves the session as it was', async ({ database }) => {
  const client = await database.connect()
  const state = async () =>
    (await client.query("select current_setting('search_path') p, txid_current_if_assigned() x")).rows
  const before = await state()
  await dumpCatalog(client)
  expect(await state()).toEqual(before)
})
