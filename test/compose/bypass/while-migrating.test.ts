// Scenarios of a migrator at work, or killed at it, beside an app that runs.

import { describe, expect } from 'vitest'
import { eventually } from '../../helpers/eventually.ts'
import { breaking, halting } from '../scenario/releases.ts'
import type { Stack } from '../scenario/stack.ts'
import { matched, migrate, migrator, succeeds } from '../scenario/steps.ts'
import { test } from '../scenario/witness.ts'

describe('must not serve unmigrated', () => {
  test('an app whose migrator is killed half-way', async ({ stack, witness }) => {
    await succeeds(stack, 'up', '--detach', '--wait')
    await succeeds(stack, 'rm', '--stop', '--force', 'app')
    const from = Date.now()
    await stack.override({ ...(await halting()) })
    await succeeds(stack, 'up', '--detach', '--no-deps', 'app')
    await succeeds(stack, 'up', '--detach', '--no-deps', 'migrator')
    await kill(stack)
    // Rolled back: nothing of it is there, not even after the server has noticed.
    await witness.refuses('behind')
    expect(await stack.sql(`select to_regclass('public.whole') is null`)).toBe('t')

    await stack.sql('create table go as select 1 as number')
    await succeeds(stack, 'up', '--detach', '--no-deps', 'migrator')
    await kill(stack)
    await witness.refuses('migrating')
    expect(
      await stack.sql(`select to_regclass('public.first_step') is null, to_regclass('public.second_step') is null`),
    ).toBe('f|t')

    await stack.sql('insert into go values (2)')
    const until = await migrate(stack)
    await witness.serves(until)
    await witness.verdict({ from, until })
  })

  test('an older app over which a breaking migration is applied', async ({ stack, witness }) => {
    await succeeds(stack, 'up', '--detach', '--wait')
    await witness.serves(await matched(stack))
    await stack.override({ migrator: (await breaking()).migrator })

    // An app that announced itself, and does not disconnect.
    const holder = await announced(stack, 'schemagate:0123456789ab:0001_initial')
    const lines = await migrator(stack, 8, 'up', '--drain-timeout', '2s')
    const told = JSON.stringify(lines)
    expect(told).toContain(`pid ${holder.pid}`)
    expect(told).toContain('schemagate:0123456789ab:0001_initial')
    const run = lines.findLast(({ event }) => event === 'run')
    expect(run).toMatchObject({ exitCode: 8, applied: 0 })
    expect(await stack.sql(`select to_regclass('public.moment') is null`)).toBe('t')
    await witness.serves(Date.parse(String(run?.time)))

    await holder.end()
    await migrator(stack, 0, 'up')
    // Closed before the migration's first statement, not only after its last.
    const from = Number(await stack.sql('select extract(epoch from at) * 1000 from moment'))
    await witness.refuses('too-old')
    await witness.verdict({ from, until: Date.now() })
  })
})

/** Waits until the migration under way sleeps, and kills its migrator outright. */
async function kill(stack: Stack): Promise<void> {
  const sleeping = `select count(*) from pg_stat_activity where wait_event = 'PgSleep'`
  await eventually(async () => expect(await stack.sql(sleeping)).toBe('1'), { timeout: 30_000, interval: 100 })
  await succeeds(stack, 'kill', '--signal', 'KILL', 'migrator')
  expect(await stack.container('migrator')).toMatchObject({ status: 'exited', exitCode: 137 })
}

/** A session that has announced an app, until it is ended. */
async function announced(stack: Stack, name: string): Promise<{ pid: number; end(): Promise<void> }> {
  const { id = '' } = (await stack.container('postgres')) ?? {}
  const psql = 'exec psql -X -h 127.0.0.1 -U "$POSTGRES_USER" -d "$POSTGRES_DB" -c "select pg_sleep(120)"'
  const session = stack.docker('exec', '--env', `PGAPPNAME=${name}`, id, 'sh', '-c', psql)
  const pid = await eventually(
    async () => {
      const found = await stack.sql(`select pid from pg_stat_activity where application_name = '${name}'`)
      expect(found).not.toBe('')
      return Number(found)
    },
    { interval: 100 },
  )
  const end = async () => {
    await stack.sql(`select pg_terminate_backend(${pid}, 5000)`)
    await session
  }
  return { pid, end }
}
