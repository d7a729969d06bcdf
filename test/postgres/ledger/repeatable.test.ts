// The row of a repeatable migration: it remembers the contents that were, through whatever comes of a new one.

import { expect } from 'vitest'
import { schemagate, start } from '../../helpers/cli.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { folder, write } from '../../helpers/migrations.ts'
import { gateOf, sha256 } from '../gate/fixtures.ts'

const breaking = '-- schemagate:breaking\n'
const view = (n: number | string, marks = '') => ({
  'R__view.sql': `${marks}drop view if exists v;\ncreate view v as select ${n} as n;\n`,
})

/** A database on which the view has had two contents, and what runs on it. */
async function twoContents(database: ScratchDatabase) {
  const dir = await folder({ '1_t.sql': 'create table t ();', ...view(1) })
  const options = { env: { DATABASE_URL: database.url, SCHEMAGATE_DIR: dir, LOG_FORMAT: 'json' } }
  const up = async (files: Record<string, string> = {}, ...args: string[]) => {
    await write(dir, files)
    return schemagate(['up', ...args], options)
  }
  expect((await up()).code).toBe(0)
  const oldest = JSON.parse((await schemagate(['manifest'], options)).stdout)
  expect((await up(view(2))).code).toBe(0)
  const row = async () => {
    const { rows } = await database.query<{ [column: string]: unknown }>(
      `select checksum, state, breaking, applied_at, journal from schemagate.ledger where name = 'R__view'`,
    )
    return rows[0]
  }
  const checksums = [1, 2].map(n => sha256(view(n)['R__view.sql']))
  expect(await row()).toMatchObject({ checksum: checksums[1], journal: { earlier: [checksums[0]] } })
  return { dir, options, up, row, oldest, checksums }
}

test('a new content that breaks apps, and fails, leaves it as it was, and apps of the first content open', async ({
  database,
}) => {
  const { up, row, oldest } = await twoContents(database)
  const before = await row()
  const failed = await up(view('nonsense', breaking))
  expect(failed.code, failed.stdout).toBe(5)
  expect(await row()).toEqual(before)
  await gateOf({ url: database.url, manifest: oldest }).whenOpen({ timeout: 5_000 })
})

test('a new content that breaks apps, and succeeds, remembers those before it', async ({ database }) => {
  const { up, row, checksums } = await twoContents(database)
  expect((await up(view(3, breaking))).code).toBe(0)
  expect(await row()).toMatchObject({ state: 'applied', breaking: true, journal: { earlier: checksums } })
  const third = (await row())?.checksum
  expect((await up(view(4))).code).toBe(0)
  expect(await row()).toMatchObject({ breaking: false, journal: { earlier: [...checksums, third] } })
})

test('a run that was killed before a new content, and then has the old one or another, remembers those before it', async ({
  database,
}) => {
  const { dir, options, up, row, oldest, checksums } = await twoContents(database)
  const gate = gateOf({ url: database.url, manifest: oldest })
  await gate.whenOpen({ timeout: 5_000 })
  expect(gate.enter()).toBe(true)
  for (const next of [view(2), view(4)]) {
    await write(dir, view(3, breaking))
    const run = start(['up'], options)
    await eventually(() => expect(run.output).toContain('waiting until they have disconnected'))
    run.kill('SIGKILL')
    await run.ended
    expect(await row()).toMatchObject({ state: 'running', breaking: true })
    const result = await up(next)
    expect(result.code, result.stdout).toBe(0)
    expect(await row()).toMatchObject({ state: 'applied', breaking: false })
    expect(await row()).toMatchObject({ journal: { earlier: expect.arrayContaining(checksums) } })
    expect((await row())?.journal).not.toHaveProperty('replaced')
    await gate.whenOpen({ timeout: 5_000 })
  }
  gate.leave()
})
