// The look at the catalogue tells the tools' histories apart, and each reader says what its rows mean.

import { describe, expect } from 'vitest'
import { historyTools, lookAround, readHistory } from '../../../gate/histories/index.ts'
import { test } from '../../helpers/database.ts'
import { historyFixtures, historySql, livingSchema } from '../../helpers/histories.ts'

const query = (database: { query: (text: string) => Promise<{ rows: object[] }> }) => ({
  query: <Row extends object>(text: string) => database.query(text) as Promise<{ rows: Row[] }>,
})

test('there is a fixture of each tool', () => {
  const names = new Set(historyTools.map(({ name }) => name).filter(name => name !== 'schemagate'))
  expect([...names].sort()).toEqual(historyFixtures)
})

test("an app's own tables with some of the same columns are nobody's history", async ({ database }) => {
  const own = {
    applications: 'app text, name text, applied timestamptz',
    documents: 'id int, version_num varchar(32)',
    drafts: 'version bigint, dirty boolean, content text',
    files: 'hash text primary key, created_at bigint',
    runs: 'version varchar(50), run_on timestamp',
    schema_version: 'version int primary key, minor int',
  }
  for (const [table, columns] of Object.entries(own)) await database.query(`create table ${table} (${columns})`)
  const found = await lookAround(query(database), 'schemagate')
  expect(found).toEqual({ histories: [], tables: Object.keys(own).map(table => `public.${table}`) })
})

test.for([
  ['flyway', 'flyway_snapshot_history'],
  ['goose', 'goose_lock'],
  ['sequelize', '"SequelizeData"'],
  ['typeorm', 'typeorm_metadata'],
])('what %s keeps beside its history is no table of the project', async ([tool, beside], { database }) => {
  await database.query(`${historySql(tool!)} create table ${beside} (id int)`)
  expect((await lookAround(query(database), 'schemagate')).tables).toEqual([])
})

test("a table of tern's form with a row for each number has those alone", async ({ database }) => {
  await database.query('create table schema_version (version int not null); insert into schema_version values (1), (3)')
  const { histories } = await lookAround(query(database), 'schemagate')
  const { entries, upTo } = await readHistory(query(database), histories[0]!)
  expect([entries.map(({ key }) => key), upTo]).toEqual([['1', '3'], undefined])
})

describe.each(historyFixtures)('%s', tool => {
  test('is recognised, and its four migrations are read', async ({ database }) => {
    await database.query(historySql(tool) + livingSchema)
    const found = await lookAround(query(database), 'schemagate')
    expect(found.histories.map(({ tool }) => tool.name)).toEqual([tool])
    expect(found.tables).toEqual(['public.accounts', 'public.comments', 'public.posts', 'public.tags'])
    const history = await readHistory(query(database), found.histories[0]!)
    expect(history.unfinished).toEqual([])
    expect(history.running).toBe(false)
    const newestOnly = ['golang-migrate', 'tern', 'alembic'].includes(tool)
    const versioned = history.entries.filter(entry => !entry.repeatable)
    expect(versioned.length).toBe(newestOnly ? 1 : 4)
    expect(new Set(versioned.map(({ key }) => key)).size).toBe(versioned.length)
  })
})
