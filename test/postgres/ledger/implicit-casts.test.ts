// Databases that came from Postgres 8.2, or whose driver sends text for everything, have implicit casts: with one from uuid or
// integer to text, `uuid || ' '` is not unique any more.

import { expect } from 'vitest'
import { schemagate } from '../../helpers/cli.ts'
import { test } from '../../helpers/database.ts'
import { folder, write } from '../../helpers/migrations.ts'

test('implicit casts do not make our own statements ambiguous', async ({ database }) => {
  const types = ['int2', 'int4', 'int8', 'numeric', 'oid', 'uuid', 'jsonb', 'timestamptz', 'interval']
  for (const type of types) await database.query(`create cast (${type} as text) with inout as implicit`)
  for (const type of ['uuid', 'jsonb', 'int4', 'bool', 'timestamptz'])
    await database.query(`create cast (text as ${type}) with inout as implicit`)
  const dir = await folder({ '1_a.sql': 'create table a ();', '2_b.sql': 'vacuum;' })
  const env = {
    ...{ DATABASE_URL: database.url, SCHEMAGATE_DIR: dir },
    ...{ SCHEMAGATE_APP_ROLE: database.role('app'), SCHEMAGATE_APP_PASSWORD: 'secret' },
  }
  for (const command of ['up', 'up', 'check', 'status', 'plan'])
    expect(await schemagate([command], { env }), command).toMatchObject({ code: 0 })
  await write(dir, { '3_c.sql': '-- migrate:up\ncreate table c ();\n-- migrate:down\ndrop table c;' })
  expect(await schemagate(['up'], { env })).toMatchObject({ code: 0 })
  expect(await schemagate(['down', '--yes'], { env })).toMatchObject({ code: 0 })
})
