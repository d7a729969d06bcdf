// A database with an owner, a schema of the app's and the role's making: for the tests of what the role may do.

import type pg from 'pg'
import { requireFunctionDdl } from '../../../gate/protocol/require.ts'
import { type AppRole, type AppRoleReport, checkRole, ensureAppRole } from '../../../migrator/app-role/index.ts'
import type { ScratchDatabase } from '../../helpers/database.ts'
import { ledgerOf } from '../gate/fixtures.ts'

export const password = 'app-password'
export const schema = 'schemagate'

/** What a run does with the role, before its migrations and after them, on a database that had migrations already. */
export async function ensure(client: pg.Client, app: AppRole): Promise<AppRoleReport> {
  const before = await ensureAppRole(client, app, { at: 'before', migrated: true })
  const after = await ensureAppRole(client, app, { at: 'after', migrated: true })
  return {
    created: before.created,
    passwordSet: after.passwordSet,
    granted: before.granted + after.granted,
    notes: [...before.notes, ...after.notes],
  }
}

export const works = async (client: pg.Client, app: AppRole) => (await checkRole(client, app)).works

/** A database with an owner who is no superuser, and a schema of the app's with a bit of everything. */
export async function owned(database: ScratchDatabase, attributes = 'createrole') {
  const owner = database.role('owner')
  await database.query(`create role ${owner} login password 'owner-password' ${attributes}`)
  await database.query(`alter database ${database.name} owner to ${owner}`)
  const client = await database.connect({ user: owner, password: 'owner-password' })
  return { owner, client }
}

export async function migrated(client: pg.Client) {
  await ledgerOf({ query: (sql, params) => client.query(sql, params) }).create()
  await client.query(requireFunctionDdl(schema))
  await client.query(`
    create type mood as enum ('good', 'bad');
    create domain age as int check (value > 0);
    create table users (id int generated always as identity primary key, name text, mood mood, age age);
    create table tickets (id serial primary key, at date not null default current_date) partition by range (id);
    create table tickets_1 partition of tickets for values from (1) to (1000);
    create view names as select name from users;
    create materialized view moods as select mood from users;
    create function double(int) returns int language sql as 'select $1 * 2';
    create procedure nothing() language sql as '';
    create aggregate total(int) (sfunc = int4pl, stype = int, initcond = '0');
    create schema "Odd ""schema";
    create table "Odd ""schema"."Odd 'table" (id int)`)
}

/** The SQLSTATE that a statement fails with, or what it gave. */
export async function attempt(client: pg.Client, sql: string): Promise<string> {
  return client.query(sql).then(
    () => 'done',
    (error: pg.DatabaseError) => error.code ?? error.message,
  )
}

export const DENIED = '42501'
