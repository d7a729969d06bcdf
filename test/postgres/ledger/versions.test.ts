// The ledger's own schema moves on: from release 0.1 to now, beside what that release left running, and no further than
// this release knows.

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, inject, onTestFinished } from 'vitest'
import type { createGate, Gate } from '../../../gate/gate.ts'
import { currentVersion, ledgerVersions } from '../../../migrator/ledger/versions.ts'
import { type CliOptions, schemagate } from '../../helpers/cli.ts'
import { type ScratchDatabase, test as withDatabase } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { standing, tryPoint, undisturbed } from '../../helpers/kill-point.ts'
import { inScratch, judge, pointsOf, timeout, tryAll } from '../../helpers/kill-run.ts'
import { folder, write } from '../../helpers/migrations.ts'
import { release01 } from '../../helpers/release-0.1.ts'

const test = withDatabase.extend('old', { scope: 'file' }, async () => {
  const path = await release01()
  const bundle = join(path, 'dist/schemagate.cjs')
  return {
    path,
    run: (args: readonly string[], options: CliOptions) => schemagate(args, { ...options, bundle }),
  }
})

const base = { '0001_base.sql': 'create table tally (step text); create table t (a int);' }

/** Stops after its second step: 0.1 leaves its row in state `running`. */
const steps = (last: string) => ({
  '0002_steps.sql': `-- migrate:up transaction:false
insert into tally values ('0002.1');
create index concurrently t_a on t (a);
${last}
`,
})
const broken = steps('insert into no_such_table values (1);')
const corrected = steps("insert into tally values ('0002.3');")

async function versionsOf(database: ScratchDatabase): Promise<number[]> {
  const { rows } = await database.query<{ version: number }>(
    'select version from schemagate.ledger_version order by version',
  )
  return rows.map(row => row.version)
}

const environment = (database: ScratchDatabase, dir: string) => ({
  env: { DATABASE_URL: database.url, SCHEMAGATE_DIR: dir },
})

describe('a ledger of 0.1', () => {
  test('with a half-done migration in it is taken along, and the migration finished', async ({ database, old }) => {
    const dir = await folder({ ...base, ...broken })
    const options = environment(database, dir)
    expect((await old.run(['up'], options)).code).toBe(5)
    expect((await schemagate(['status'], options)).stdout).toContain('2 of its steps are done')
    await write(dir, corrected)
    const run = await schemagate(['up'], options)
    expect(run.code, run.stdout).toBe(0)
    expect(run.lines).toContainEqual(expect.objectContaining({ event: 'ledger', from: 1, to: currentVersion }))
    expect(await versionsOf(database)).toEqual(ledgerVersions.slice(1).map(({ version }) => version))
    const { rows } = await database.query('select step from tally order by step')
    expect(rows).toEqual([{ step: '0002.1' }, { step: '0002.3' }])
    expect((await schemagate(['check'], options)).code).toBe(0)
  })

  test('is taken along also where nothing is pending, once; and a run of 0.1 still works on it', async ({
    database,
    old,
  }) => {
    const dir = await folder(base)
    const options = environment(database, dir)
    expect((await old.run(['up'], options)).code).toBe(0)
    expect((await schemagate(['check'], options)).code).toBe(0)
    for (const taken of [1, 0]) {
      const run = await schemagate(['up'], options)
      expect(run.code).toBe(0)
      expect(run.lines.filter(line => line.event === 'ledger')).toHaveLength(taken)
    }
    const { rows } = await database.query('select command, outcome, exit_code from schemagate.runs')
    expect(rows).toEqual([{ command: 'up', outcome: 'nothing-to-do', exit_code: 0 }])

    await write(dir, { '0002_later.sql': 'create table later ();\n-- migrate:down\ndrop table later;' })
    expect((await old.run(['up'], options)).code).toBe(0)
    for (const command of ['check', 'up']) expect((await schemagate([command], options)).code).toBe(0)
    expect((await schemagate(['down', '--yes'], options)).code).toBe(0)
    expect((await old.run(['check'], options)).code).toBe(7)
  })

  test('killed at any message while it is taken along, is finished by the next run', { timeout }, async ({
    admin,
    old,
  }) => {
    const started = performance.now()
    const dir = await folder({ ...base, ...broken })
    const server = inject('postgres').url
    await inScratch(admin, server, async (url, template) => {
      expect((await old.run(['up'], { env: { DATABASE_URL: url, SCHEMAGATE_DIR: dir } })).code).toBe(5)
      await write(dir, corrected)
      const scratch = <T>(use: (url: string) => Promise<T>) => inScratch(admin, server, use, template)
      const reference = await scratch(url => undisturbed({ url, dir }))
      const outcomes = await tryAll(pointsOf('SIGKILL', reference.messages.length, 3), 3, point =>
        scratch(url => tryPoint({ url, dir }, point, reference.end)),
      )
      judge('ledger of 0.1, SIGKILL', outcomes, started)
    })
  })

  test('serves gates and apps of 0.1 before, while and after it is taken along', async ({ database, old }) => {
    const dir = await folder({ ...base, '0002_more.sql': 'alter table t add column b int;' })
    const options = environment(database, dir)
    expect((await old.run(['up'], options)).code).toBe(0)
    const manifestFile = join(dir, 'manifest.json')
    const manifest = (await old.run(['manifest'], options)).stdout
    await write(dir, { 'manifest.json': manifest })
    const module: { createGate: typeof createGate } = await import(pathToFileURL(join(old.path, 'dist/gate.mjs')).href)
    const gate: Gate = module.createGate({ url: database.url, manifest: JSON.parse(manifest) })
    onTestFinished(() => gate.close())
    await gate.whenOpen({ timeout: 10_000 })
    const states: string[] = []
    gate.on('change', ({ state }) => states.push(state))

    await write(dir, { '0003_additive.sql': 'create table u (); alter table t add column c int;' })
    const run = await schemagate(['up'], options)
    expect(run.code, run.stdout).toBe(0)
    await eventually(() => expect(gate.status.database).toMatchObject({ head: '0003_additive' }))
    expect(states.filter(state => state !== 'open')).toEqual([])
    for (const command of ['check', 'wait'])
      expect((await old.run([command, '--manifest', manifestFile], options)).code).toBe(0)
    expect((await old.run(['check'], options)).code).toBe(0)
    const { rows } = await database.query("select schemagate.require('0002_more') as fits")
    expect(rows).toEqual([{ fits: true }])
  })
})

test.for(['manifest', 'runs', 'ledger_version', 'adoption'])(
  'a ledger whose table %s is gone gets it again, and apps are told',
  async (table, { database }) => {
    const dir = await folder(base)
    const options = environment(database, dir)
    await schemagate(['up'], options)
    await database.query(`drop table schemagate.${table}`)
    for (const told of [1, 0]) {
      const run = await schemagate(['up'], options)
      expect(run.code, run.stdout).toBe(0)
      expect(run.lines.filter(line => line.event === 'ledger')).toHaveLength(told)
    }
    expect((await versionsOf(database)).at(-1)).toBe(currentVersion)
    const { rows } = await database.query(`select manifest->'migrations'->0->>'name' as name from schemagate.manifest`)
    expect(rows).toEqual([{ name: '0001_base' }])
    await write(dir, { '0002_later.sql': 'create table later ()' })
    expect((await schemagate(['up'], options)).code).toBe(0)
  },
)

test('a ledger that a newer release has taken along is left as it is, and every command says so', async ({
  database,
}) => {
  const dir = await folder(base)
  const options = environment(database, dir)
  expect((await schemagate(['up'], options)).code).toBe(0)
  await write(dir, { 'manifest.json': (await schemagate(['manifest'], options)).stdout })
  await database.query(
    `insert into schemagate.ledger_version (version, run_id, tool_version) values (99, gen_random_uuid(), '7.5.0')`,
  )
  await write(dir, { '0002_pending.sql': 'create table pending ();' })
  const state = async () => ({
    ...(await standing({ url: database.url })),
    runs: (await database.query('select * from schemagate.runs')).rows,
  })
  const before = await state()
  for (const command of [
    'up',
    'check',
    'status',
    'wait',
    'down --yes',
    'baseline 0001_base',
    'repair --forget-missing x',
  ]) {
    const run = await schemagate(command.split(' '), options)
    expect(run.code, command).toBe(8)
    expect(run.stdout + run.stderr).toContain('has version 99, made by schemagate 7.5.0')
  }
  expect(await state()).toEqual(before)
  // what an app asks is what its gate asks: that goes on being answered
  expect((await schemagate(['check', '--manifest', join(dir, 'manifest.json')], options)).code).toBe(0)
})
