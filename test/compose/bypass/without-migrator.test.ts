// Scenarios of the ways around compose's gate: an app that is started without the migrator must not serve unmigrated.

import { describe, expect, onTestFinished } from 'vitest'
import { newer } from '../scenario/releases.ts'
import type { Stack } from '../scenario/stack.ts'
import { ended, matched, migrate, migrator, newest, succeeds } from '../scenario/steps.ts'
import { test } from '../scenario/witness.ts'

describe('must not serve unmigrated', () => {
  test('an app restarted after a failed migration', async ({ stack, witness }) => {
    await succeeds(stack, 'up', '--detach', '--wait')
    await witness.serves(await matched(stack))
    // Somebody has made this table by hand, so the next release's migration fails.
    await stack.sql('create table notes (id int)')
    await stack.override({ ...(await newer()) })
    expect((await stack.compose('up', '--detach', '--wait')).exitCode).not.toBe(0)
    expect(await stack.container('migrator')).toMatchObject({ exitCode: 5 })
    expect(await stack.container('app')).toMatchObject({ status: 'created', startedAt: 0 })

    const from = Date.now()
    await succeeds(stack, 'restart', 'app')
    await witness.refuses('behind')
    await succeeds(stack, 'restart', 'app')
    await witness.refuses('behind')

    await stack.sql('drop table notes')
    const until = await migrate(stack)
    await witness.serves(until)
    await witness.verdict({ from, until })
  })

  test('an app brought up with --no-deps, without a database and then on an empty volume', async ({
    stack,
    witness,
  }) => {
    await succeeds(stack, 'up', '--detach', '--no-deps', 'app')
    await witness.refuses('unreachable')
    await succeeds(stack, 'up', '--detach', '--wait', 'postgres')
    await witness.refuses('unreachable')
    // The app's role does not exist yet: the database itself keeps it out.
    expect((await stack.logs('app')).findLast(({ event }) => event === 'gate')).toMatchObject({
      err: { code: '28P01' },
    })
    const until = await migrate(stack)
    await witness.serves(until)
    await witness.verdict({ until })
  })

  test('an app brought up with --scale migrator=0', async ({ stack, witness }) => {
    await succeeds(stack, 'up', '--detach', '--scale', 'migrator=0')
    expect(await stack.container('migrator')).toBeUndefined()
    await witness.refuses('unreachable')
    const until = await migrate(stack)
    await witness.serves(until)
    await witness.verdict({ until })
  })

  test('an app that was only created, and then started by docker', async ({ stack, witness }) => {
    await succeeds(stack, 'create')
    await start(stack, 'app', 'postgres')
    await witness.refuses('unreachable')
    await start(stack, 'migrator')
    await ended(stack, 'migrator')
    const until = await newest(stack)
    await witness.serves(until)
    await witness.verdict({ until })
  })

  test('an app that an engine starts again beside an older volume, and an empty one', async ({ stack, witness }) => {
    await succeeds(stack, 'up', '--detach', '--wait', 'postgres')
    await migrator(stack, 0, 'up', '--to', '0003_ticket_activity')
    await succeeds(stack, 'stop', 'postgres')
    const older = `${stack.project}_older`
    onTestFinished(async () => {
      await stack.docker('volume', 'rm', '--force', older)
    })
    const data = `${stack.project}_postgres-data`
    const copy = (text: string) => inVolumes(stack, { from: older, to: data }, text)
    await inVolumes(stack, { from: data, to: older }, 'cp -a /from/. /to/')
    await succeeds(stack, 'up', '--detach', '--wait')
    await witness.serves(await matched(stack))

    // As after a restart of the engine: the containers that ran are started, the one-shot is not.
    await succeeds(stack, 'stop')
    let from = Date.now()
    await copy('find /to -mindepth 1 -delete && cp -a /from/. /to/')
    await start(stack, 'app', 'postgres')
    await witness.refuses('behind')
    let until = await migrate(stack)
    await witness.serves(until)
    const first = { from, until }

    await succeeds(stack, 'stop')
    from = Date.now()
    await copy('find /to -mindepth 1 -delete')
    await start(stack, 'app', 'postgres')
    await witness.refuses('unreachable')
    until = await migrate(stack)
    await witness.serves(until)
    await witness.verdict(first, { from, until })
  })
})

/** `docker start` of the services' containers, all at once: nothing is waited for. */
async function start(stack: Stack, ...services: string[]): Promise<void> {
  const containers = await Promise.all(services.map(stack.container))
  const { exitCode, stderr } = await stack.docker('start', ...containers.map(container => container?.id ?? ''))
  expect(exitCode, stderr).toBe(0)
}

async function inVolumes(stack: Stack, { from, to }: { from: string; to: string }, command: string): Promise<void> {
  const volumes = ['--volume', `${from}:/from`, '--volume', `${to}:/to`]
  const { exitCode, stderr } = await stack.docker(
    ...['run', '--rm', '--entrypoint', 'sh', ...volumes, 'postgres:17', '-ec', command],
  )
  expect(exitCode, stderr).toBe(0)
}
