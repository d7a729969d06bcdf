// The gate over another tool's history, under requests without a pause: it closes within a second of whatever takes a
// migration back or leaves one half-done, told by the trigger or seen at the next poll.

import { expect } from 'vitest'
import type { FollowedManifest } from '../../../gate/protocol/manifest.ts'
import { readFollowed } from '../../../migrator/follow/files/index.ts'
import { createMigrator } from '../../../migrator/index.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { manifestFile } from '../../helpers/followed.ts'
import { historyFolder, historySql } from '../../helpers/histories.ts'
import { gateOf } from '../gate/fixtures.ts'
import { served, traffic } from '../gate/traffic.ts'

const alembic: FollowedManifest = {
  version: 2,
  follow: { tool: 'alembic' },
  head: 'd4_tags',
  migrations: [
    { key: 'a1a1a1a1a1a1', name: 'a1_accounts' },
    { key: 'b2b2b2b2b2b2', name: 'b2_posts', after: ['a1a1a1a1a1a1'] },
    { key: 'c3c3c3c3c3c3', name: 'c3_comments', after: ['b2b2b2b2b2b2'] },
    { key: 'd4d4d4d4d4d4', name: 'd4_tags', after: ['c3c3c3c3c3c3'] },
  ],
}

async function manifestOf(tool: string): Promise<FollowedManifest> {
  if (tool === 'alembic') return alembic
  const migrations = await readFollowed(tool, historyFolder(tool))
  return { version: 2, follow: { tool }, head: migrations.at(-1)!.name, migrations }
}

/** Follows the history as it is, and returns a gate that is open on it. */
async function openGate(database: ScratchDatabase, tool: string, options = {}) {
  await database.query(historySql(tool))
  const manifest = await manifestOf(tool)
  const migrator = createMigrator({ databaseUrl: database.url, dir: '.' })
  const result = await migrator.follow({ manifestFile: await manifestFile(manifest) })
  expect(result).toMatchObject({ state: 'current', notifies: true })
  const gate = gateOf({ url: database.url, manifest, ...options })
  await gate.whenOpen({ timeout: 5_000 })
  return { gate, manifest }
}

const NEVER = 3_600_000

const changes = [
  ['a deleted Alembic head', 'alembic', 'delete from alembic_version', 'unmigrated'],
  ['an Alembic downgrade', 'alembic', `update alembic_version set version_num = 'c3c3c3c3c3c3'`, 'behind'],
  [
    'a half-done Prisma row',
    'prisma',
    `insert into _prisma_migrations (id, checksum, migration_name, started_at) values ('x', '', '20240105000000_more', now())`,
    'migrating',
  ],
  [
    'a dirty golang-migrate',
    'golang-migrate',
    'truncate schema_migrations; insert into schema_migrations values (5, true)',
    'migrating',
  ],
] as const

for (const [how, options] of [
  ['told by the trigger', { pollInterval: NEVER, staleAfter: NEVER }],
  ['seen at the next poll', {}],
] as const)
  test.for(changes)(`the gate closes within a second of %s, ${how}`, async ([what, tool, sql, state], { database }) => {
    const { gate } = await openGate(database, tool, options)
    if (how !== 'told by the trigger') {
      const { rows } = await database.query<{ name: string }>(
        `select tgrelid::regclass::text as name from pg_trigger where tgname = 'schemagate_followed'`,
      )
      await database.query(`drop trigger schemagate_followed on ${rows[0]!.name}`)
    }
    const { stop, answers } = await traffic(gate)
    await eventually(() => expect(answers.length).toBeGreaterThan(20))
    await database.query(sql)
    const changed = performance.now()
    await eventually(() => expect(answers.at(-1)!.sent).toBeGreaterThan(changed + 1_200))
    const all = await stop()
    const early = served(all, changed)
    console.log(
      `${what}, ${how}: ${early.length} answered after the change, the last sent ${Math.round(Math.max(0, ...early.map(({ sent }) => sent - changed)))} ms after it; ${all.length} requests`,
    )
    expect(served(all, changed + 1_000)).toEqual([])
    expect(gate.status).toMatchObject({ state })
  })

test('the gate opens again when the migrations are applied, and an older app stays on a newer database that is published', async ({
  database,
}) => {
  const { gate, manifest } = await openGate(database, 'alembic', {
    pollInterval: NEVER,
    closedPollInterval: NEVER,
    staleAfter: NEVER,
  })
  await database.query(`update alembic_version set version_num = 'c3c3c3c3c3c3'`)
  await eventually(() => expect(gate.status).toMatchObject({ state: 'behind', missing: ['d4_tags'] }))
  await database.query(`update alembic_version set version_num = 'd4d4d4d4d4d4'`)
  await eventually(() => expect(gate.isOpen).toBe(true))
  // unknown: cannot be told from another history
  await database.query(`update alembic_version set version_num = 'e5e5e5e5e5e5'`)
  await eventually(() => expect(gate.state).toBe('diverged'))
  expect(gate.detail).toContain('neither this app nor any published manifest')
  const newer: FollowedManifest = {
    ...manifest,
    head: 'e5_more',
    migrations: [...manifest.migrations, { key: 'e5e5e5e5e5e5', name: 'e5_more', after: ['d4d4d4d4d4d4'] }],
  }
  const migrator = createMigrator({ databaseUrl: database.url, dir: '.' })
  expect(await migrator.follow({ manifestFile: await manifestFile(newer) })).toMatchObject({
    state: 'current',
    head: 'e5_more',
  })
  await eventually(() => expect(gate.status).toMatchObject({ state: 'open', database: { head: 'e5_more' } }))
  const older = await migrator.follow({ manifestFile: await manifestFile(manifest) })
  expect(older).toMatchObject({ state: 'current', newer: ['e5_more'], unknown: [] })
  await database.query(
    `select schemagate.require('d4_tags'), schemagate.require('e5e5e5e5e5e5'), schemagate.require('b2_posts')`,
  )
})

test('a restore, a drop and a rename of the table close it', async ({ database }) => {
  const { gate } = await openGate(database, 'golang-migrate')
  await database.query('alter table schema_migrations rename to gone')
  await eventually(() => expect(gate.state).toBe('unmigrated'))
  await database.query('alter table gone rename to schema_migrations')
  await eventually(() => expect(gate.isOpen).toBe(true))
  const other = await database.connect()
  await other.query('begin; lock table schema_migrations')
  await eventually(() => expect(gate.status).toMatchObject({ state: 'migrating' }))
  expect(gate.detail).toContain('is locked')
  await other.query('rollback')
  await eventually(() => expect(gate.isOpen).toBe(true))
  // the gate holds no lock of its own on that table
  await database.query(`set lock_timeout = '300ms'; drop table schema_migrations; reset lock_timeout`)
  await eventually(() => expect(gate.state).toBe('unmigrated'))
})
