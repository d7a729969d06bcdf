// `wait`: for engines without start conditions, where the app's own container asks, as the app's own role.

import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { schemagate, start } from '../../helpers/cli.ts'
import { test } from '../../helpers/database.ts'
import { eventually } from '../../helpers/eventually.ts'
import { folder } from '../../helpers/migrations.ts'
import { tcpProxy } from '../../helpers/tcp-proxy.ts'

const files = { '0001_users.sql': 'create table users (id int);\n' }
const password = 'app-password'

describe('wait', () => {
  test('waits as a role that the first successful run will make, and then becomes the command', async ({
    database,
  }) => {
    const dir = await folder(files)
    const role = database.role('app')
    const env = { DATABASE_URL: database.urlFor(role, password), SCHEMAGATE_DIR: dir, LOG_FORMAT: 'json' }
    const waiting = start(['wait', '--timeout', '30s', '--', process.execPath, '-e', 'process.exit(42)'], { env })
    await eventually(() => expect(waiting.lines.map(({ event }) => event)).toContain('waiting'))

    const owner = { DATABASE_URL: database.url, SCHEMAGATE_DIR: dir, SCHEMAGATE_APP_PASSWORD: password }
    expect((await schemagate(['up', '--app-role', role], { env: owner })).code).toBe(0)
    const { code, lines } = await waiting.ended
    expect(lines.map(({ event }) => event)).toContain('matches')
    expect(code).toBe(42)
  })

  test('waits for a schema that the role may not look into yet', async ({ database }) => {
    const dir = await folder(files)
    const role = database.role('app')
    await database.query(`create role ${role} login password '${password}'`)
    const owner = { DATABASE_URL: database.url, SCHEMAGATE_DIR: dir, SCHEMAGATE_APP_PASSWORD: password }
    expect((await schemagate(['up'], { env: owner })).code).toBe(0)
    const env = { DATABASE_URL: database.urlFor(role, password), SCHEMAGATE_DIR: dir, LOG_FORMAT: 'json' }
    const waiting = start(['wait', '--timeout', '30s'], { env })
    await eventually(() => expect(waiting.lines.map(({ event }) => event)).toContain('waiting'))
    expect((await schemagate(['up', '--app-role', role], { env: owner })).code).toBe(0)
    expect((await waiting.ended).code).toBe(0)
  })

  test('ends with the last answer when the time is up', async ({ database }) => {
    const dir = await folder(files)
    const answers = async (url: string) => {
      const started = performance.now()
      const { code } = await schemagate(['wait', '--timeout', '500ms', '--dir', dir], { env: { DATABASE_URL: url } })
      expect(performance.now() - started).toBeGreaterThanOrEqual(500)
      return code
    }
    expect(await answers(database.url)).toBe(7)
    expect(await answers(database.urlFor('nobody_such', 'wrong'))).toBe(9)
  })

  test('hears the last answer also of a server that takes its time', async ({ database }) => {
    const proxy = await tcpProxy(database.url)
    const env = { DATABASE_URL: proxy.url(database.url), LOG_FORMAT: 'json' }
    const waiting = start(['wait', '--timeout', '1s', '--dir', await folder(files)], { env })
    await eventually(() => expect(waiting.lines.map(({ event }) => event)).toContain('waiting'))
    // Slow for the last ask alone, which begins when the time is up.
    const timer = setTimeout(() => proxy.delay(80), 850)
    expect((await waiting.ended).code).toBe(7)
    clearTimeout(timer)
  })

  test('does not wait for what no run can change', async ({ database }) => {
    const missing = join(await folder(files), 'missing')
    const env = { DATABASE_URL: database.url }
    expect((await schemagate(['wait', '--dir', missing], { env })).code).toBe(2)
  })
})
