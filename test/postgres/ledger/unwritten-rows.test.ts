// A trigger or a rule that was laid over all tables may keep the ledger's rows from being written, without an error of its own.
// What a migration did must not be committed without them: it would be run twice, or count as applied when it was reverted.

import { describe, expect } from 'vitest'
import { schemagate } from '../../helpers/cli.ts'
import { type ScratchDatabase, test } from '../../helpers/database.ts'
import { folder, write } from '../../helpers/migrations.ts'

const trigger = (event: string) =>
  `create function audit() returns trigger language plpgsql as $$ begin return ${event === 'delete' ? 'new' : 'null'}; end $$;
   create trigger audit before ${event} on schemagate.ledger for each row execute function audit()`
const rule = 'create rule quiet as on insert to schemagate.ledger do instead nothing'

const counted = 'insert into runs_of_it values (1);'
const code = `export async function up({ query }) { await query('${counted}') }`

async function run(database: ScratchDatabase, dir: string, args: readonly string[]) {
  const { code, output } = await schemagate(args, { env: { DATABASE_URL: database.url, SCHEMAGATE_DIR: dir } })
  return { code, output }
}

async function count(database: ScratchDatabase): Promise<number> {
  return (await database.query('select from runs_of_it')).rowCount ?? 0
}

describe('a migration whose row is not written is rolled back, and says why', () => {
  for (const [what, name, text, over] of [
    ['SQL', '2_b.sql', counted, trigger('insert')],
    ['SQL under a rule', '2_b.sql', counted, rule],
    ['a repeatable one', 'R__b.sql', counted, trigger('insert')],
    ['code', '2_b.mjs', code, trigger('insert')],
    ['steps', '2_b.sql', `${counted} vacuum;`, trigger('insert')],
  ] as const)
    test(what, async ({ database }) => {
      const dir = await folder({ '1_a.sql': 'create table runs_of_it (i int);' })
      expect(await run(database, dir, ['up'])).toMatchObject({ code: 0 })
      await database.query(over)
      await write(dir, { [name]: text })
      const failed = await run(database, dir, ['up'])
      expect(failed).toMatchObject({ code: 9 })
      expect(failed.output).toContain(
        'a trigger or a rule of \\"schemagate\\".ledger keeps its rows from being written',
      )
      expect(failed.output).not.toContain('Correct the file')
      expect(await count(database)).toBe(0)
    })
})

test('a step that cannot be recorded as done ends the run', async ({ database }) => {
  const dir = await folder({ '1_a.sql': 'create table a ();' })
  expect(await run(database, dir, ['up'])).toMatchObject({ code: 0 })
  await database.query(trigger('update'))
  await write(dir, { '2_b.sql': 'vacuum;' })
  expect(await run(database, dir, ['up'])).toMatchObject({ code: 9 })
})

test('a migration whose row is not deleted is not reverted', async ({ database }) => {
  const dir = await folder({ '1_a.sql': '-- migrate:up\ncreate table a ();\n-- migrate:down\ndrop table a;' })
  expect(await run(database, dir, ['up'])).toMatchObject({ code: 0 })
  await database.query(trigger('delete'))
  const failed = await run(database, dir, ['down', '--yes'])
  expect(failed.code).toBe(9)
  expect((await database.query("select to_regclass('a') as a")).rows).toEqual([{ a: 'a' }])
  await database.query('drop function audit() cascade')
  expect(await run(database, dir, ['down', '--yes'])).toMatchObject({ code: 0 })
})
