// A `down` of a migration that an `up` has begun and not finished: if nothing of it is reverted, it is begun and not
// finished still, and never applied.

import { expect } from 'vitest'
import { schemagate, start } from '../../helpers/cli.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { folder, write } from '../../helpers/migrations.ts'
import { noPgbouncer, pgbouncer, pgbouncerPath } from '../../helpers/pgbouncer.ts'
import { nothingLeft } from '../../helpers/session-watch.ts'
import { gateOf } from '../gate/fixtures.ts'

const at = (url: string, dir: string) => ({ env: { DATABASE_URL: url, SCHEMAGATE_DIR: dir, LOG_FORMAT: 'json' } })

async function rows(database: ScratchDatabase): Promise<object[]> {
  return (await database.query('select name, state, journal from schemagate.ledger order by position')).rows
}

async function made(database: ScratchDatabase): Promise<string[]> {
  const { rows } = await database.query<{ name: string }>(
    "select relname as name from pg_class where relnamespace = 'public'::regnamespace order by 1",
  )
  return rows.map(({ name }) => name)
}

const first = { '1_a.sql': 'create table a (id int);' }

test('one that was killed while it waited for apps, and whose down part fails', async ({ database }) => {
  const dir = await folder(first)
  const options = at(database.url, dir)
  expect((await schemagate(['up'], options)).code).toBe(0)
  const gate = gateOf({ url: database.url, manifest: JSON.parse((await schemagate(['manifest'], options)).stdout) })
  await gate.whenOpen({ timeout: 5000 })
  expect(gate.enter()).toBe(true)

  await write(dir, {
    '2_b.sql': '-- migrate:up\n-- schemagate:breaking\ncreate table b ();\n-- migrate:down\ndrop table b;\n',
  })
  const run = start(['up'], options)
  await eventually(() => expect(run.output).toContain('waiting until they have disconnected'))
  run.kill('SIGKILL')
  await run.ended
  gate.leave()
  await gate.close()
  await nothingLeft(database)
  const before = await rows(database)
  expect(before.at(-1)).toEqual({ name: '2_b', state: 'running', journal: { done: [] } })

  const down = await schemagate(['down', '--yes'], options)
  expect(down.code, down.stdout).toBe(5)
  expect(down.stdout).toContain('the database is as it was before')
  expect(await rows(database)).toEqual(before)

  expect((await schemagate(['up'], options)).code).toBe(0)
  expect(await made(database)).toEqual(['a', 'b'])
})

test('one of which a step is done, and whose down part fails at its first step, or is killed before it', async ({
  database,
}) => {
  const parts = (last: string) => ({
    '2_steps.sql': `-- migrate:up
create index concurrently a_id on a (id);
${last};
-- migrate:down
drop index concurrently no_such_index;
drop index concurrently a_id;
`,
  })
  const dir = await folder({ ...first, ...parts('create index concurrently b_id on b (id)') })
  const options = at(database.url, dir)
  expect((await schemagate(['up'], options)).code).toBe(5)
  const before = await rows(database)
  expect(before.at(-1)).toMatchObject({ state: 'running', journal: { done: [expect.any(String)] } })

  const down = await schemagate(['down', '--yes'], options)
  expect(down.code, down.stdout).toBe(5)
  expect(await rows(database)).toEqual(before)

  // killed after its row says that it is being reverted: the index cannot be dropped before this transaction has ended
  await write(dir, {
    '2_steps.sql': parts('select 1')['2_steps.sql'].replace(/drop index concurrently no_such_index;\n/, ''),
  })
  const reader = await database.connect()
  await reader.query('begin; lock table a in access exclusive mode')
  const killed = start(['down', '--yes'], options)
  await eventually(async () => expect((await rows(database)).at(-1)).toMatchObject({ journal: { reverting: true } }))
  killed.kill('SIGKILL')
  await killed.ended
  await reader.query('rollback')
  await nothingLeft(database)

  const up = await schemagate(['up'], options)
  expect(up.code, up.stdout).toBe(0)
  expect(await made(database)).toEqual(['a', 'a_id'])
  expect((await rows(database)).at(-1)).toEqual({ name: '2_steps', state: 'applied', journal: null })
})

test('one in code without a transaction, whose down is refused behind a pooler', async ({ database, skip }) => {
  if (!pgbouncerPath) skip(noPgbouncer)
  const dir = await folder({
    ...first,
    '2_code.mjs': `// migrate:up transaction:false
export async function up({ query }) { await query('create table b ()'); throw new Error('half-way') }
export async function down({ query }) { await query('drop table b') }
`,
  })
  const options = at(database.url, dir)
  expect((await schemagate(['up'], options)).code).toBe(5)
  const before = await rows(database)
  expect(before.at(-1)).toMatchObject({ name: '2_code', state: 'running' })
  const pooler = await pgbouncer(database.url)
  const down = await schemagate(['down', '--yes'], at(pooler.url(database.url), dir))
  expect(down.code, down.stdout).toBe(8)
  expect(await rows(database)).toEqual(before)
})

test('one that is half reverted, and whose down part is gone from its file', async ({ database }) => {
  const up = '-- migrate:up\ncreate index concurrently a_id on a (id);\n'
  const down = '-- migrate:down\ndrop index concurrently a_id;\nselect 1/0;\n'
  const dir = await folder({ ...first, '2_steps.sql': up + down })
  const options = at(database.url, dir)
  expect((await schemagate(['up'], options)).code).toBe(0)
  expect((await schemagate(['down', '--yes'], options)).code).toBe(5)
  await write(dir, { '2_steps.sql': up })
  const refused = await schemagate(['up'], options)
  expect(refused.code, refused.stdout).toBe(6)
  expect(refused.stdout).toContain('has no down part any more. Restore it, and run it again.')
  await write(dir, { '2_steps.sql': up + down.replace('select 1/0', 'select 1') })
  expect((await schemagate(['up'], options)).code).toBe(0)
  expect(await made(database)).toEqual(['a', 'a_id'])
})
