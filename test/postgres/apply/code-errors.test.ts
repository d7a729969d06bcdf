// What an operator reads when a code migration fails: where in the module, and in its SQL.

import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { schemagate } from '../../helpers/cli.ts'
import { test } from '../../helpers/database.ts'
import { folder, write } from '../../helpers/migrations.ts'
import { failure, tables } from './failing-runs.ts'

describe('in code', () => {
  test('an error that the module catches is told all the same, since nothing can follow it', async ({ database }) => {
    const error = await failure(database, {
      '1_x.mjs':
        'export const up = async ({ query }) => {\n  await query("create table a (id int)")\n  await query("select nope").catch(() => {})\n}\n',
    })
    expect(error.message).toMatch(/^1_x failed at 1_x\.mjs:3:3: column "nope" does not exist \(42703\)/)
    expect(error.message).toContain('The module caught this error and went on')
    expect(await tables(database)).toEqual([])
  })

  test('an error has its place in the module, and the statement with the place in that', async ({ database }) => {
    const dir = await folder({
      '1_x.ts': `type Context = { query(text: string): Promise<unknown> }\n\nexport async function up({ query }: Context): Promise<void> {\n  await query('create table a (id int)')\n  await query("insert into a\\n (nope, password) values ('é', password 'hunter22')")\n}\n`,
    })
    const { code, lines } = await schemagate(['up', '--dir', dir], { env: { DATABASE_URL: database.url } })
    expect(code).toBe(5)
    const line = lines.find(({ level }) => level === 'error')
    expect(line).toMatchObject({ migration: '1_x', file: join(dir, '1_x.ts'), line: 5, column: 3 })
    expect(line?.msg).toContain('1_x failed at 1_x.ts:5:3: ')
    expect(line?.msg).toContain('> 2 |  (nope, password)')
    expect(JSON.stringify(lines)).not.toContain('hunter22')
    expect(await tables(database)).toEqual([])
  })

  test.for([
    'module.exports = {\n  up: async ({ query }) => { await query("create table a ()") },\n  down: async ({ query }) => { await query("drop table a") },\n}\n',
    'module.exports = {\n  async down({ query }) { await query("drop table a") },\n  async up({ query }) { await query("create table a ()") },\n}\n',
  ])('what CommonJS exports as one object is found, both ways: %s', async (text, { database }) => {
    const dir = await folder({ '1_x.cjs': text })
    const env = { DATABASE_URL: database.url }
    expect((await schemagate(['up', '--dir', dir], { env })).code).toBe(0)
    expect(await tables(database)).toEqual(['a'])
    expect((await schemagate(['down', '--dir', dir, '--yes'], { env })).code).toBe(0)
    expect(await tables(database)).toEqual([])
  })

  test('a file that is gone by then is told as what failed, and not as a connection that was lost', async ({
    database,
  }) => {
    const error = await failure(database, {
      '1_x.mjs':
        'import { rmSync } from "node:fs"\nexport const up = () => {\n  rmSync(new URL(import.meta.url))\n  null.x\n}\n',
    })
    expect(error.message).toMatch(/^1_x failed: Cannot read properties of null.*\n1_x was rolled back/)
  })

  test.for([
    [
      'an exception',
      'export const up = () => {\n  throw new Error("no way")\n}',
      5,
      /1_x failed at 1_x\.mjs:2:9: no way\n1_x was rolled back/,
      2,
      9,
    ],
    [
      'something thrown that is no error',
      'export const up = () => {\n  throw "a word"\n}',
      5,
      /1_x failed: a word\n/,
      undefined,
      undefined,
    ],
    [
      'an object thrown that is no error',
      'export const up = () => {\n  throw { reason: "a word" }\n}',
      5,
      /1_x failed: \{ reason: 'a word' \}\n/,
      undefined,
      undefined,
    ],
    [
      'an object without a prototype, thrown',
      'export const up = () => {\n  throw Object.create(null)\n}',
      5,
      /1_x failed: \[Object: null prototype\] \{\}\n/,
      undefined,
      undefined,
    ],
    [
      'an error that throws when it is looked at',
      'export const up = () => {\n  throw Object.defineProperty(new Error(), "message", { get() { throw 1 } })\n}',
      5,
      /1_x failed: What was thrown cannot be read/,
      undefined,
      undefined,
    ],
    [
      'a proxy that throws, thrown while it is loaded',
      'throw new Proxy({}, { getPrototypeOf() { throw 2 } })',
      2,
      /1_x\.mjs cannot be loaded: What was thrown cannot be read/,
      undefined,
      undefined,
    ],
    [
      'an error that has its reason in its cause',
      "export const up = () => fetch('http://127.0.0.1:1/', { signal: AbortSignal.timeout(60_000) })",
      5,
      /1_x failed: fetch failed: .+\n/,
      undefined,
      undefined,
    ],
    [
      'an error of several, without a message',
      "export const up = () => {\n  throw new AggregateError([new Error('one'), new Error('two')])\n}",
      5,
      /1_x failed at 1_x\.mjs:2:9: one; two\n/,
      2,
      9,
    ],
    [
      'an error that is its own cause',
      "export const up = () => {\n  const error = new Error('round')\n  error.cause = error\n  throw error\n}",
      5,
      /1_x failed at 1_x\.mjs:2:17: round\n/,
      2,
      17,
    ],
    [
      'a generator, which would never run',
      'export async function* up({ query }) {\n  await query("create table b (id int)")\n}',
      2,
      /1_x\.mjs: `up` is a generator, of which a call runs nothing/,
      undefined,
      undefined,
    ],
    [
      'a COMMIT of its own',
      'export const up = ({ query }) => query("commit")',
      5,
      /`commit`: the migration runs in a transaction of the run's own/,
      undefined,
      undefined,
    ],
    [
      'a syntax error',
      'export const up = () => {\n  const é = "😀"; const = 1\n}',
      2,
      /cannot be loaded: Unexpected token/,
      2,
      24,
    ],
    [
      'an import that is not there',
      'import x from "./nope.js"\nexport const up = x',
      2,
      /cannot be loaded: Cannot find module/,
      undefined,
      undefined,
    ],
    [
      'an error while it is loaded',
      '\nthrow new Error("early")',
      2,
      /1_x\.mjs, line 2, column 7 cannot be loaded: early/,
      2,
      7,
    ],
    [
      'the API of Knex',
      "export const up = knex =>\n  knex.schema.createTable('a', t => t.increments())",
      2,
      /1_x\.mjs is not run\. It looks like a migration for Knex; .*query\(sql, values\)/,
      undefined,
      undefined,
    ],
    [
      'the API of Knex, under a name of its own',
      "export const up = db => {\n  const knex = db\n  return knex.schema.createTable('a', t => t.increments())\n}",
      5,
      /1_x failed at 1_x\.mjs:3:22: .*'createTable'\)\n {2}It looks like a migration for Knex; .*query\(sql, values\)/,
      3,
      22,
    ],
    [
      'the API of db-migrate',
      'export const up = (db, callback) =>\n  db.runSql("create table b (id int)", callback)',
      2,
      /1_x\.mjs is not run\. It looks like a migration for db-migrate; .*query\(sql, values\)/,
      undefined,
      undefined,
    ],
    [
      'a class of TypeORM',
      'export class X { async up(queryRunner) { await queryRunner.query("select 1") } }',
      2,
      /1_x\.mjs is not run\. It looks like a migration for TypeORM;/,
      undefined,
      undefined,
    ],
    [
      'an import of Kysely, which is not there',
      "import { sql } from 'kysely'\nexport const up = db => sql`select 1`.execute(db)",
      2,
      /cannot be loaded: Cannot find package 'kysely'.*\. It looks like a migration for Kysely;/,
      undefined,
      undefined,
    ],
    ['no up', 'export const upp = () => {}', 2, /exports no function `up`/, undefined, undefined],
  ] as const)('%s', async ([, text, exitCode, message, line, column], { database }) => {
    const dir = await folder({ '0_ok.sql': 'create table a (id int);', '1_x.mjs': text })
    const { code, lines } = await schemagate(['up', '--dir', dir], { env: { DATABASE_URL: database.url } })
    expect(code).toBe(exitCode)
    const error = lines.find(({ level }) => level === 'error')
    expect(error?.msg).toMatch(message)
    expect([error?.line, error?.column]).toEqual([line, column])
    // what cannot be loaded is found before anything is applied
    expect(await tables(database)).toEqual(exitCode === 2 ? [] : ['a'])
  })
})

test.for(['commit', 'commit; begin', 'rollback; begin', "prepare transaction 'half'", 'abort', 'begin'])(
  'a transaction that code would end or begin by `%s` is rolled back whole',
  async (control, { database }) => {
    const made = async () => (await database.query("select to_regclass('made') is not null as made")).rows
    const dir = await folder({
      '1_x.mjs': `export async function up({ query }) {
  await query('create table made ()')
  await query("savepoint a; do $$ begin perform 1; end $$; rollback to a; release a")
  await query(${JSON.stringify(control)})
}`,
    })
    const env = { DATABASE_URL: database.url }
    const failed = await schemagate(['up', '--dir', dir], { env })
    expect(failed.code, failed.stdout).toBe(5)
    expect(failed.stdout).toContain('leave BEGIN, COMMIT and ROLLBACK to the run')
    expect(failed.stdout).toContain('the database is as it was before it')
    expect(await made()).toEqual([{ made: false }])
    await write(dir, { '1_x.mjs': `export const up = ({ query }) => query('create table made ()')` })
    expect((await schemagate(['up', '--dir', dir], { env })).code).toBe(0)
    expect(await made()).toEqual([{ made: true }])
  },
)

test.for(["{ text: 'commit' }", "{ text: 'select nope', values: [1] }", '1'])(
  'a query of pg that is no text (%s) is refused, with the form that is right',
  async (query, { database }) => {
    const error = await failure(database, {
      '1_x.mjs': `export const up = async ({ query }) => {\n  await query('create table made ()')\n  await query(${query})\n}\n`,
    })
    expect(error.message).toMatch(
      /^1_x failed at 1_x\.mjs:3:9: context\.query takes SQL as a text, and values behind it/,
    )
    expect(await tables(database)).toEqual([])
  },
)

test.for([
  [
    'a query that is not awaited, and whose error is caught',
    "query('select 1/0').catch(() => {})",
    /division by zero \(22012\)/,
  ],
  ['the ledger dropped', "await query('drop schema schemagate cascade')", /when the ledger was written after it/],
  [
    'a constraint that is checked at the commit',
    "await query('create table a (id int primary key); create table b (id int references a deferrable initially deferred); insert into b values (1)')",
    /violates foreign key constraint .* \(23503\)/,
  ],
] as const)('%s is a failure of the migration', async ([, body, says], { database }) => {
  const dir = await folder({ '1_x.mjs': `export async function up({ query }) {\n  ${body}\n}` })
  const failed = await schemagate(['up', '--dir', dir], { env: { DATABASE_URL: database.url } })
  expect(failed.code, failed.stdout).toBe(5)
  expect(failed.stdout).toMatch(says)
  expect(failed.stdout).toContain('1_x was rolled back')
})

test('an error that nothing catches, and that comes after the end, changes nothing of the result', async ({
  database,
}) => {
  const dir = await folder({
    '1_x.mjs': `export async function up() { setTimeout(() => { throw new Error('late') }, 300) }`,
  })
  const { code, lines, stderr } = await schemagate(['up', '--dir', dir], { env: { DATABASE_URL: database.url } })
  expect(lines.at(-1)).toMatchObject({ event: 'run', exitCode: 0 })
  expect(stderr).toMatch(/came after the end, and changes nothing of the result[\s\S]*Error: late/)
  expect(code).toBe(0)
})

test.for([
  ['a timer', `setTimeout(() => console.error('left'), 300)`],
  ['what it does when nothing else is left', `process.on('beforeExit', () => console.error('left'))`],
  ['a promise that nothing awaits and that fails', `Promise.reject(new Error('left'))`],
])(
  'what a code migration leaves behind comes to its end before the process does: %s',
  async ([, left], { database }) => {
    const dir = await folder({
      '1_x.mjs': `export async function up({ query }) {\n  await query('select 1')\n  ${left}\n}`,
    })
    const { lines, stderr, stdout } = await schemagate(['up', '--dir', dir], { env: { DATABASE_URL: database.url } })
    expect(lines.at(-1)).toMatchObject({ event: 'run' })
    expect(stderr + stdout).toContain('left')
  },
)

test("another tool's code is not run, neither forth nor back, and stays where that tool has applied it", async ({
  database,
}) => {
  const dir = await folder({
    '1700000000000_pre.sql': '-- Up Migration\ncreate table a ();\n-- Down Migration\ndrop table a;\n',
    '1700000000001_none.cjs': 'exports.up = (pgm, done) => done()\nexports.down = (pgm, done) => done()\n',
  })
  const run = (...args: string[]) => schemagate([...args, '--dir', dir], { env: { DATABASE_URL: database.url } })
  for (const verb of ['plan', 'up']) {
    const { code, stdout, stderr } = await run(verb)
    expect([code, stdout + stderr]).toEqual([2, expect.stringContaining('1700000000001_none.cjs is not run. It looks')])
  }
  expect(await tables(database)).toEqual([])

  await database.query('create table a ()')
  expect((await run('baseline', '1700000000001_none')).code).toBe(0)
  expect((await run('check')).code).toBe(0)
  const down = await run('down', '--yes')
  expect([down.code, down.stdout]).toEqual([2, expect.stringContaining('1700000000001_none.cjs is not run. It looks')])
  expect((await run('check')).code).toBe(0)
})
