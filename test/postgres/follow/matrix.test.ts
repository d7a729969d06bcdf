// Every tool's history in every condition: what `follow`, `check`, `require()` and the gate make of it. The matrix is printed.

import pg from 'pg'
import { afterAll, expect } from 'vitest'
import { historyTools, lookAround, readHistory } from '../../../gate/histories/index.ts'
import { createGate } from '../../../gate/index.ts'
import type { FollowedManifest, FollowedMigration } from '../../../gate/protocol/manifest.ts'
import { readFollowed } from '../../../migrator/follow/files/index.ts'
import { filesToolOf } from '../../../migrator/histories/index.ts'
import { createMigrator, SchemagateError } from '../../../migrator/index.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { manifestFile } from '../../helpers/followed.ts'
import { historyFixtures, historyFolder, historySql, printMatrix } from '../../helpers/histories.ts'
import { elsewhere, emptied, halfDone, newestOnly, newestTwoGone, ownSchema } from '../../helpers/history-changes.ts'
import { long } from '../../helpers/kill-run.ts'

/** The exit code, and the state that was answered. */
type Cell = string

interface Case {
  readonly title: string
  /** What makes the history; undefined: the case does not exist for this tool. */
  sql(tool: string): string | undefined
  /** What the app was built with. */
  manifest?(whole: readonly FollowedMigration[], tool: string): readonly FollowedMigration[]
  /** What another build has published before. */
  before?(whole: readonly FollowedMigration[]): readonly FollowedMigration[]
  readonly history?: string
  expected(tool: string): Cell
}

const extra = { key: '0000-extra', name: 'extra' }

const cases: readonly Case[] = [
  { title: 'all applied', sql: historySql, expected: () => '0 current' },
  {
    title: 'two missing',
    sql: tool => `${historySql(tool)}${newestTwoGone[tool]}`,
    expected: () => '7 behind',
  },
  {
    title: 'one missing',
    sql: historySql,
    manifest: ([first, ...rest]) => [first!, extra, ...rest],
    // a name that sorts before the newest is taken for applied where the newest is all that is kept
    expected: tool => (tool === 'golang-migrate' || tool === 'tern' ? '0 current' : '7 behind'),
  },
  {
    title: 'nothing applied',
    sql: tool => `${historySql(tool)}${nothingApplied[tool] ?? ''}`,
    expected: tool => (tool in nothingApplied ? '7 behind' : '0 current'),
  },
  {
    title: 'half-done',
    sql: tool => halfDone[tool] && `${historySql(tool)}${halfDone[tool][0]}`,
    // a lock that is held says nothing against what is applied
    expected: tool => (halfDone[tool]![1] === 4 ? '0 current' : '7 unfinished'),
  },
  {
    title: 'ahead',
    sql: historySql,
    manifest: whole => whole.slice(0, -1),
    expected: tool => (tool === 'alembic' ? '6 diverged' : '6 ahead'),
  },
  {
    title: 'oldest file deleted',
    // Alembic's revisions name what they are built on: the tool itself refuses a folder without it
    sql: tool => (tool === 'alembic' ? undefined : historySql(tool)),
    manifest: whole => whole.slice(1),
    expected: () => '0 current',
  },
  {
    title: 'oldest file deleted, newest two not applied',
    // what keeps the newest alone has no row of it; so has Alembic, which refuses such a folder
    sql: tool => (newestOnly.has(tool) ? undefined : `${historySql(tool)}${newestTwoGone[tool]}`),
    manifest: whole => whole.slice(1),
    expected: () => '7 behind',
  },
  {
    title: 'ahead, published',
    sql: historySql,
    manifest: whole => whole.slice(0, -1),
    before: whole => whole,
    expected: () => '0 current',
  },
  {
    title: 'another branch',
    sql: historySql,
    before: whole => whole.slice(0, -1),
    manifest: (whole, tool) => [
      ...whole.slice(0, -1),
      { key: '9.9', name: 'theirs', ...(tool === 'alembic' && { after: [whole.at(-2)!.key] }) },
    ],
    expected: () => '6 diverged',
  },
  {
    title: "a library's app, two missing",
    sql: tool =>
      tool === 'django'
        ? `${historySql(tool)}${newestTwoGone[tool]}; insert into django_migrations (app, name, applied) values ('auth', '0001_initial', now());`
        : undefined,
    expected: () => '7 behind',
  },
  {
    title: 'two tools',
    sql: tool => `${historySql(tool)}${historySql(tool === 'goose' ? 'knex' : 'goose')}`,
    expected: () => '0 current',
  },
  {
    title: 'other schema',
    sql: tool => (ownSchema.has(tool) ? undefined : elsewhere(tool)),
    expected: () => '0 current',
  },
  {
    title: 'other name',
    sql: tool => (tool === 'rails' || tool === 'dbmate' ? undefined : renamed(tool)),
    history: 'ops.history of ours',
    expected: () => '0 current',
  },
]

const nothingApplied: Readonly<Record<string, string>> = {
  alembic: 'delete from alembic_version',
  django: 'delete from django_migrations',
  'golang-migrate': 'truncate schema_migrations',
  goose: 'delete from goose_db_version where version_id > 0',
  prisma: 'delete from _prisma_migrations',
  tern: 'update schema_version set version = 0',
}

function renamed(tool: string): string {
  const own: Readonly<Record<string, string>> = {
    atlas: 'atlas_schema_revisions',
    drizzle: 'drizzle',
    sqitch: 'sqitch',
  }
  const { tables, schema = own[tool] ?? 'public' } = historyTools.find(({ name }) => name === tool)!
  return `${historySql(tool)}; create schema if not exists ops;
    alter table "${schema}"."${tables[0]}" rename to "history of ours"; alter table "${schema}"."history of ours" set schema ops;`
}

const matrix = new Map<string, Cell[]>()

afterAll(() => printMatrix('follow (exit code and state)', cases, matrix))

/** One of each kind: heads, pairs, the newest alone, tries, numbers; TEST_LONG=1 takes all, every night. */
const sample = ['alembic', 'django', 'golang-migrate', 'prisma', 'rails']

test.for(long ? historyFixtures : sample)(
  'follow, check, require() and the gate agree on a history of %s, case by case',
  async (tool, { database }) => {
    const cells: Cell[] = []
    const whole = await wholeOf(tool, database)
    expect(whole.length).toBeGreaterThanOrEqual(4)
    for (const one of cases) {
      const sql = one.sql(tool)
      if (sql === undefined) {
        cells.push('-')
        continue
      }
      await emptied(database)
      await database.query(sql)
      const follow = { tool, ...(one.history && { history: one.history }) }
      if (one.before) await follows(database, one.before(whole), follow)
      const cell = await follows(database, one.manifest?.(whole, tool) ?? whole, follow)
      expect(cell, one.title).toBe(one.expected(tool))
      cells.push(cell)
    }
    matrix.set(tool, cells)
  },
)

/** What an app was built with that has all four migrations. */
async function wholeOf(tool: string, database: ScratchDatabase): Promise<readonly FollowedMigration[]> {
  const { code, unread } = filesToolOf(historyTools.find(({ name }) => name === tool)!).tool
  if (tool === 'alembic') {
    const keys = ['a1a1a1a1a1a1', 'b2b2b2b2b2b2', 'c3c3c3c3c3c3', 'd4d4d4d4d4d4']
    return keys.map((key, i) => ({ key, name: `${key}_x`, ...(i > 0 && { after: [keys[i - 1]!] }) }))
  }
  if (!code && !unread) return readFollowed(tool, historyFolder(tool))
  await emptied(database)
  await database.query(historySql(tool))
  const { histories } = await lookAround(database, 'schemagate')
  const { entries } = await readHistory(database, histories.find(({ tool: found }) => found.name === tool)!)
  return entries.map(({ key, name }) => ({ key, name }))
}

function manifestOf(migrations: readonly FollowedMigration[], follow: FollowedManifest['follow']): FollowedManifest {
  return { version: 2, follow, head: migrations.at(-1)!.name, migrations }
}

/** `follow`, then what all others say. */
async function follows(
  database: ScratchDatabase,
  migrations: readonly FollowedMigration[],
  follow: FollowedManifest['follow'],
): Promise<Cell> {
  const file = await manifestFile(manifestOf(migrations, follow))
  const migrator = createMigrator({ databaseUrl: database.url, dir: '.' })
  const cell = await migrator.follow({ manifestFile: file }).then(
    ({ state, error }) => `${error?.exitCode ?? 0} ${state}`,
    (error: unknown) => {
      if (!(error instanceof SchemagateError)) throw error
      return `${error.exitCode} diverged`
    },
  )
  expect(await asks(database, migrations, follow)).toBe(cell)
  return cell
}

/** `check`; and `require()` and the gate, which must be of one mind with it. */
async function asks(
  database: ScratchDatabase,
  migrations: readonly FollowedMigration[],
  follow: FollowedManifest['follow'],
): Promise<Cell> {
  const manifest = manifestOf(migrations, follow)
  const migrator = createMigrator({ databaseUrl: database.url, dir: '.' })
  const { state, error } = await migrator.check({ manifestFile: await manifestFile(manifest) })
  const gate = createGate({ url: database.url, manifest })
  try {
    const { state: gateState, detail } = await gate.check()
    expect(gateState === 'open', `${state}: ${detail}`).toBe(state === 'current' || state === 'ahead')
    // where nothing was installed, there is nothing to ask
    const { rows } = await database.query<{ there: boolean }>(
      "select to_regproc('schemagate.followed_history') is not null as there",
    )
    if (!rows[0]!.there) expect(state).toBe('diverged')
    const answer = !rows[0]!.there
      ? gateState
      : await database.query('select schemagate.require($1::jsonb) as open', [JSON.stringify(manifest)]).then(
          () => 'open',
          (refused: unknown) => {
            if (!(refused instanceof pg.DatabaseError)) throw refused
            expect(refused.code, refused.message).toMatch(/^SG00[67]$/)
            return refused.message.split(': ')[1]!
          },
        )
    expect(answer).toBe(gateState)
  } finally {
    await gate.close()
  }
  return `${error?.exitCode ?? 0} ${state === 'unmigrated' ? 'behind' : state}`
}
