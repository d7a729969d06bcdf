// A subscriber of logical replication, which brings rows and no tables: the ledger's rows say what the publisher has.

import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readManifest } from '../../../gate/index.ts'
import { schemagate } from '../../helpers/cli.ts'
import { eventually } from '../../helpers/eventually.ts'
import { manifestFile } from '../../helpers/followed.ts'
import { folder, write } from '../../helpers/migrations.ts'
import { ask } from '../../helpers/replication.ts'
import { ownServer } from '../../helpers/server.ts'
import { gateOf } from '../gate/fixtures.ts'

const golangMigrate = {
  version: 2,
  follow: { tool: 'golang-migrate' },
  head: '2_things',
  migrations: [
    { key: '1', name: '1_notes' },
    { key: '2', name: '2_things' },
  ],
} as const

/** A publisher that `prepare` has given tables, and a subscriber with the same tables that gets all rows. */
async function subscribed(prepare: (publisher: { readonly url: string }) => Promise<void>) {
  const server = await ownServer({ settings: { wal_level: 'logical' } })
  const database = async (name: string) => {
    await ask(server, `create database ${name}`)
    const url = new URL(server.url)
    url.pathname = `/${name}`
    return { url: url.href }
  }
  const publisher = await database('publisher')
  await prepare(publisher)
  await ask(server, 'create database subscriber template publisher')
  const subscriber = { url: publisher.url.replace('/publisher', '/subscriber') }
  await ask(publisher, 'create publication everything for all tables')
  await ask(publisher, "select pg_create_logical_replication_slot('everything', 'pgoutput')")
  const { host, port, user, password } = server
  await ask(
    subscriber,
    `create subscription everything connection 'host=${host} port=${port} user=${user} password=${password} dbname=publisher'
     publication everything with (create_slot = false, copy_data = false, slot_name = 'everything')`,
  )
  return { publisher, subscriber }
}

test('a ledger that is replicated opens no gate and is no success to any command, until its subscription is dropped', async () => {
  const dir = await folder({ '1_notes.sql': 'create table notes (id int primary key);' })
  const run = async ({ url }: { readonly url: string }, ...args: string[]) => {
    const { code, stdout, stderr } = await schemagate(args, { env: { DATABASE_URL: url, SCHEMAGATE_DIR: dir } })
    return { code, said: stdout + stderr, stdout }
  }
  const { publisher, subscriber } = await subscribed(async database => {
    expect(await run(database, 'up')).toMatchObject({ code: 0 })
  })
  await write(dir, { '2_things.sql': 'create table things (id int primary key);' })
  expect(await run(publisher, 'up')).toMatchObject({ code: 0 })
  await eventually(async () => {
    expect(await ask(subscriber, 'select name from schemagate.ledger')).toContainEqual({ name: '2_things' })
  })
  expect(await ask(subscriber, "select to_regclass('things') as there")).toEqual([{ there: null }])

  const file = join(await folder({ 'manifest.json': (await run(publisher, 'manifest')).stdout }), 'manifest.json')
  const manifest = readManifest(file)
  const gate = gateOf({ url: subscriber.url, manifest })
  await eventually(() => expect(gate.detail).toContain('ledger is written by a subscription'))
  expect(gate.state).toBe('unmigrated')
  for (const text of [JSON.stringify(manifest), manifest.head])
    await expect(ask(subscriber, 'select schemagate.require($1::text)', [text])).rejects.toThrow('another database')
  for (const args of [['up'], ['check'], ['check', '--manifest', file], ['status'], ['baseline', '2_things']])
    expect(await run(subscriber, ...args), args.join(' ')).toMatchObject({
      code: 6,
      said: expect.stringContaining('is written by a subscription'),
    })
  // the publisher is none the worse for it
  expect(await run(publisher, 'check')).toMatchObject({ code: 0 })

  for (const end of ['disable', 'set (slot_name = none)']) await ask(subscriber, `alter subscription everything ${end}`)
  await ask(subscriber, 'drop subscription everything')
  await ask(subscriber, "delete from schemagate.ledger where name = '2_things'")
  expect(await run(subscriber, 'up')).toMatchObject({ code: 0 })
  await gate.whenOpen({ timeout: 5000 })
})

test('so is the history of a tool that is followed', async () => {
  const { publisher, subscriber } = await subscribed(async database => {
    await ask(database, 'create table schema_migrations (version bigint primary key, dirty boolean not null)')
    await ask(database, 'insert into schema_migrations values (1, false)')
    await schemagate(['follow', '--manifest', await manifestFile(golangMigrate)], {
      env: { DATABASE_URL: database.url },
    })
  })
  await ask(publisher, 'create table things (id int primary key); update schema_migrations set version = 2')
  await eventually(async () => {
    expect(await ask(subscriber, 'select version from schema_migrations')).toEqual([{ version: '2' }])
  })
  const gate = gateOf({ url: subscriber.url, manifest: golangMigrate })
  await eventually(() => expect(gate.detail).toContain('schema_migrations" is written by a subscription'))
  await expect(ask(subscriber, 'select schemagate.require($1::text)', [JSON.stringify(golangMigrate)])).rejects.toThrow(
    'another database',
  )
  const env = { DATABASE_URL: subscriber.url }
  const file = await manifestFile(golangMigrate)
  expect(await schemagate(['check', '--manifest', file], { env })).toMatchObject({ code: 7 })
  expect(await schemagate(['follow', '--manifest', file], { env })).toMatchObject({ code: 6 })
})
