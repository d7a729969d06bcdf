// The tests' own ground: a test that stands on a shared or leftover database proves nothing.

import pg from 'pg'
import { expect, inject } from 'vitest'
import { test } from '../../helpers/database.ts'

test('each test gets an empty database of its own', async ({ database }) => {
  await database.query('create table t (a int)')
  const { rows } = await database.query(
    'select current_database() as name, count(*)::int as tables from pg_tables where schemaname = $1',
    ['public'],
  )
  expect(rows).toEqual([{ name: database.name, tables: 1 }])
})

test('a second test does not see what the first one made', async ({ database }) => {
  const { rows } = await database.query("select to_regclass('public.t') as t")
  expect(rows).toEqual([{ t: null }])
})

test('databases can be made at the same time, and are separate', async ({ createDatabase }) => {
  const databases = await Promise.all(Array.from({ length: 8 }, () => createDatabase()))
  await Promise.all(databases.map(({ query }) => query('create table mine (a int)')))
  expect(new Set(databases.map(({ name }) => name)).size).toBe(8)
})

let leftBehind = ''

test('a role of its own can log in to the database', async ({ database }) => {
  leftBehind = database.name
  const role = database.role('app')
  await database.query(`create role ${role} login password 'secret'`)
  const client = await database.connect({ user: role, password: 'secret' })
  // Left in a transaction: the next test shows that this does not keep the database alive.
  await client.query('begin')
  expect((await client.query('select current_user as me')).rows).toEqual([{ me: role }])
})

test('a database is gone after its test, and so are its roles', async ({ admin }) => {
  const { rows } = await admin.query(
    'select datname from pg_database where datname = $1 union select rolname from pg_roles where starts_with(rolname, $1)',
    [leftBehind],
  )
  expect(leftBehind).not.toBe('')
  expect(rows).toEqual([])
})

test('the server asks for the right password', async ({ database }) => {
  const client = new pg.Client(database.urlFor('postgres', 'wrong'))
  await expect(client.connect()).rejects.toMatchObject({ code: '28P01' })
})

test('an embedded server listens on this machine alone', ({ skip }) => {
  const server = inject('postgres')
  skip(server.way !== 'embedded', 'the tests run on Docker')
  expect(new URL(server.url).hostname).toBe('127.0.0.1')
})
