// Many migrators at once, of which some are killed and some lose their connection: the rest, or the next, finish the work.

import { expect, inject } from 'vitest'
import { schemagate, start } from '../../helpers/cli.ts'
import { test } from '../../helpers/database.ts'
import { killMigrations } from '../../helpers/kill-migrations.ts'
import { standing, undisturbed } from '../../helpers/kill-point.ts'
import { inScratch, long, timeout } from '../../helpers/kill-run.ts'
import { folder } from '../../helpers/migrations.ts'
import { noPgbouncer, pgbouncer, pgbouncerPath } from '../../helpers/pgbouncer.ts'
import { ownServer } from '../../helpers/server.ts'
import { tcpProxy } from '../../helpers/tcp-proxy.ts'

const rounds = long ? 40 : 3
const verdicts = ['cut-before', 'cut-after', 'cut-after-answer'] as const

/** The same numbers in each run of the tests (mulberry32), so that what fails once fails again. */
function dice(seed: number): (sides: number) => number {
  let state = seed
  return sides => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % sides
  }
}

interface Storm {
  /** Where the migrators connect to, perhaps through a pooler. */
  readonly url: string
  readonly dir: string
  readonly messages: number
  readonly roll: (sides: number) => number
}

/** Six migrators at once: two are killed at some message, three lose their connection at two, one is left alone. */
async function storm({ url, dir, messages, roll }: Storm): Promise<void> {
  const runs = await Promise.all(
    Array.from({ length: 6 }, async (_, i) => {
      const killAt = i < 2 ? 1 + roll(messages) : undefined
      const cutAt = i >= 2 && i < 5 ? [1 + roll(messages), 1 + roll(messages)] : []
      let kill = () => {}
      const proxy = await tcpProxy(url, {
        onMessage: ({ index }) => {
          if (index === killAt) kill()
          return index === killAt || cutAt.includes(index) ? verdicts[roll(3)] : 'forward'
        },
      })
      const run = start(['up', '--dir', dir], { env: { DATABASE_URL: proxy.url(url) }, timeout: 180_000 })
      kill = () => run.kill('SIGKILL')
      return run.ended
    }),
  )
  const wrong = runs.filter(({ code, signal }) => code !== 0 && signal !== 'SIGKILL')
  expect(wrong.map(({ code, stdout, stderr }) => `${code} ${stdout}${stderr}`)).toEqual([])
}

test('migrators that are killed and cut off among others leave the work to those, and all of it is done once', {
  timeout,
}, async ({ admin }) => {
  const dir = await folder(killMigrations)
  const server = inject('postgres').url
  const reference = await inScratch(admin, server, url => undisturbed({ url, dir }))
  for (let seed = 1; seed <= rounds; seed++)
    await inScratch(admin, server, async url => {
      await storm({ url, dir, messages: reference.messages.length, roll: dice(seed) })
      const last = await schemagate(['up', '--dir', dir], { env: { DATABASE_URL: url } })
      expect(last.code, `seed ${seed}: ${last.stdout}`).toBe(0)
      expect(await standing({ url }), `seed ${seed}`).toEqual(reference.end)
    })
})

test.skipIf(pgbouncerPath === undefined)(
  `the same through PgBouncer in transaction mode${pgbouncerPath ? '' : ` (skipped: ${noPgbouncer})`}`,
  { timeout },
  async ({ admin }) => {
    const dir = await folder({
      '0001_tally.sql': 'create table tally (step text not null);',
      ...Object.fromEntries(
        Array.from({ length: 15 }, (_, i): [string, string] => {
          const name = `${i + 2}`.padStart(4, '0')
          return [`${name}_t.sql`, `create table t${name} (a int); insert into tally values ('${name}');`]
        }),
      ),
      '0020_code.mjs': `export async function up({ query }) {
        await query("insert into tally values ('code')")
        await query('create table from_code (a int)')
      }`,
    })
    const server = inject('postgres').url
    const reference = await inScratch(admin, server, url => undisturbed({ url, dir }))
    const pooler = await pgbouncer(server, { mode: 'transaction', poolSize: 4 })
    for (let seed = 1; seed <= rounds; seed++)
      await inScratch(admin, server, async url => {
        const pooled = pooler.url(url)
        await storm({ url: pooled, dir, messages: reference.messages.length, roll: dice(seed) })
        const last = await schemagate(['up', '--dir', dir], { env: { DATABASE_URL: pooled } })
        expect(last.code, `seed ${seed}: ${last.stdout}`).toBe(0)
        expect(await standing({ url }), `seed ${seed}`).toEqual(reference.end)
      })
  },
)

test('more migrators at once than the server takes connections all end well', { timeout }, async () => {
  const server = await ownServer({ settings: { max_connections: 10 } })
  const dir = await folder({
    '0001_tally.sql': 'create table tally (step text);',
    '0002_t.sql': "insert into tally values ('once');",
  })
  const runs = await Promise.all(
    Array.from({ length: 20 }, () =>
      schemagate(['up', '--dir', dir], { env: { DATABASE_URL: server.url }, timeout: 120_000 }),
    ),
  )
  expect(runs.map(({ code }) => code)).toEqual(runs.map(() => 0))
  const { tally } = await standing({ url: server.url })
  expect(tally).toEqual([{ step: 'once', times: 1 }])
})
