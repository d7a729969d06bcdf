// Ledger and files that disagree: renamed, squashed, late and foreign files, and the ways out that are told for each.

import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { readCommandLine } from '../../../migrator/cli/command-line.ts'
import { commands, variables } from '../../../migrator/cli/commands/index.ts'
import { printerTo } from '../../../migrator/cli/print.ts'
import { SchemagateError } from '../../../migrator/errors.ts'
import { silent } from '../../../migrator/log.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { folder, write } from '../../helpers/migrations.ts'

/** Runs commands as the command line does, in this process: a hundred processes would take minutes. */
function on(database: ScratchDatabase, dir: string) {
  return async (name: string, ...args: string[]) => {
    const command = commands.find(c => c.name === name)!
    let [output, error] = ['', '']
    const fail = (fields: object, message?: string) => {
      error += message ?? ('err' in fields && fields.err instanceof Error ? fields.err.message : '')
    }
    const log = { ...silent, error: fail }
    const { signal } = new AbortController()
    try {
      const parsed = readCommandLine(
        command,
        [...args, '--dir', dir],
        { DATABASE_URL: database.url },
        variables,
      ).parsed()
      const engine = { settings: parsed.settings, log, signal, redact: (text: string) => text }
      const print = printerTo(text => {
        output += `${text}\n`
      })
      return { code: await command.run({ ...parsed, engine, log, signal, print }), output, error }
    } catch (thrown) {
      if (thrown instanceof SchemagateError) return { code: thrown.exitCode, output, error: thrown.message }
      throw thrown
    }
  }
}

type Runner = ReturnType<typeof on>

/** Runs the command that a message ends with, as a person would copy it. */
async function follow(run: Runner, message: string, pattern: RegExp) {
  const command = pattern.exec(message)?.[0]
  expect(command, message).toBeDefined()
  const words = [...command!.matchAll(/'([^']*)'|(\S+)/g)].map(match => match[1] ?? match[2]!)
  return run(words[1]!, ...words.slice(2))
}

async function ledger(database: ScratchDatabase) {
  const { rows } = await database.query<{ name: string; position: number; kind: string; trace: string | null }>(
    `select name, position::int, kind, journal::text as trace from schemagate.ledger order by position`,
  )
  return rows
}

const names = async (database: ScratchDatabase) => (await ledger(database)).map(row => row.name)

const seed = 'create table if not exists s (n int); insert into s values (1);'

test.for([
  ['a padded number', '2_seed', '0002_seed'],
  ['other words, and a sign that a shell and the flag itself take for theirs', '2_seed', "3_a=b it's"],
  ['another layout', '2_seed', '2_seed2.up'],
  ['a repeatable one', 'R__seed', 'R__seeds'],
] as const)(
  'a file is renamed (%s): told as that, and never applied twice',
  async ([, before, after], { database }) => {
    const others = { '1_a.sql': 'select 1;' }
    await on(database, await folder({ ...others, [`${before}.sql`]: seed }))('up')
    const run = on(database, await folder({ ...others, [`${after}.sql`]: seed }))
    const name = after.replace('.up', '')
    const { code, error } = await run('up')
    expect(code).toBe(6)
    expect(error).toContain(`${before} is applied, and its file is now named ${name}. Rename the file back.`)
    expect(error).not.toMatch(/forget-missing|out-of-order/)

    const forgotten = await run('repair', '--forget-missing', before)
    expect(forgotten).toMatchObject({ code: 2 })
    expect(forgotten.error).toContain(`${name} has the same content as ${before}, and would be applied a second time`)

    const escaped = name.includes("'") ? `${before}=${name}` : undefined
    const repaired = escaped
      ? await run('repair', '--rename', escaped)
      : await follow(run, error, /schemagate repair --rename \S+/)
    expect(repaired).toMatchObject({ code: 0 })
    expect(repaired.output).toMatch(/before {2}checksum [0-9a-f]{64}\n {2}after {3}name .*, checksum/)
    expect((await run('up')).code).toBe(0)
    expect((await run('check')).code).toBe(0)
    expect((await database.query('select count(*)::int as n from s')).rows).toEqual([{ n: 1 }])
    const row = (await ledger(database)).find(r => r.name === name)
    expect(JSON.parse(row!.trace!).repairs).toMatchObject([{ action: 'rename', migration: before }])
  },
)

test('a name is the same in each Unicode form; a row in another one, of an older release, is followed', async ({
  database,
}) => {
  // of the same content, which then does not say whose row is whose
  const composed = ['2_é', '3_é'].map(name => name.normalize('NFC'))
  const files = (form: 'NFC' | 'NFD') =>
    folder({ '1_a.sql': 'select 1;', ...Object.fromEntries(composed.map(n => [`${n.normalize(form)}.sql`, seed])) })
  expect((await on(database, await files('NFD'))('up')).code).toBe(0)
  expect(await names(database)).toEqual(['1_a', ...composed])
  const run = on(database, await files('NFC'))
  expect((await run('check')).code).toBe(0)
  expect((await run('up', '--to', composed[0]!.normalize('NFD'))).code).toBe(0)

  await database.query('update schemagate.ledger set name = normalize(name, NFD)')
  const { code, error } = await run('up')
  expect([code, error]).toEqual([6, expect.stringContaining('under another Unicode form of the same name')])
  expect((await run('repair', ...composed.flatMap(name => ['--rename', `${name}=${name}`]))).code).toBe(0)
  expect(await names(database)).toEqual(['1_a', ...composed])
  expect((await run('check')).code).toBe(0)
})

test('files of the same content are not paired by a guess, and what is renamed and edited is accepted as both', async ({
  database,
}) => {
  const [empty, edited] = ['-- nothing\n', 'select 44;']
  await on(
    database,
    await folder({ '1_a.sql': 'select 1;', '2_b.sql': empty, '3_c.sql': empty, '4_d.sql': seed }),
  )('up')
  const run = on(
    database,
    await folder({ '1_a.sql': 'select 1;', '02_b.sql': empty, '03_c.sql': empty, '04_d.sql': edited }),
  )
  const { error } = await run('up')
  for (const name of ['2_b', '3_c'])
    expect(error).toContain(
      `${name} is applied, but there is no such file; 02_b and 03_c have the same content. Restore the file. If it was renamed to one of them: schemagate repair --rename ${name}=02_b`,
    )
  expect((await run('repair', '--forget-missing', '3_c')).error).toContain('02_b has the same content as 3_c')

  const was = await ledger(database)
  const wrong = await run(
    'repair',
    ...['--rename', '2_b=02_b', '--rename', '4_d=04_d', '--rename', '9_x=03_c', '--rename', 'x'],
  )
  expect(wrong.code).toBe(2)
  for (const part of [
    '04_d has other content than what was applied as 4_d',
    '--rename 9_x=03_c: OLD must be applied',
    'write OLD=NEW',
  ])
    expect(wrong.error).toContain(part)
  expect(await ledger(database)).toEqual(was)

  const all = ['2_b=02_b', '3_c=03_c', '4_d=04_d'].flatMap(pair => ['--rename', pair])
  expect((await run('repair', ...all, '--accept-edited', '04_d')).code).toBe(0)
  expect((await run('up')).code).toBe(0)
  expect(await names(database)).toEqual(['1_a', '02_b', '03_c', '04_d'])
})

test('another folder on the same ledger is told as that, whatever the two have in common, and changes nothing', async ({
  database,
}) => {
  const extension = '-- the same in both\n'
  const first = { '1_a.sql': extension, '2_b.sql': 'select 2;', '3_c.sql': 'select 3;', '4_d.sql': 'select 4;' }
  await on(database, await folder(first))('up')
  for (const files of [
    { '1_x.sql': 'select 11;' },
    { '01_ext.sql': extension, '2_y.sql': 'select 12;' },
    { '1_a.sql': 'select 11;', '2_y.sql': 'select 12;' },
  ]) {
    const run = on(database, await folder(files))
    for (const verb of ['up', 'check']) {
      const { code, error } = await run(verb)
      expect(code).toBe(6)
      expect(error).toMatch(/applied, and none of .* this ledger is another folder's\. .*--dir .*SCHEMAGATE_SCHEMA/)
      expect(error).not.toContain('forget-missing')
    }
  }
  expect(await names(database)).toEqual(['1_a', '2_b', '3_c', '4_d'])
})

test.for([
  ['numbered like the first', '0001_init', ['0001_init', '0005_e']],
  ['numbered like the last', '0003_squash', ['0003_squash', '0005_e']],
  [
    'with the lowest number there is',
    '000000000000_squashed_migrations',
    ['000000000000_squashed_migrations', '0005_e'],
  ],
] as const)('a squash, %s, is one command', async ([, squash, expected], { database }) => {
  const kept = { '0005_e.sql': 'create table e ();' }
  const old = Object.fromEntries(
    ['0001_a', '0002_b', '0003_c'].map(name => [`${name}.sql`, `create table "${name}" ();`]),
  )
  await on(database, await folder({ ...old, ...kept }))('up')
  const run = on(database, await folder({ ...kept, [`${squash}.sql`]: 'create table everything ();' }))
  const { code, error } = await run('up')
  expect(code).toBe(6)
  expect(error).toContain('if a new file stands in for it (a squash): schemagate baseline NAME --replacing-missing')
  const was = await ledger(database)
  expect((await run('baseline', squash)).code).toBe(6)
  expect(await ledger(database)).toEqual(was)

  const done = await run('baseline', squash, '--replacing-missing')
  expect(done.code, done.output).toBe(0)
  expect(done.output).toBe(
    `replaced 0001_a\nreplaced 0002_b\nreplaced 0003_c\nrecorded ${squash}\nnothing was run: the database has 4 tables\n`,
  )
  expect(await names(database)).toEqual(expected)
  const { repairs } = JSON.parse((await ledger(database))[0]!.trace!)
  expect(repairs).toMatchObject(
    ['0001_a', '0002_b', '0003_c'].map(migration => ({ action: 'replace-missing', migration })),
  )
  expect((await run('up')).code).toBe(0)
  expect((await run('check')).code).toBe(0)
  expect((await run('status', '--format', 'json')).output).toContain('"head":"0005_e"')
  expect((await run('baseline', squash, '--replacing-missing')).output).toContain('nothing to do')
})

test('a squash takes nothing that came after it, nor what was renamed', async ({ database }) => {
  const text = (name: string) => `create table "${name}" ();`
  const all = ['1_a', '2_b', '3_c', '4_d', '5_e']
  await on(database, await folder(Object.fromEntries(all.map(name => [`${name}.sql`, text(name)]))))('up')
  const run = on(database, await folder({ '2_squash.sql': 'select 0;', '4_renamed.sql': text('4_d') }))
  const was = await ledger(database)
  const { code, error } = await run('baseline', '2_squash', '--replacing-missing')
  expect(code).toBe(6)
  for (const name of ['3_c', '4_d', '5_e']) expect(error).toContain(`missing: ${name} `)
  expect(error).not.toContain('missing: 1_a')
  expect(error).toContain('--rename 4_d=4_renamed')
  expect(await ledger(database)).toEqual(was)
})

test('a squash of a late migration among others does not become the newest', async ({ database }) => {
  const text = (name: string) => `create table "${name}" ();`
  const dir = await folder(Object.fromEntries(['1_a', '2_b', '5_e'].map(name => [`${name}.sql`, text(name)])))
  const run = on(database, dir)
  await run('up')
  await write(dir, { '3_late.sql': text('3_late') })
  expect((await run('up', '--allow-late', '3_late')).code).toBe(0)
  for (const name of ['1_a', '2_b', '3_late']) await rm(join(dir, `${name}.sql`))
  await write(dir, { '3_squash.sql': ['1_a', '2_b', '3_late'].map(text).join('\n') })
  expect(await run('baseline', '3_squash', '--replacing-missing')).toMatchObject({ code: 0 })
  expect((await run('status', '--format', 'json')).output).toContain('"head":"5_e"')
  expect(await names(database)).toEqual(['3_squash', '5_e'])
})

test.for([
  ['is the new name of a row, that is not replaced', { '2_squash': 'select 0;', '3_a': 'a' }, '2_squash', '1_a'],
  [
    'is older than a row whose file is gone, that is not replaced',
    { '1_init': 'select 0;', '3_c': 'c' },
    '1_init',
    '5_e',
  ],
] as const)('where a file behind a squash %s', async ([, files, squash, kept], { database }) => {
  const text = (letter: string) => `create table "${letter}" ();`
  const applied = ['1_a', '2_b', '3_c', '5_e']
  await on(database, await folder(Object.fromEntries(applied.map(n => [`${n}.sql`, text(n.slice(2))]))))('up')
  const after = Object.entries(files).map(([name, sql]) => [`${name}.sql`, sql.length === 1 ? text(sql) : sql])
  const was = await ledger(database)
  const { code, error } = await on(
    database,
    await folder(Object.fromEntries(after)),
  )(...(['baseline', squash, '--replacing-missing'] as const))
  expect(code).toBe(6)
  expect(error).toContain(`missing: ${kept} `)
  expect(error).not.toContain('missing: 2_b ')
  expect(await ledger(database)).toEqual(was)
})

test('a repeatable migration and a versioned one are not renamed into each other', async ({ database }) => {
  await on(database, await folder({ '1_a.sql': 'select 1;', 'R__seed.sql': seed }))('up')
  const run = on(database, await folder({ '1_a.sql': 'select 1;', '2_seed.sql': seed }))
  const { code, error } = await run('repair', '--rename', 'R__seed=2_seed')
  expect([code, error]).toEqual([2, expect.stringContaining("cannot take each other's place")])
  expect(await names(database)).toEqual(['1_a', 'R__seed'])
})

test('a baseline is refused on a database without a table of its own', async ({ database }) => {
  const run = on(database, await folder({ '0005_a.sql': 'create table a ();', '6_b.sql': 'select 6;', '06_c.sql': '' }))
  const refused = await run('baseline', '0005_a')
  expect(refused.code).toBe(8)
  expect(refused.error).toContain(`The database ${database.name} has no table`)
  expect((await database.query(`select to_regnamespace('schemagate') as ledger`)).rows).toEqual([{ ledger: null }])
  await database.query('create table a ()')
  for (const [typed, guess] of [
    ['5', '0005_a'],
    ['005', '0005_a'],
    ['0005_a.sql', '0005_a'],
    ['migrations/0005_a.sql', '0005_a'],
    ['6', '06_c or 6_b'],
  ] as const)
    expect(await run('baseline', typed)).toMatchObject({
      code: 2,
      error: expect.stringContaining(`Did you mean ${guess}?`),
    })
  expect(await run('baseline', '0005_a')).toMatchObject({
    code: 0,
    output: 'recorded 0005_a\nnothing was run: the database has 1 table\n',
  })
})

test('a late hotfix runs when it is named, once, and is no problem afterwards', async ({ database }) => {
  const dir = await folder({ '1_a.sql': 'select 1;', '3_c.sql': '-- schemagate:breaking\nselect 3;' })
  const run = on(database, dir)
  await run('up')
  await write(dir, {
    '2_hotfix.sql': seed,
    '2_more.sql': '-- migrate:up transaction:false\nselect 2;',
    '4_d.sql': 'select 4;',
  })
  const { code, error } = await run('up')
  expect(code).toBe(6)
  expect(error).toContain('schemagate up --allow-late 2_hotfix applies it now')
  expect(error).toContain('schemagate baseline 2_hotfix')
  const half = await run('up', '--allow-late', '2_hotfix')
  expect([half.code, half.error]).toEqual([6, expect.not.stringContaining('out-of-order: 2_hotfix')])
  expect(await run('up', '--allow-late', '2')).toMatchObject({
    code: 2,
    error: expect.stringContaining('Did you mean 2_hotfix or 2_more?'),
  })

  const late = ['--allow-late', '2_hotfix', '--allow-late', '2_more']
  expect((await run('up', ...late, '--to', '3_c')).code).toBe(0)
  expect((await run('status', '--format', 'json')).output).toContain('"head":"3_c"')
  expect((await run('up')).code).toBe(0)
  expect((await run('up', ...late)).code).toBe(0)
  expect((await run('check')).code).toBe(0)
  expect(await names(database)).toEqual(['1_a', '3_c', '2_hotfix', '2_more', '4_d'])
  expect((await database.query('select count(*)::int as n from s')).rows).toEqual([{ n: 1 }])

  // an app that was built with the hotfix and without 3_c is too old, wherever the hotfix stands in the ledger
  const asks = (head: string) =>
    database.query('select schemagate.require($1::text)', [head]).then(() => 'open', String)
  expect(await asks('2_hotfix')).toContain('too-old')
  expect(await asks('2_more')).toContain('too-old')
  expect(await asks('1_a')).toContain('too-old')
  expect(await asks('3_c')).toBe('open')
  expect(await asks('4_d')).toBe('open')
  // nor one that comes later still, whose place is behind that of a late one
  await write(dir, { '2_next.sql': 'select 5;' })
  expect((await run('up', '--allow-late', '2_next')).code).toBe(0)
  expect(await asks('2_next')).toContain('too-old')
})

test('what is half applied is not forgotten, and lets no older release pass where it breaks that', async ({
  database,
}) => {
  await database.query('create table accounts (id int, balance int); insert into accounts values (1, 5)')
  const halfApplied = (sql: string) => `-- schemagate:breaking
update accounts set balance = balance * 100;
create index concurrently accounts_balance on ${sql} (balance);
`
  const dir = await folder({ '1_first.sql': 'create table first ();', '2_half.sql': halfApplied('nowhere') })
  const run = on(database, dir)
  expect((await run('up', '--on-foreign-tables', 'run')).code).toBe(5)

  // the older release's folder
  await rm(join(dir, '2_half.sql'))
  const ahead = await run('up', '--allow-ahead')
  expect(ahead).toMatchObject({ code: 6 })
  expect(ahead.error).toContain('2_half is half applied, but newer than all of these files')
  await write(dir, { 'R__view.sql': 'create or replace view v as select 1 as one;' })
  expect((await run('status')).output).toContain(
    '2_half is half applied (1 of its steps are done), but there is no such file',
  )
  const forgotten = await run('repair', '--forget-missing', '2_half')
  expect(forgotten).toMatchObject({ code: 2 })
  expect(forgotten.error).toContain('what is done would be done again')

  await write(dir, { '2_half.sql': halfApplied('accounts') })
  expect(await run('up')).toMatchObject({ code: 0 })
  expect((await database.query('select balance from accounts')).rows).toEqual([{ balance: 500 }])
})
