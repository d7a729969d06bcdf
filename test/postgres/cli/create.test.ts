// `create`: the next file, in the scheme that the folder has.

import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { readFolder } from '../../../migrator/files/folder.ts'
import { schemagate } from '../../helpers/cli.ts'
import { test } from '../../helpers/database.ts'
import { folder } from '../../helpers/migrations.ts'

const line = '-- Write the SQL here, in place of this line.\n'

test('create writes the next file in the scheme that the folder has', async () => {
  const next = async (given: Record<string, string>, title = 'add users', ...more: string[]) => {
    const dir = await folder(given)
    const { code, stdout, stderr } = await schemagate(['create', title, '--dir', dir, ...more])
    expect(code, stderr).toBe(0)
    const made = stdout
      .trimEnd()
      .split('\n')
      .map(path => path.slice(dir.length + 1))
    // what was made is a migration, and comes last
    const manifest = await schemagate(['manifest', '--dir', dir])
    expect(manifest.code, manifest.stderr).toBe(0)
    const names = JSON.parse(manifest.stdout).migrations.map(({ name }: { name: string }) => name)
    expect(made[0]).toContain(names.findLast((name: string) => !name.startsWith('R__')))
    return made
  }
  expect(await next({})).toEqual(['0001_add_users.sql'])
  expect(await next({ '.gitkeep': '', 'README.md': '' })).toEqual(['0001_add_users.sql'])
  expect(await next({ '.gitkeep': '' }, 'add users', '--layout', 'native')).toEqual(['0001_add_users.sql'])
  expect(await next({ '0009_a.sql': '' })).toEqual(['0010_add_users.sql'])
  expect(await next({ '9_a.sql': '' })).toEqual(['10_add_users.sql'])
  expect(await next({ '000007_a.up.sql': '', '000007_a.down.sql': '' })).toEqual([
    '000008_add_users.up.sql',
    '000008_add_users.down.sql',
  ])
  expect(await next({ 'V1__a.sql': '', 'V2.3__b.sql': '', 'R__v.sql': '' })).toEqual(['V3__add_users.sql'])
  expect(await next({ '20240101000000_a/migration.sql': '' })).toEqual([
    expect.stringMatching(/^20\d{12}_add_users\/migration\.sql$/),
  ])
  expect(await next({ '2024-01-01-000000_a/up.sql': '', '2024-01-01-000000_a/down.sql': '' })).toEqual([
    expect.stringMatching(/^20\d\d-\d\d-\d\d-\d{6}_add_users\/up\.sql$/),
    expect.stringMatching(/^20\d\d-\d\d-\d\d-\d{6}_add_users\/down\.sql$/),
  ])
  expect(await next({ '1704067200000_a.sql': '' })).toEqual([expect.stringMatching(/^1\d{12}_add_users\.sql$/)])
  // a clock that is behind the newest file
  expect(await next({ '20990101000000_a.sql': '' })).toEqual(['20990101000001_add_users.sql'])
  expect(await next({ '0001_a.sql': '' }, 'größer 🎉', '--ts')).toEqual(['0002_größer_🎉.ts'])
})

test('create marks the parts as the newest file does', async () => {
  const cases = [
    ['-- +goose Up\nselect 1;\n-- +goose Down\nselect 2;\n', '-- +goose Up', '-- +goose Down'],
    ['-- +migrate Up\nselect 1;\n-- +migrate Down\n', '-- +migrate Up', '-- +migrate Down'],
    ['-- Up Migration\nselect 1;\n-- Down Migration\n', '-- Up Migration', '-- Down Migration'],
    ['select 1;\n---- create above / drop below ----\n', '', '---- create above / drop below ----'],
    ['-- migrate:up\nselect 1;\n', '-- migrate:up', '-- migrate:down'],
  ] as const
  for (const [text, up, down] of cases) {
    const dir = await folder({ '00001_a.sql': text })
    const { stdout } = await schemagate(['create', 'b', '--dir', dir])
    expect(await readdir(dir)).toEqual(['00001_a.sql', '00002_b.sql'])
    expect(await readFile(stdout.trim(), 'utf8')).toBe(`${up}\n${line}\n${down}\n${line}`)
    expect(readFolder(dir).at(-1)?.down?.source).toContain(down)
  }
  // of a tool without marks, which would run a down part as well
  const plain = await folder({ '20240101000000_a.sql': 'select 1;\n' })
  const { stdout } = await schemagate(['create', 'b', '--dir', plain])
  expect(await readFile(stdout.trim(), 'utf8')).toBe(line)
})

test('what create wrote is refused until it is written, and the other files with it', async ({ database }) => {
  for (const [first, written, title] of [
    ['0001_a.sql', '0002_b.sql', 'b'],
    ['000001_a.up.sql', '000002_b.up.sql', 'b'],
    ['001.do.a.sql', '002.do.b.sql', 'b'],
  ] as const) {
    const dir = await folder({ [first]: 'create table if not exists a (b int);\n' })
    await schemagate(['create', title, '--dir', dir])
    const run = (...args: string[]) => schemagate([...args, '--dir', dir], { env: { DATABASE_URL: database.url } })
    const up = await run('up')
    expect(up.code).toBe(2)
    expect(up.stdout).toContain(`${written}, line`)
    expect(up.stdout).toContain('as `create` wrote it')
    expect((await database.query("select to_regclass('schemagate.ledger') as ledger")).rows).toEqual([{ ledger: null }])
  }
})

test('a way back that was not written is refused; a part with a statement, or without the line, is run', async ({
  database,
}) => {
  const dir = await folder({
    '1_a.sql': `-- migrate:up\n${line}create table a (b int);\n-- migrate:down\n${line}`,
    '2_b.sql': '-- migrate:up\n-- migrate:down\n',
  })
  const run = (...args: string[]) => schemagate([...args, '--dir', dir], { env: { DATABASE_URL: database.url } })
  expect((await run('up')).code).toBe(0)
  expect((await run('down', '--yes')).code).toBe(0)
  const down = await run('down', '--yes')
  expect(down.code).toBe(2)
  expect(down.stdout).toContain('1_a.sql, line 5')
})

test('code that create wrote fails until it is written', async ({ database }) => {
  const dir = await folder({ '0001_a.sql': '' })
  await schemagate(['create', 'b', '--ts', '--dir', dir])
  const up = await schemagate(['up', '--dir', dir], { env: { DATABASE_URL: database.url } })
  expect(up.code).toBe(5)
  expect(up.stdout).toContain('write the SQL here')
})

test('create refuses a title that makes no name', async () => {
  for (const title of ['', '  ', '.hidden', 'a:b', 'what?'])
    expect(await schemagate(['create', title, '--dir', await folder({ '1_a.sql': '' })]), title).toMatchObject({
      code: 2,
    })
})

test.for([
  ['0005_add_users', 'add_users'],
  ['V5__add_users', 'add_users'],
  ['20260131120000-add-users.sql', 'add-users'],
  ['add users.ts', 'add_users'],
  ['0005', 'add users'],
] as const)('create adds number and ending: %s has them already', async ([title, words]) => {
  const { code, stderr } = await schemagate(['create', title, '--dir', await folder({ '1_a.sql': '' })])
  expect(code).toBe(2)
  expect(stderr).toContain(`Say what the migration does alone: \`${words}\``)
})

test('a number that is a word of the title is none of the file', async () => {
  const dir = await folder({ '0001_a.sql': '' })
  expect(await schemagate(['create', '2fa', '--dir', dir])).toMatchObject({ stdout: `${dir}/0002_2fa.sql\n` })
})

test('create makes the folder that is named, and no other one in a project that has its own', async () => {
  const project = await folder({ 'migrations/0001_a.sql': 'select 1;' })
  const { code, stderr } = await schemagate(['create', 'b'], { cwd: project })
  expect(code).toBe(2)
  expect(stderr).toContain('Name yours with --dir or SCHEMAGATE_DIR; a new one is made.')
  expect(await readdir(project)).toEqual(['migrations'])
  const made = await schemagate(['create', 'b', '--dir', 'db/migrations'], { cwd: project })
  expect(made).toMatchObject({ code: 0, stdout: 'db/migrations/0001_b.sql\n' })
})

test('create refuses a folder that is a file', async () => {
  const file = join(await folder({ '1_a.sql': '' }), '1_a.sql')
  const { code, stderr } = await schemagate(['create', 'more', '--dir', file])
  expect(code).toBe(2)
  expect(stderr).toContain('is not a folder')
})
