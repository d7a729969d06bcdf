// Scenarios of `docker stop`: both images run Node as PID 1, which ignores SIGTERM unless the program handles it.

import { describe, expect, vi } from 'vitest'
import { type Stack, test } from '../scenario/stack.ts'

/** Docker kills after ten seconds; a program that handles the signal ends at once. */
const limit = 2000

async function stop(stack: Stack, service: string) {
  const { id = '' } = (await stack.container(service)) ?? {}
  const started = performance.now()
  await stack.docker('stop', id)
  const took = performance.now() - started
  return { took, container: await stack.container(service) }
}

describe('docker stop', () => {
  test('ends the app with exit code 0 at once', async ({ stack }) => {
    expect((await stack.compose('up', '--detach', '--wait')).exitCode).toBe(0)
    const { took, container } = await stop(stack, 'app')
    expect(container).toMatchObject({ status: 'exited', exitCode: 0 })
    expect(took).toBeLessThan(limit)
  })

  test('ends the migrator in the middle of a migration with exit code 143 at once, rolled back', async ({ stack }) => {
    await stack.migrations({ '9000_slow.sql': '-- migrate:up\ncreate table slow (id int);\nselect pg_sleep(60);\n' })
    expect((await stack.compose('up', '--detach', 'migrator')).exitCode).toBe(0)
    const sleeping = `select count(*) from pg_stat_activity where wait_event = 'PgSleep'`
    await vi.waitFor(async () => expect(await stack.sql(sleeping)).toBe('1'), { timeout: 30_000, interval: 100 })

    const { took, container } = await stop(stack, 'migrator')
    expect(container).toMatchObject({ status: 'exited', exitCode: 143 })
    expect(took).toBeLessThan(limit)
    await vi.waitFor(async () => expect(await stack.sql(sleeping)).toBe('0'), { timeout: 5000, interval: 100 })
    expect(await stack.sql(`select to_regclass('public.slow') is null`)).toBe('t')
  })
})
