// Code migrations of other tools beside SQL: refused before anything is run, and never schemagate's own.

import { describe, expect, test } from 'vitest'
import { read } from '../../helpers/tool-folders.ts'

const doubtOf = async (text: string, file = '2_b.js', files: Record<string, string> = {}, layout?: string) =>
  (await read({ '1_a.sql': 'select 1;\n', ...files, [file]: text }, layout)).migrations.at(-1)?.doubt

describe('is another tool’s', () => {
  test.for([
    ['node-pg-migrate', "exports.up = pgm => pgm.createTable('a', {})\n"],
    ['node-pg-migrate', 'exports.shorthands = undefined\nexports.up = (pgm) => {}\nexports.down = (pgm) => {}\n'],
    ['node-pg-migrate', 'exports.up = function up(pgm, done) { done() }\n'],
    ['node-pg-migrate', 'export async function up(pgm: MigrationBuilder): Promise<void> {}\n'],
    ['node-pg-migrate', 'export const up = async (b /* it */ : MigrationBuilder) => {}\n'],
    ['Knex', "exports.up = function(knex) { return knex.schema.createTable('a', t => t.increments()) }\n"],
    ['Knex', 'export async function up({ schema }: Knex): Promise<void> {}\n'],
    [
      'Sequelize',
      'module.exports = {\n  async up(queryInterface, Sequelize) {},\n  down: async (queryInterface) => {} }\n',
    ],
    ['Sequelize', 'module.exports = { up: (qi, Sequelize) => qi.createTable() }\n'],
    ['Sequelize', 'export const up = async ({ context: sequelize }) => {}\n'],
    ['Umzug', 'export const up: MigrationFn = async ({ name, context }) => { await context.query("select 1") }\n'],
    ['TypeORM', 'export class A1 implements MigrationInterface { async up(queryRunner: QueryRunner) {} }\n'],
    ['Kysely', 'export async function up(db: Kysely<any>): Promise<void> {}\n'],
    ['Kysely', "export async function up(db) { await db.schema.createTable('a').execute() }\n"],
    ['db-migrate', 'exports.up = function(db, callback) { callback() }\n'],
    ['db-migrate', "exports.up = function(db) { return db.createTable('a', {}) }\n"],
    ['postgres-migrations', "module.exports.generateSql = () => 'select 1'\n"],
    ['node-pg-migrate', 'exports.up = () => {}\nexports.down = pgm => pgm.dropTable("a")\n'],
  ] as const)('%s: %s', async ([title, text]) => {
    const doubt = await doubtOf(text, '2_b.ts')
    expect(doubt).toContain(`looks like a migration for ${title};`)
    expect(doubt).toMatch(/2_b\.ts is not run\. .*--ignore '2_b\.ts'(\. To let .*: schemagate follow --follow \S+)?$/)
  })

  test.for([
    'export async function up({ db, payload, req }: MigrateUpArgs): Promise<void> { await db.execute() }\n',
    'exports.up = async ({ query, payload: p, db: { a }, req = 1, ...rest }) => {}\n',
    'export const up: Up = async function ({ db, payload }) {}\n',
  ])('of one that is not known, by what `up` takes: %s', async text => {
    expect(await doubtOf(text)).toMatch(
      /2_b\.js is not run\. Its `up` takes (db, payload and req|payload and db|db and payload), as another tool gives it\. .*--ignore '2_b\.js'$/,
    )
  })

  test('where its folder is the tool’s, also behind another name', async () => {
    const text = 'const create = pgm => pgm.createTable("a", {})\nmodule.exports = { up: create, down: false }\n'
    const marks = { '1_a.sql': '-- Up Migration\nselect 1;\n-- Down Migration\nselect 2;\n' }
    expect(await doubtOf(text)).toBeUndefined()
    expect(await doubtOf(text, '2_b.js', marks)).toContain('node-pg-migrate')
    const generated = "exports.generateSql = () => ''\n"
    expect(await doubtOf(generated, '2_b.js', { '1.do.c.sql': '' }, 'postgrator')).toContain('postgrator')
    const both = { '1.do.c.sql': '', '2.do.js': generated }
    expect(await doubtOf(generated, '2.undo.js', both, 'postgrator')).toContain('postgrator')
  })
})

test.for([
  'export async function up({ query }) {}\n',
  'export function up(context) { return context.query("select 1") }\n',
  'const helper = { up({ db }) {} }\nexport async function up({ query: ask, batch, log, signal, name, db = 1, ...more }) {}\n',
  'export const up = ({ query }: MigrationContext) => query("select 1")\nexport const down = up\n',
  '// was: exports.up = pgm => pgm.createTable()\nexport async function up({ query }) {\n  /* knex, queryInterface */\n  await query("-- up(knex) pgm")\n}\n',
  "import knex from 'knex'\nconst builder = knex({ client: 'pg' })\nexport async function up({ query }) { await query(builder('a').insert({ b: 1 }).toString()) }\n",
  "import { Kysely, sql } from 'kysely'\nexport async function up(context: MigrationContext) { await new Kysely({ dialect: dialectOf(context) }).execute() }\n",
  "import { sequelize } from '../models'\nexports.up = async context => { await context.query(sequelize.escape('x')) }\n",
  'import { up as first } from "./1_a.js"\nexport async function up(context) { const pgm = 1; await first.up(context) }\n',
  'export { migrate as up } from "./knex.js"\n',
  'exports.up = require("./b").up\nconst knex = { client: "pg" }\n',
  'export async function up(c) { const schema = { up: true, knex: 1 }; await c.query(`${schema.up ? "a" : pgm}`) }\n',
] as const)('is schemagate’s own: %s', async text => {
  expect(await doubtOf(text, '2_b.mjs')).toBeUndefined()
})
