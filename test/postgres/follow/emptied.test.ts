// A followed history whose project has gone: its table is left, in a schema of its own or alone in its schema, and what it
// says is true of nothing.

import { describe, expect } from 'vitest'
import { lookAround, readHistory } from '../../../gate/histories/index.ts'
import { readManifest } from '../../../gate/index.ts'
import { schemagate } from '../../helpers/cli.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { manifestFile } from '../../helpers/followed.ts'
import { historyFolder, historySql, livingSchema } from '../../helpers/histories.ts'
import { gateOf } from '../gate/fixtures.ts'

/** The commands over one tool's history, and the manifest of a build that has all that is applied. */
async function following(database: ScratchDatabase, tool: string) {
  await database.query(historySql(tool) + livingSchema)
  const { histories } = await lookAround(database, 'schemagate')
  const { entries } = await readHistory(database, histories[0]!)
  const migrations = entries.map(({ key, name }) => ({ key, name }))
  const file = await manifestFile({ version: 2, follow: { tool }, head: migrations.at(-1)!.name, migrations })
  const manifest = readManifest(file)
  const run = async (verb: string, ...more: string[]) => {
    const args = [
      verb,
      '--follow',
      tool,
      ...(verb === 'status' ? ['--dir', historyFolder(tool)] : ['--manifest', file]),
    ]
    const { code, stdout, stderr } = await schemagate([...args, ...more], { env: { DATABASE_URL: database.url } })
    return { code, said: stdout + stderr, stdout }
  }
  /** What `require` raises, of a manifest and of its head; undefined: it is true. */
  const required = () =>
    Promise.all(
      [JSON.stringify(manifest), manifest.head].map(text =>
        database.query('select schemagate.require($1::text)', [text]).then(
          () => undefined,
          (error: Error) => error.message,
        ),
      ),
    )
  return { run, manifest, required }
}

const dropSchema = 'drop schema public cascade; create schema public'
const dropTables = 'drop table accounts, posts, comments, tags'

describe.for([
  ['drizzle', 'the schema that its history is not in', dropSchema],
  ['graphile-migrate', 'the schema that its history is not in', dropSchema],
  ['prisma', 'all tables but its own', dropTables],
  ['knex', 'all tables but its own and its lock', dropTables],
  ['rails', 'all tables but its own two', dropTables],
  ['alembic', 'all that its models know (metadata.drop_all)', dropTables],
] as const)('%s, and a drop of %s', ([tool, , sql]) => {
  test('closes every gate, and is no success to any command', async ({ database }) => {
    const { run, manifest, required } = await following(database, tool)
    expect(await run('follow')).toMatchObject({ code: 0 })
    const gate = gateOf({ url: database.url, manifest })
    await gate.whenOpen({ timeout: 5000 })
    expect(await required()).toEqual([undefined, undefined])

    await database.query(sql)
    await eventually(() => expect(gate.state).toBe('unmigrated'))
    expect(gate.detail).toContain('and public, where their tables were, has none any more')
    const raised = 'schemagate: unmigrated: no table of what is applied is left in public'
    expect(await required()).toEqual([raised, raised])
    for (const [verb, ...more] of [['check'], ['follow'], ['wait', '--timeout', '0']] as const)
      expect(await run(verb, ...more), verb).toMatchObject({
        code: 7,
        said: expect.stringContaining('public, where their tables were'),
      })
    expect(JSON.parse((await run('follow', '--format', 'json')).stdout)).toMatchObject({ state: 'unmigrated' })

    await database.query(livingSchema)
    await gate.whenOpen({ timeout: 5000 })
    expect(await run('follow')).toMatchObject({ code: 0 })
  })
})

test('what follow saw when all was applied counts, and not what it saw before', async ({ database }) => {
  const { run } = await following(database, 'drizzle')
  await database.query(dropSchema)
  await database.query('create table of_another_project (); delete from drizzle.__drizzle_migrations where id = 4')
  expect(await run('follow')).toMatchObject({ code: 7 })
  await database.query('drop table of_another_project')
  expect(await run('check')).toMatchObject({ code: 7, said: expect.stringContaining('lacks') })
  await database.query(`drop schema drizzle cascade; ${historySql('drizzle')}${livingSchema}`)
  expect(await run('follow')).toMatchObject({ code: 0 })
  await database.query(dropSchema)
  expect(await run('check')).toMatchObject({ code: 7, said: expect.stringContaining('has none any more') })
  expect(await run('status', '--exit-code')).toMatchObject({ code: 7, said: expect.stringContaining('emptied: ') })
})

describe('what is no such thing', () => {
  test.for([
    ['a database where follow never ran', 'drop schema schemagate cascade; drop schema public cascade'],
    ['a schema of a tenant', 'drop schema tenant cascade'],
    ['other tables, as after a restore', `${dropTables}; create table others ()`],
    ['a comment of somebody else', `comment on table schemagate.schemagate_followed is 'ours: {"public": "x"}'`],
  ] as const)('%s', async ([, sql], { database }) => {
    const { run } = await following(database, 'drizzle')
    await database.query('create schema tenant; create table tenant.a ()')
    expect(await run('follow')).toMatchObject({ code: 0 })
    await database.query(sql)
    expect(await run('check')).toMatchObject({ code: 0 })
    expect(await run('follow')).toMatchObject({ code: 0 })
  })

  test('tables that a migration has moved, once an operator says so', async ({ database }) => {
    const { run } = await following(database, 'drizzle')
    expect(await run('follow')).toMatchObject({ code: 0 })
    await database.query('create schema app')
    for (const table of ['accounts', 'posts', 'comments', 'tags'])
      await database.query(`alter table ${table} set schema app`)
    const { code, said } = await run('follow')
    expect(code).toBe(7)
    const [remedy] = /comment on table \S+ is null/.exec(said.replaceAll('\\', '')) ?? []
    await database.query(remedy!)
    expect(await run('follow')).toMatchObject({ code: 0 })
    expect(await run('check')).toMatchObject({ code: 0 })
  })

  test('an app’s role without a right on the schema of schemagate', async ({ database }) => {
    const { run } = await following(database, 'drizzle')
    expect(await run('follow')).toMatchObject({ code: 0 })
    const role = database.role('plain')
    await database.query(
      `create role ${role} login password 'p'; grant usage on schema drizzle to ${role}; grant select on drizzle.__drizzle_migrations to ${role}`,
    )
    const args = ['check', '--follow', 'drizzle', '--dir', historyFolder('drizzle')]
    const ask = () => schemagate(args, { env: { DATABASE_URL: database.urlFor(role, 'p') } })
    expect(await ask()).toMatchObject({ code: 0 })
    await database.query(dropSchema)
    expect(await ask()).toMatchObject({ code: 7 })
  })
})
