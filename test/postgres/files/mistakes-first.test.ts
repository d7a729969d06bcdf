// A mistake in the files is told before anything of the server, also where the files' contents are read only later.

import { expect } from 'vitest'
import { freePort } from '../../../scripts/lib/free-port.ts'
import { schemagate } from '../../helpers/cli.ts'
import { test } from '../../helpers/database.ts'
import { folder } from '../../helpers/migrations.ts'

const mistaken = { '0001_a.sql': '-- migrate:up transactoin:false\nselect 1;' }

test('a server that is not there is not waited for', async () => {
  const env = { DATABASE_URL: `postgres://me@127.0.0.1:${await freePort()}/db` }
  const run = schemagate(['up', '--dir', await folder(mistaken), '--connect-timeout', '50s'], { env, timeout: 40_000 })
  expect(await run).toMatchObject({ code: 2, stdout: expect.stringContaining('0001_a.sql') })
})

test('a server that refuses the login is not heard', async ({ database }) => {
  const env = { DATABASE_URL: database.urlFor('no_such_role', 'wrong') }
  const result = await schemagate(['up', '--dir', await folder(mistaken)], { env })
  expect(result).toMatchObject({ code: 2, stdout: expect.stringContaining('0001_a.sql') })
})
