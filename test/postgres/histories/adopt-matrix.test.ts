// Every tool's history in every condition: what `adopt` makes of it. The matrix is printed.

import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, expect } from 'vitest'
import { createMigrator, SchemagateError } from '../../../migrator/index.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { historyFixtures, historyFolder, historySql, livingSchema, printMatrix } from '../../helpers/histories.ts'
import { elsewhere, emptied, halfDone, newestOnly, newestTwoGone, ownSchema } from '../../helpers/history-changes.ts'
import { long } from '../../helpers/kill-run.ts'
import { folder } from '../../helpers/migrations.ts'

/** What the matrix shows: how many were recorded and how many are pending, or the exit code. */
type Cell = string

/** Tools whose files cannot be matched with their rows. */
const keyless = new Set(['django', 'liquibase'])
const withChecksums = new Set(
  'atlas drizzle flyway graphile-migrate play postgrator postgres-migrations prisma sqlx'.split(' '),
)

interface Case {
  readonly title: string
  /** What is done to the database after the history's own SQL; undefined: the case does not exist for this tool. */
  sql(tool: string): string | undefined
  /** What is done to the folder: new text of a file, or undefined to leave it out. */
  file?(name: string, text: string, index: number): string | undefined
  from?: true
  expected(tool: string): Cell
}

/** The migrations that a history of all four has. */
const all = (tool: string) => (tool === 'flyway' ? 5 : 4)

const unlessKeyless = (cell: (tool: string) => Cell) => (tool: string) => (keyless.has(tool) ? 'exit 2' : cell(tool))

const cases: readonly Case[] = [
  { title: 'all applied', sql: () => '', expected: unlessKeyless(tool => `${all(tool)} + 0`) },
  {
    title: 'two missing',
    sql: tool => newestTwoGone[tool],
    expected: unlessKeyless(tool => `${all(tool) - 2} + 2`),
  },
  {
    title: 'one edited',
    sql: () => '',
    file: (_, text, index) => (index === 1 ? text.replace('name text', 'title text') : text),
    expected: unlessKeyless(tool => (withChecksums.has(tool) ? 'exit 6' : `${all(tool)} + 0`)),
  },
  {
    title: 'one missing',
    sql: () => '',
    file: (_, text, index) => (index === 1 ? undefined : text),
    // what keeps the newest alone cannot tell; Drizzle and tern do not read such a folder at all
    expected: unlessKeyless(tool =>
      tool === 'drizzle' || tool === 'play' ? 'exit 2|exit 6' : newestOnly.has(tool) ? '3 + 0|exit 2' : 'exit 6',
    ),
  },
  { title: 'half-done', sql: tool => halfDone[tool]?.[0], expected: tool => `exit ${halfDone[tool]![1]}` },
  {
    title: 'ahead',
    sql: () => '',
    file: (_, text, index) => (index === 3 ? undefined : text),
    expected: unlessKeyless(tool => (tool === 'drizzle' || tool === 'alembic' ? 'exit 2' : 'exit 6')),
  },
  {
    title: 'two tools',
    sql: tool => (tool === 'goose' ? historySql('knex') : historySql('goose')),
    expected: () => 'exit 2',
  },
  {
    title: 'two, named',
    sql: tool => (tool === 'goose' ? historySql('knex') : historySql('goose')),
    from: true,
    expected: unlessKeyless(tool => `${all(tool)} + 0`),
  },
  {
    title: 'other schema',
    sql: tool => (ownSchema.has(tool) ? undefined : 'elsewhere'),
    expected: unlessKeyless(tool => `${all(tool)} + 0`),
  },
]

const matrix = new Map<string, Cell[]>()

afterAll(() => printMatrix('adopt (recorded + pending)', cases, matrix))

/** One of each kind: a checksum, tries, marks that are dirty, a lock beside it, heads, code, a journal; TEST_LONG=1 takes all, every night. */
const sample = ['alembic', 'dbmate', 'drizzle', 'flyway', 'golang-migrate', 'goose', 'knex', 'prisma', 'rails', 'sqlx']

test.for(long ? historyFixtures : sample)(
  'a history of %s is recorded or refused, case by case',
  async (tool, { database }) => {
    const cells: Cell[] = []
    for (const one of cases) {
      const sql = one.sql(tool)
      if (sql === undefined) {
        cells.push('-')
        continue
      }
      await emptied(database)
      const history = sql === 'elsewhere' ? elsewhere(tool) : `${historySql(tool)}\n${sql}`
      await database.query(`${livingSchema}${history}`)
      const dir = one.file ? await changedFolder(historyFolder(tool), one.file) : historyFolder(tool)
      const cell = await adoptIn(database, dir, one.from ? tool : undefined)
      expect(one.expected(tool).split('|'), `${one.title}: ${cell}`).toContain(cell.split(' (')[0])
      cells.push(cell.split(' (')[0]!)
    }
    matrix.set(tool, cells)
  },
)

async function changedFolder(
  dir: string,
  change: (name: string, text: string, index: number) => string | undefined,
): Promise<string> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  const paths = entries
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name).slice(dir.length + 1))
  const migrations = [...new Set(paths.map(path => /(accounts|posts|comments|tags|[a-d1-4]{2,})/.exec(path)?.[1]))]
  const files: Record<string, string> = {}
  for (const path of paths) {
    const text = await readFile(join(dir, path), 'utf8')
    const table = ['accounts', 'posts', 'comments', 'tags'].findIndex(name => text.includes(`table ${name}`))
    // the journal and the like have all of them
    const changed = migrations.length === 0 || /\.(json|sum|toml)$/.test(path) ? text : change(path, text, table)
    if (changed !== undefined) files[path] = changed
  }
  return folder(files)
}

async function adoptIn(database: ScratchDatabase, dir: string, from: string | undefined): Promise<Cell> {
  try {
    const migrator = createMigrator({ databaseUrl: database.url, dir, lockRetries: 1 })
    const { recorded, pending } = await migrator.adopt({ from })
    const { rows } = await database.query<{ name: string }>('select name from schemagate.ledger')
    expect(rows.map(({ name }) => name).sort()).toEqual([...recorded].sort())
    // what was adopted is not run again, and a second call has nothing to do
    expect((await migrator.status()).state).toBe(pending.length > 0 ? 'pending' : 'current')
    expect((await migrator.adopt({ from })).recorded).toEqual([])
    return `${recorded.length} + ${pending.length}`
  } catch (error) {
    if (!(error instanceof SchemagateError)) throw error
    const { rows } = await database.query<{ ledger: string | null }>(
      `select to_regclass('schemagate.ledger')::text as ledger`,
    )
    expect(rows[0]!.ledger, error.message).toBeNull()
    return `exit ${error.exitCode} (${error.message})`
  }
}
