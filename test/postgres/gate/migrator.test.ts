// The gate and the real migrator together: an app that runs while its database is migrated.

import { describe, expect } from 'vitest'
import { readManifest } from '../../../gate/protocol/manifest.ts'
import { schemagate, start } from '../../helpers/cli.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { folder, write } from '../../helpers/migrations.ts'
import { gateOf } from './fixtures.ts'
import { traffic } from './traffic.ts'

const first = { '0001_users.sql': '-- migrate:up\ncreate table users (id int);\n-- migrate:down\ndrop table users;\n' }
const harmless = { '0002_more.sql': 'alter table users add column name text;\n' }
const breaking = { '0003_rename.sql': '-- schemagate:breaking\nalter table users rename to people;\n' }

/** A migrated database, and the manifest of an app that was built with the folder as it is now. */
async function migrated(database: ScratchDatabase) {
  const dir = await folder(first)
  const env = { DATABASE_URL: database.url, SCHEMAGATE_DIR: dir, SCHEMAGATE_DRAIN_TIMEOUT: '2s' }
  const result = await schemagate(['up'], { env })
  expect([result.code, result.stderr]).toEqual([0, ''])
  const { stdout } = await schemagate(['manifest'], { env })
  await write(dir, { 'manifest.json': stdout })
  return { dir, env, manifest: readManifest(`${dir}/manifest.json`) }
}

describe('a running app', () => {
  test('fails no request while an additive migration is applied under it', async ({ database }) => {
    const { dir, env, manifest } = await migrated(database)
    const gate = gateOf({ url: database.url, manifest })
    await gate.whenOpen({ timeout: 5000 })
    const load = await traffic(gate, async () => (await database.query('select id from users')).rows)
    await eventually(() => expect(load.answers.length).toBeGreaterThan(50))
    await write(dir, harmless)
    const result = await schemagate(['up'], { env })
    expect([result.code, result.stderr]).toEqual([0, ''])
    const applied = load.answers.length
    await eventually(() => expect(load.answers.length).toBeGreaterThan(applied + 50))
    const answers = await load.stop()
    const failed = answers.filter(({ status }) => status !== 200)
    console.log(`an additive migration: ${answers.length} requests, ${failed.length} failed`)
    expect(failed).toEqual([])
    expect((await gate.check()).database).toEqual({ head: '0002_more' })
  })

  test('disconnects for a breaking migration, and none of its requests meets the new schema', async ({ database }) => {
    const { dir, env, manifest } = await migrated(database)
    const gate = gateOf({ url: database.url, manifest })
    await gate.whenOpen({ timeout: 5000 })
    const load = await traffic(gate, async () => (await database.query('select id from users')).rows)
    await eventually(() => expect(load.answers.length).toBeGreaterThan(50))
    await write(dir, { ...harmless, ...breaking })
    const result = await schemagate(['up'], { env })
    expect([result.code, result.stderr]).toEqual([0, ''])
    await eventually(() => expect(gate.status).toMatchObject({ state: 'too-old', migrations: ['0003_rename'] }))
    const answers = await load.stop()
    // A request that met the new schema would have failed with 500.
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 503]))
  })

  test('that does not end its work makes the migrator leave the schema alone, and goes on', async ({ database }) => {
    const { dir, env, manifest } = await migrated(database)
    const gate = gateOf({ url: database.url, manifest })
    await gate.whenOpen({ timeout: 5000 })
    expect(gate.enter()).toBe(true)
    await write(dir, breaking)
    const run = start(['up'], { env })
    await eventually(() => expect(gate.state).toBe('too-old'))
    expect((await run.ended).code).toBe(8)
    await gate.whenOpen({ timeout: 2000 })
    gate.leave()
    await database.query('select id from users')
  })

  test('disconnects when its own migration is undone', async ({ database }) => {
    const { env, manifest } = await migrated(database)
    const gate = gateOf({ url: database.url, manifest })
    await gate.whenOpen({ timeout: 5000 })
    const result = await schemagate(['down', '--yes'], { env })
    expect([result.code, result.stderr]).toEqual([0, ''])
    expect(gate.isOpen).toBe(false)
    await eventually(() => expect(gate.status).toMatchObject({ missing: ['0001_users'] }))
  })
})
