// The app's role, tested by trying: what it may do, and everything that it may not.

import { randomBytes } from 'node:crypto'
import { describe, expect } from 'vitest'
import { ensureAppRole } from '../../../migrator/app-role/index.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { attempt, DENIED, ensure, migrated, owned, password, schema, works } from './owned-database.ts'

for (const who of ['a superuser', 'an owner with CREATEROLE'] as const) {
  describe(`made by ${who}`, () => {
    const begin = async (database: ScratchDatabase) => {
      const { owner, client } =
        who === 'a superuser' ? { owner: 'postgres', client: await database.connect() } : await owned(database)
      const role = database.role('app')
      return { owner, client, role, app: { role, password, schema } }
    }

    test('it can do what an app does', async ({ database }) => {
      const { client, role, app } = await begin(database)
      await migrated(client)
      const report = await ensure(client, app)
      expect(report).toMatchObject({ created: true, passwordSet: true, notes: [] })
      const as = await database.connect({ user: role, password })
      for (const sql of [
        `insert into users (name, mood, age) values ('x', 'good', 7) returning id`,
        'select * from users, names',
        `update users set name = 'y'`,
        'delete from users',
        'insert into tickets (at) values (current_date)',
        `select * from tickets_1; select setval('tickets_id_seq', 5), currval('tickets_id_seq')`,
        'select double(2), total(id) from users group by 1; select * from moods',
        'call nothing()',
        `select 'good'::mood, 1::age`,
        `insert into "Odd ""schema"."Odd 'table" values (1)`,
        'select * from schemagate.ledger; select * from schemagate.manifest',
        'listen schemagate',
      ]) {
        expect([sql, await attempt(as, sql)]).toEqual([sql, 'done'])
      }
      expect(await attempt(as, `select schemagate.require('0001_x')`)).toBe('SG007')
    })

    test('it can do nothing else', async ({ database }) => {
      const { owner, client, role, app } = await begin(database)
      await migrated(client)
      await client.query('create schema private; create table private.secrets (id int)')
      await ensure(client, app)
      await client.query(`revoke all on schema private from ${role}; create table public.later_locked (id int);
        revoke all on public.later_locked from ${role}`)
      const as = await database.connect({ user: role, password })
      for (const sql of [
        'create table t (id int)',
        'create table public.t (id int)',
        'create table schemagate.t (id int)',
        'create schema mine',
        'create function f() returns int language sql as $$select 1$$',
        'create extension citext',
        'alter table users add column x int',
        'drop table users',
        'truncate users',
        'create index on users (name)',
        'create trigger t after insert on users for each row execute function suppress_redundant_updates_trigger()',
        'alter table users disable trigger all',
        'create view v as select 1',
        'refresh materialized view moods',
        'drop schema schemagate cascade',
        'drop function schemagate.require(text)',
        `insert into schemagate.ledger (name, checksum, position, kind, run_id, tool_version)
         values ('x', 'x', 1, 'sql', gen_random_uuid(), 'x')`,
        `update schemagate.ledger set checksum = ''`,
        'delete from schemagate.ledger',
        'truncate schemagate.ledger',
        'delete from schemagate.manifest',
        'do $$ begin lock table schemagate.ledger in exclusive mode; end $$',
        'select * from private.secrets',
        'select * from later_locked',
        'select * from pg_authid',
        `set role ${owner}`,
        `set session authorization ${owner}`,
        `grant ${owner} to ${role}`,
        `alter role ${role} superuser`,
        `alter role ${role} createdb`,
        `alter role ${owner} password 'mine'`,
        'create role another',
        'create database another',
        `copy users to '/tmp/x'`,
        `copy users from program 'id'`,
        'alter system set work_mem = 1',
        'checkpoint',
        `alter database ${database.name} set work_mem = '1MB'`,
      ]) {
        expect([sql, await attempt(as, sql)]).toEqual([sql, DENIED])
      }
      const { rows } = await database.query(
        `select rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls, rolcanlogin,
           (select count(*)::int from pg_auth_members where member = pg_roles.oid) as memberships,
           (select count(*)::int from pg_shdepend where refobjid = pg_roles.oid and deptype = 'o') as owns
         from pg_roles where rolname = $1`,
        [role],
      )
      expect(rows).toEqual([
        {
          rolsuper: false,
          rolcreatedb: false,
          rolcreaterole: false,
          rolreplication: false,
          rolbypassrls: false,
          rolcanlogin: true,
          memberships: 0,
          owns: 0,
        },
      ])
    })

    test('what the migrator’s role makes later is usable at once, but in new schemas and the ledger’s', async ({
      database,
    }) => {
      const { client, role, app } = await begin(database)
      await migrated(client)
      await ensure(client, app)
      const as = await database.connect({ user: role, password })
      await client.query(`create table later (id serial, at mood);
        create function later_f() returns int language sql as 'select 1'; create type later_t as enum ('a');
        create schema later_s; create table later_s.t (id int)`)
      await client.query('create table schemagate.later (id int)')
      expect(await attempt(as, `insert into later (at) values ('good'); select later_f(), 'a'::later_t`)).toBe('done')
      expect(await attempt(as, 'select * from later_s.t')).toBe(DENIED)
      expect(await attempt(as, 'select * from schemagate.later')).toBe(DENIED)
      expect(await ensure(client, app)).toMatchObject({ created: false, notes: [] })
      expect(await attempt(as, 'select * from later_s.t')).toBe(DENIED)
      expect(await attempt(as, 'insert into schemagate.later values (1)')).toBe(DENIED)
    })

    test('a second time there is nothing to do, and that is known without trying', async ({ database }) => {
      const { client, app } = await begin(database)
      await migrated(client)
      expect(await works(client, app)).toBe(false)
      await ensure(client, app)
      expect(await works(client, app)).toBe(true)
      expect(await ensure(client, app)).toMatchObject({ created: false, granted: 0 })
      await client.query('create schema another; create table fresh (id int)')
      expect(await works(client, app)).toBe(true)
    })

    test('the password follows the secret, and neither it nor a form of it in clear is ever sent', async ({
      database,
    }) => {
      const { client, role, app } = await begin(database)
      await migrated(client)
      const sent: unknown[] = []
      const query = client.query.bind(client)
      Reflect.set(client, 'query', (...args: Parameters<typeof query>) => {
        sent.push(args)
        return query(...args)
      })
      const secret = `p'ä"$ßﬁ\\${randomBytes(8).toString('hex')}`
      await ensure(client, { ...app, password: secret })
      await (await database.connect({ user: role, password: secret })).query('select 1')
      expect(await works(client, { ...app, password: secret })).toBe(true)
      expect(await works(client, app)).toBe(false)
      expect(await ensure(client, app)).toMatchObject({ created: false, passwordSet: true })
      await expect(database.connect({ user: role, password: secret })).rejects.toMatchObject({ code: '28P01' })
      await (await database.connect({ user: role, password })).query('select 1')
      expect(sent.length).toBeGreaterThan(4)
      for (const clear of [secret, password])
        expect(JSON.stringify(sent)).not.toContain(JSON.stringify(clear).slice(1, -1))
      const { rows } = await database.query('select rolpassword from pg_authid where rolname = $1', [role])
      expect(rows[0]?.rolpassword).toMatch(/^SCRAM-SHA-256\$4096:/)
    })

    test('any name works', async ({ database }) => {
      const { client } = await begin(database)
      await migrated(client)
      const role = database.role(`a "b" 'c'; drop\\ é🎫`)
      await ensure(client, { role, password, schema })
      expect(await works(client, { role, password, schema })).toBe(true)
      const as = await database.connect({ user: role, password })
      expect((await as.query('select current_user as name, * from users')).fields).toHaveLength(5)
    })

    test('what is schemagate’s own to decide is put right, and what is the project’s is left and told', async ({
      database,
    }) => {
      const { client, role, app } = await begin(database)
      await migrated(client)
      await ensure(client, app)
      await database.query(`alter role ${role} nologin createdb createrole valid until '2001-01-01'`)
      await database.query(`grant create on schema schemagate to public; grant all on schemagate.ledger to ${role};
        revoke select on schemagate.manifest from ${role};
        grant create on schema public to ${role}; grant create on database ${database.name} to ${role};
        revoke select on users from ${role}`)
      if (who === 'a superuser') await database.query(`alter role ${role} bypassrls replication`)
      // Only who has CREATEDB may take it from others.
      else await database.query(`alter role ${database.role('owner')} createdb`)
      expect(await works(client, app)).toBe(false)
      const { notes } = await ensure(client, app)
      expect(notes).toEqual([expect.stringContaining(`create on database ${database.name}, create on schema public`)])
      expect(await works(client, app)).toBe(true)
      const as = await database.connect({ user: role, password })
      expect(await attempt(as, 'select * from users')).toBe(DENIED)
      expect(await attempt(as, 'select * from schemagate.manifest')).toBe('done')
      for (const sql of ['create table schemagate.t (id int)', 'delete from schemagate.ledger'])
        expect([sql, await attempt(as, sql)]).toEqual([sql, DENIED])
      for (const sql of ['create table public.t (id int)', 'create schema s'])
        expect([sql, await attempt(as, sql)]).toEqual([sql, 'done'])
      const { rows } = await database.query(
        'select rolcreatedb or rolcreaterole or rolreplication or rolbypassrls as more from pg_roles where rolname = $1',
        [role],
      )
      expect(rows).toEqual([{ more: false }])
      await database.query('drop schema s; drop table public.t')
    })

    test('it cannot connect before the first run, which all makes it or nothing', async ({ database }) => {
      const { client, role, app } = await begin(database)
      await expect(database.connect({ user: role, password })).rejects.toMatchObject({ code: '28P01' })
      await migrated(client)
      await expect(database.connect({ user: role, password })).rejects.toMatchObject({ code: '28P01' })
      await ensureAppRole(client, app, { at: 'before', migrated: false })
      await expect(database.connect({ user: role, password })).rejects.toMatchObject({ code: '28P01' })
      await ensure(client, app)
      await (await database.connect({ user: role, password })).query('select 1')
      expect(client.getTransactionStatus()).toBe('I')
    })
  })
}
