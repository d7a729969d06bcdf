// Scenarios of two images that do not belong together: whichever is the newer one, an app must not serve from a
// database that it does not match.

import { describe, expect } from 'vitest'
import { breaking, current, newer, rewritten } from '../scenario/releases.ts'
import { listening, matched, migrate, migrator, succeeds } from '../scenario/steps.ts'
import { test } from '../scenario/witness.ts'

describe('must not serve unmigrated', () => {
  test('a new app that --no-recreate starts behind the previous migrator', async ({ stack, witness }) => {
    await succeeds(stack, 'up', '--detach', '--wait')
    await witness.serves(await matched(stack))
    await succeeds(stack, 'rm', '--stop', '--force', 'app')
    const from = Date.now()
    await stack.override({ ...(await newer()) })
    // The migrator's container is there already, of the old image: it finds nothing to do, and compose is content.
    await succeeds(stack, 'up', '--detach', '--no-recreate')
    expect(await stack.container('migrator')).toMatchObject({ exitCode: 0 })
    await witness.refuses('behind')
    const until = await migrate(stack)
    await witness.serves(until)
    await witness.verdict({ from, until })
  })

  test('an app newer than the migrator', async ({ stack, witness }) => {
    const { app, migrator } = await newer()
    await stack.override({ app, migrator: current.migrator })
    await succeeds(stack, 'up', '--detach')
    await witness.refuses('behind')
    await stack.override({ migrator })
    const until = await migrate(stack)
    await witness.serves(until)
    await witness.verdict({ until })
  })

  test('an app older than a breaking migration', async ({ stack, witness }) => {
    const { app, migrator } = await breaking()
    await stack.override({ app: current.app, migrator })
    await succeeds(stack, 'up', '--detach')
    await witness.refuses('too-old')
    // Nothing but the app that was built with it helps.
    await succeeds(stack, 'restart', 'app')
    await witness.refuses('too-old')
    await stack.override({ app })
    await succeeds(stack, 'up', '--detach', '--no-deps', 'app')
    const until = await listening(stack)
    await witness.serves(until)
    await witness.verdict({ until })
  })

  test('an app of another history than the database', async ({ stack, witness }) => {
    await stack.override({ app: (await rewritten()).app })
    await succeeds(stack, 'up', '--detach')
    await witness.refuses('diverged')
    // Its own migrator will not have it either.
    await stack.override({ migrator: (await rewritten()).migrator })
    await migrator(stack, 6, 'up')
    await witness.refuses('diverged')
    await stack.override({ app: current.app })
    await succeeds(stack, 'up', '--detach', '--no-deps', 'app')
    const until = await listening(stack)
    await witness.serves(until)
    await witness.verdict({ until })
  })
})
