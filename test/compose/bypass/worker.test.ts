// Scenarios of services that compose does not hold back: a worker without depends_on, and a command behind `schemagate wait`.

import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { eventually } from '../../helpers/eventually.ts'
import { root } from '../scenario/project.ts'
import { current } from '../scenario/releases.ts'
import { test } from '../scenario/stack.ts'
import { migrate, migrator, newest, succeeds } from '../scenario/steps.ts'

/** The app's own login, as docker-compose.yml gives it to the app. */
const environment = {
  PGHOST: 'postgres',
  PGDATABASE: 'tickets',
  PGUSER: 'app',
  PGPASSWORD: 'development-only-app',
}

/** Long enough in a state to see what is done in it. */
const enough = 20

describe('must not work unmigrated', () => {
  test('a worker without depends_on', async ({ stack, task }) => {
    const file = join(root, 'test/compose/bypass/worker.mjs')
    const volumes = [`${file}:/app/worker.mjs:ro`]
    await stack.override({ worker: { ...current.app, entrypoint: ['node', 'worker.mjs'], environment, volumes } })
    const works = async () =>
      (await stack.logs('worker')).flatMap(line => (line.event === 'work' ? [workOf(line)] : []))
    const refused = async () => {
      const known = Date.now()
      await eventually(async () => {
        const since = (await works()).filter(({ sent }) => sent >= known)
        expect(since.length).toBeGreaterThanOrEqual(enough)
        expect(since.filter(({ outcome }) => outcome !== 'GateClosedError')).toEqual([])
      })
    }
    await succeeds(stack, 'up', '--detach', 'worker')
    await refused()
    await succeeds(stack, 'up', '--detach', '--wait', 'postgres')
    await refused()
    await migrator(stack, 0, 'up', '--to', '0003_ticket_activity')
    await refused()
    const until = await migrate(stack)
    const first = await eventually(async () => {
      const done = (await works()).find(({ sent, outcome }) => sent >= until && outcome === 'done')
      expect(done).toBeDefined()
      return done!
    })
    const after = Math.round(first.came - until)

    const all = await works()
    const wrong = all.filter(({ came, outcome }) => outcome === 'done' && came <= until)
    const failed = all.filter(({ outcome }) => outcome !== 'done' && outcome !== 'GateClosedError')
    console.log(
      `${task.name}: ${all.length} pieces of work, ${wrong.length} done and ${failed.length} failed unmigrated, ` +
        `the first done ${after} ms after the database matched`,
    )
    expect(wrong).toEqual([])
    expect(failed).toEqual([])
    expect(after).toBeLessThan(2_000)
  })

  test('a command behind schemagate wait', async ({ stack, task }) => {
    const script = `console.log(JSON.stringify({ event: 'started', at: Date.now(), pid: process.pid }))
      process.on('SIGTERM', () => process.exit(7))
      setInterval(() => {}, 1000)`
    const command = ['wait', '--timeout', '5m', '--manifest', '/schemagate/manifest.json', '--', 'node', '-e', script]
    await stack.override({ waiting: { ...current.migrator, command, environment } })
    const events = async () => (await stack.logs('waiting')).map(({ event }) => event)
    await succeeds(stack, 'up', '--detach', '--wait', 'postgres')
    await succeeds(stack, 'up', '--detach', 'waiting')
    await eventually(async () => expect(await events()).toContain('waiting'))
    await migrator(stack, 0, 'up', '--to', '0003_ticket_activity')
    await eventually(async () => {
      const said = (await stack.logs('waiting')).findLast(({ event }) => event === 'waiting')
      expect(said?.msg).toContain('0004_ticket_activity_backfill')
    })
    expect(await events()).not.toContain('started')
    await migrate(stack)
    const started = await eventually(async () => {
      const line = (await stack.logs('waiting')).find(({ event }) => event === 'started')
      expect(line).toBeDefined()
      return line!
    })
    const after = Math.round(Number(started.at) - (await newest(stack)))
    console.log(`${task.name}: started ${after} ms after the database matched`)
    expect(after).toBeGreaterThan(0)
    expect(after).toBeLessThan(2_000)

    // It has become the command: signals and exit code are the command's own.
    expect(started.pid).toBe(1)
    await succeeds(stack, 'stop', 'waiting')
    expect(await stack.container('waiting')).toMatchObject({ status: 'exited', exitCode: 7 })
  })
})

function workOf({ sent, came, outcome }: Record<string, unknown>) {
  return { sent: Number(sent), came: Number(came), outcome: String(outcome) }
}
